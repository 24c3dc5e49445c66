"""A few pictures in two classes that any network tells apart."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def archive(path: Path, classes: tuple[str, str] = ("dark", "bright"), *, spread: int = 100) -> Path:
    """Write a ZIP of noise in two brightnesses, eight pictures a class; with ``spread`` 0 they are all the same."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as file:
        for name, low in zip(classes, (0, 150 if spread else 0), strict=True):
            for number in range(8):
                picture = io.BytesIO()
                pixels = random.integers(low, low + spread + 1, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(picture, "PNG")
                file.writestr(f"{name}/{number}.png", picture.getvalue())
    return path


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("pictures") / "pictures.zip")


@pytest.fixture(scope="session")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("pictures") / "动物.zip", ("猫", "狗🐕"))


@pytest.fixture(scope="session")
def the_same_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("pictures") / "same.zip", spread=0)

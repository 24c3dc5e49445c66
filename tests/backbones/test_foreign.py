"""A stranger's file is opened in a process of its own: what it takes there, the process that asked does not notice."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core import errors
from core.backbones import foreign, reading
from tests.hostile import weights as weights_files


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "plain.safetensors"


def source(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "raw"
    path.write_bytes(content)
    return path


def peak() -> float:
    """Megabytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_plain_copy_has_the_same_tensors_each_on_its_own(tmp_path: Path, target: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    content = {"ema": {"a.weight": whole, "b.weight": whole, "part.weight": whole[1:, :2], "turned": whole.T}}
    foreign.convert(source(tmp_path, weights_files.pth(content)), target, "mine.pth")
    read = load_file(target)
    assert set(read) == set(content["ema"])
    assert all(torch.equal(read[name], value) for name, value in content["ema"].items())
    assert reading.header(target, "mine.pth").place == "ema"


@pytest.mark.parametrize(
    "make", [weights_files.great_bytearrays, weights_files.great_claim, weights_files.deflated]
)
def test_what_a_file_asks_for_is_not_taken_here(tmp_path: Path, target: Path, make) -> None:
    path = source(tmp_path, make())
    before = peak()
    with pytest.raises(errors.WeightsError, match=r"^mine\.pth [^\n]*\.$"):
        foreign.convert(path, target, "mine.pth")
    assert peak() - before < 20
    assert not target.exists()


def test_a_reader_that_breaks_down_is_one_sentence_and_leaves_no_file(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source(tmp_path, weights_files.pth({"a.weight": torch.ones(2, 2)}))
    target.write_bytes(b"half")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(errors.WeightsError, match=r"mine\.pth could not be opened: its reader broke down"):
        foreign.convert(path, target, "mine.pth")
    assert not target.exists()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    with pytest.raises(errors.WeightsError, match=r"mine\.pth could not be opened: No such file"):
        foreign.convert(path, target, "mine.pth")


def test_a_reader_that_does_not_come_to_an_end_is_ended(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "_PATIENCE", 0.001)
    with pytest.raises(errors.WeightsError, match="asks for more memory or time"):
        foreign.convert(
            source(tmp_path, weights_files.pth({"a.weight": torch.ones(2, 2)})), target, "mine.pth"
        )


def test_limits_that_hold_already_stay(tmp_path: Path, target: Path) -> None:
    """As in a service whose unit limits memory and time: nobody may raise a hard limit."""
    path = source(tmp_path, weights_files.pth({"a.weight": torch.arange(4.0).reshape(2, 2)}))
    request = {"source": str(path), "target": str(target), "label": "mine.pth", "length": 0}
    with subprocess.Popen(
        [sys.executable, "-m", "core.backbones.foreign", "0"],
        cwd=Path(foreign.__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        for limit in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE):
            resource.prlimit(process.pid, limit, (3_000_000_000, 3_000_000_000))
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b'{"written": true}\n'
    assert target.exists()

"""Weights of one's own in the command line: what was done with the file is said; what leaves is alike."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from core.cli import main
from core.runs.export import archive as export
from core.runs.kinds.finetuning_result import RunResult
from tests.hostile import weights as weights_files

QUICK = [
    "--backbone",
    "tiny_resnet18",
    "--data",
    "digits",
    "--per-class",
    "4",
    "--image-size",
    "16",
    "--strategy",
    "linear_probe",
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training program's checkpoint: a table in a table, a prefix, a head for seven classes."""
    path = tmp_path_factory.mktemp("checkpoint") / "model_best.pth.tar"
    state = {f"module.{name}": value for name, value in weights_files.state().items()}
    state |= {"module.fc.weight": torch.ones(7, 256), "module.fc.bias": torch.ones(7)}
    torch.save({"epoch": 3, "state_dict": state, "best_acc1": torch.tensor(71.5)}, path)
    return path


@pytest.fixture
def umask() -> Iterator[int]:
    old = os.umask(0o027)
    yield 0o027
    os.umask(old)


SAID = [
    "The weights were taken from 'state_dict' in the file.",
    "The prefix 'module.' was taken off the names in the weights file.",
    "The head of the weights file, for 7 classes, was left out: a new one takes its place.",
]


def test_what_was_done_with_the_file_is_said_and_files_that_leave_are_alike(
    checkpoint: Path, tmp_path: Path, umask: int, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert main(["finetune", *QUICK, "--weights", str(checkpoint), "--json", "--out", str(one)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines if line["event"] == "note"][:3] == SAID
    assert list(RunResult.from_json(json.loads((one / "run.json").read_text())).notes[:3]) == SAID

    assert main(["finetune", *QUICK, "--weights", str(checkpoint), "--out", str(two)]) == 0
    said = capsys.readouterr().err
    assert all(sentence in said for sentence in SAID)

    assert {path.stat().st_mode & 0o777 for path in one.iterdir()} == {0o666 & ~umask}
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in two.iterdir())
    for path in one.iterdir():
        if path.name != export.RUN:  # which holds seconds
            assert path.read_bytes() == (two / path.name).read_bytes(), path.name


def test_advice_says_it_too(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [
        "advise",
        "--backbone",
        "tiny_resnet18",
        "--data",
        "digits",
        "--per-class",
        "4",
        "--weights",
        str(checkpoint),
    ]
    assert main([*chosen, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["weights"] == SAID


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "photo.pth",
            b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(99),
            "photo.pth is a JPEG picture, no weights file",
        ),
        ("net.onnx", b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:" + bytes(99), "net.onnx is an ONNX model"),
        ("none.ckpt", b"", "none.ckpt is empty"),
        (
            "bytes.pth",
            weights_files.great_bytearrays(),
            "bytes.pth holds more than tensors (builtins.bytearray)",
        ),
    ],
)
def test_other_files_are_one_sentence_and_the_status_of_bad_input(
    tmp_path: Path, name: str, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["finetune", *QUICK, "--weights", str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1].startswith(said)
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_a_device_in_the_place_of_weights_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finetune", *QUICK, "--weights", os.devnull]) == 2
    assert "is a device or a pipe" in capsys.readouterr().err

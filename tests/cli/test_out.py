"""``--out``: tried before anything is trained, nothing overwritten unasked, and what was measured is said anyway."""

import io
import json
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.cli import main
from core.commands import folder

QUICK = ["--backbone", "tiny_resnet18", "--strategy", "linear_probe", "--image-size", "32", "--device", "cpu"]


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("/dev/full", "is no folder"),
        ("/dev/null/folder", "Not a directory"),
        ("/proc/folder", "cannot be written to"),
        ("a file", "is no folder"),
        ("a file/below", "Not a directory"),
        ("a link to nothing", "is no folder"),
        ("n" * 5000, "File name too long"),
        ("full", "is not empty, and nothing is overwritten unasked"),
        ("a link", "is not empty, and nothing is overwritten unasked"),
        ("", "--out: it must name a file or a folder"),
        ("  ", "--out: it must name a file or a folder"),
    ],
)
def test_where_nothing_can_be_written_nothing_is_read_or_trained(
    out: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "weights.safetensors").write_text("mine")
    (tmp_path / "a link").symlink_to("full")
    (tmp_path / "a link to nothing").symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))
    # The data are missing, which would be said had they been looked at.
    assert main(["finetune", "--data", "missing.zip", "--out", out]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert "--out" in printed.err
    assert printed.err.count("\n") == 1
    assert len(printed.err) < 600
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "full" / "weights.safetensors").read_text() == "mine"


def test_a_folder_made_for_a_run_that_cannot_begin_goes_again(tmp_path: Path) -> None:
    assert main(["finetune", "--data", "missing.zip", "--out", str(tmp_path / "new" / "result")]) == 2
    assert not (tmp_path / "new").exists()
    (tmp_path / "empty").mkdir()
    assert main(["finetune", "--data", "missing.zip", "--out", str(tmp_path / "empty")]) == 2
    assert (tmp_path / "empty").is_dir()


@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_a_folder_that_another_run_writes_to_is_left_to_it(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result"
    with folder.ready(out, overwrite=False, needed=0):
        assert main(["finetune", "--data", "missing.zip", "--out", str(out), *more]) == 2
        assert capsys.readouterr().err == (
            f"--out {out} is where another run writes to just now; name another folder.\n"
        )
        assert out.is_dir()
    assert not out.exists()
    with folder.ready(out, overwrite=False, needed=0):  # afterwards it is free again
        pass


def test_overwriting_is_asked_for_and_leaves_other_files_alone(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text("of an earlier run")
    (tmp_path / "notes.txt").write_text("mine")
    wanted = ["finetune", "--data", str(pictures), *QUICK, "--out", str(tmp_path)]
    assert main(wanted) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*wanted, "--overwrite"]) == 0
    assert json.loads((tmp_path / "run.json").read_text())["test"]["count"] == 4
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let the operating system refuse larger files, as it does where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_result_that_the_disk_does_not_take_is_said_with_its_accuracy(
    as_json: bool, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result"
    wanted = [
        "finetune",
        "--data",
        str(pictures),
        *QUICK,
        "--out",
        str(out),
        *(["--json"] if as_json else []),
    ]
    with no_file_beyond(1_000_000):  # the weights have eleven
        assert main(wanted) == 1
    printed = capsys.readouterr()
    sentence = f"The result could not be written to {out}: File too large."
    assert printed.err.splitlines()[-1] == sentence
    if as_json:
        last = json.loads(printed.out.splitlines()[-1])
        assert (last["event"], last["files"], last["not_written"]) == ("finished", {}, sentence)
        assert last["test"]["accuracy"]["value"] > 0.5
    else:
        assert "test accuracy   100.0 %" in printed.out
        assert "wrote" not in printed.out
    assert not out.exists(), "an empty folder, or half a file"


class _Sabotage(io.StringIO):
    """Standard output that puts a file in the place of the folder once the run has begun."""

    def __init__(self, out: Path) -> None:
        super().__init__()
        self._out = out

    def write(self, text: str) -> int:
        if '"started"' in text:
            self._out.rmdir()
            self._out.write_text("mine")
        return super().write(text)


def test_a_folder_that_is_taken_away_meanwhile_costs_no_figures(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result"
    printed = _Sabotage(out)
    monkeypatch.setattr(sys, "stdout", printed)
    assert main(["finetune", "--data", str(pictures), *QUICK, "--out", str(out), "--json"]) == 1
    assert json.loads(printed.getvalue().splitlines()[-1])["test"]["accuracy"]["value"] > 0.5
    assert f"could not be written to {out}" in capsys.readouterr().err
    assert out.read_text() == "mine"

"""Standard output and standard error: any encoding, a reader that leaves, a full disk, a closed stream."""

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.cli import main
from core.commands.output import Output
from core.commands.terminal import say

ROOT = Path(__file__).parents[2]
QUICK = ["--backbone", "tiny_resnet18", "--strategy", "linear_probe", "--image-size", "32", "--device", "cpu"]
ENCODINGS = ("ascii", "cp1252", "latin-1", "cp437", "big5", "utf-8", "utf-16")
WORDS = ("猫", "Größe", "🐕", "half a pair: \ud83d", "in no encoding: \udcff", "plain")


class Console:
    """A console of some encoding, strict about what it lacks."""

    def __init__(self, encoding: str) -> None:
        self._bytes = io.BytesIO()
        self._encoding = encoding
        self.stream = io.TextIOWrapper(self._bytes, encoding=encoding, errors="strict")

    @property
    def text(self) -> str:
        self.stream.flush()
        return self._bytes.getvalue().decode(self._encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_any_word_goes_to_any_console(encoding: str) -> None:
    console = Console(encoding)
    for word in WORDS:
        print(word, file=Output(console.stream))
    lines = console.text.splitlines()
    assert len(lines) == len(WORDS)
    assert lines[-1] == "plain"
    assert lines[0] in ("猫", "\\u732b")


@pytest.mark.parametrize("encoding", ["ascii", "utf-16"])
def test_json_with_chinese_classes_goes_to_any_console(
    encoding: str, chinese: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(encoding)
    monkeypatch.setattr(sys, "stdout", console.stream)
    assert main(["finetune", "--data", str(chinese), *QUICK, "--json"]) == 0
    events = [json.loads(line) for line in console.text.splitlines()]
    started = next(event for event in events if event["event"] == "started")
    assert set(started["class_names"]) == {"猫", "狗🐕"}
    assert {row["name"] for row in events[-1]["test"]["classes"]} == {"猫", "狗🐕"}


def test_text_about_chinese_data_goes_to_a_western_console(
    chinese: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = Console("cp1252"), Console("latin-1")
    err.stream.reconfigure(errors="backslashreplace")  # as Python opens standard error
    monkeypatch.setattr(sys, "stdout", out.stream)
    monkeypatch.setattr(sys, "stderr", err.stream)
    folder = tmp_path / "结果"
    assert main(["finetune", "--data", str(chinese), *QUICK, "--out", str(folder)]) == 0
    assert "wrote" in out.text
    assert "\\u7ed3\\u679c" in out.text
    assert "\\u52a8\\u7269" in err.text
    assert "动物" in json.loads((folder / "run.json").read_text(encoding="utf-8"))["title"]


def test_a_folder_whose_name_is_in_no_encoding_is_trained_on_and_kept(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = tmp_path / os.fsdecode(b"d\xe9j\xe0 vu.zip")
    named.write_bytes(pictures.read_bytes())
    assert main(["finetune", "--data", str(named), *QUICK, "--out", str(tmp_path / "out"), "--json"]) == 0
    started = next(line for line in capsys.readouterr().out.splitlines() if '"started"' in line)
    assert json.loads(started)["data_name"] == "d\udce9j\udce0 vu"
    assert "vu" in json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["data_name"]
    compile((tmp_path / "out" / "reproduce.py").read_text(encoding="utf-8"), "reproduce.py", "exec")


def test_names_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finetune", "--data", "\x1b[2Jgone\n.zip"]) == 2
    assert (
        capsys.readouterr().err
        == "There is no file or folder \\x1b[2Jgone\\n.zip; check its name and place.\n"
    )
    say("n" * 5000)
    assert len(capsys.readouterr().err) < 400


def test_a_reader_that_leaves_ends_a_listing_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert main(["datasets"]) == 141
    assert capsys.readouterr().err == ""


def test_a_reader_that_leaves_does_not_stop_what_is_to_be_kept(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, write = os.pipe()
    seen: list[str] = []

    def head() -> None:
        with os.fdopen(read) as file:
            seen.append(file.readline())

    reader = threading.Thread(target=head)
    reader.start()
    with os.fdopen(write, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        status = main(
            ["finetune", "--data", str(pictures), *QUICK, "--json", "--out", str(tmp_path / "result")]
        )
    reader.join()
    assert status == 0
    assert json.loads(seen[0])["event"] == "progress"
    assert json.loads((tmp_path / "result" / "run.json").read_text())["test"]["count"] == 4
    assert {path.name for path in (tmp_path / "result").iterdir()} >= {"weights.safetensors", "reproduce.py"}
    assert capsys.readouterr().err == ""


def test_where_standard_output_takes_nothing_it_is_all_said_on_standard_error(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["finetune", "--data", str(pictures), *QUICK]) == 1
    lines = capsys.readouterr().err.splitlines()
    first = next(
        number for number, line in enumerate(lines) if line.startswith("Standard output takes nothing")
    )
    assert "No space left on device" in lines[first]
    assert lines[first + 1].startswith("test accuracy   100.0 %")
    assert len(lines) > first + 6


def test_closed_streams_stop_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        assert main(["finetune", "--data", "nothing", "--json"]) == 2
        assert main(["datasets", "--json"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()]  # and no sentence among it
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        assert main(["datasets"]) == 0
    print("what never ends with its line", end="", file=Output(None))


def test_processes_end_without_a_word_of_the_interpreter() -> None:
    """What happens after `main`: the interpreter flushes what streams still hold."""
    command = f"{sys.executable} -m core"
    for line, status in (
        (f"{command} techniques >/dev/full", 1),
        (f"{command} datasets --json 2>/dev/full | true; exit ${{PIPESTATUS[0]}}", 141),
    ):
        ran = subprocess.run(
            ["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        )
        assert ran.returncode == status, line
        assert "Exception" not in ran.stderr
        assert "Traceback" not in ran.stderr

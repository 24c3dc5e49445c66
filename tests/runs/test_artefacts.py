"""Files of a run: whole or not at all; the event log that pages poll."""

import json
import math
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from core import errors
from core.runs.files import artefacts
from core.runs.files.artefacts import EventLog, read_events
from core.runs.home import home, run_directory


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    artefacts.write_atomically(path, lambda file: file.write(b"old"))

    def fails(file: BinaryIO) -> None:
        file.write(b"half of the new")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        artefacts.write_atomically(path, fails)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_file_is_its_owners_alone_unless_it_leaves_the_data_directory(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        for name, private in (("stays", True), ("leaves", False)):
            artefacts.write_atomically(tmp_path / name, lambda file: file.write(b"x"), private=private)
        (tmp_path / "other").write_bytes(b"x")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"stays": 0o600, "leaves": modes["other"], "other": 0o666 & ~mask}


def test_events_are_read_from_an_offset_on_and_only_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert read_events(path) == ([], 0)
    log = EventLog(path)
    log.append({"event": "note", "message": "Größe ✓"})
    seen, offset = read_events(path)
    assert seen == [{"event": "note", "message": "Größe ✓"}]
    assert read_events(path, offset) == ([], offset)
    log.append({"event": "epoch", "loss": math.nan, "inner": [{"x": math.inf}]})
    seen, offset = read_events(path, offset)
    assert seen == [{"event": "epoch", "loss": None, "inner": [{"x": None}]}]
    log.close()
    with open(path, "ab") as file:
        file.write(b'{"event": "torn')
    assert read_events(path, offset) == ([], offset)
    log = EventLog(path)  # a new worker cuts off what the old one left
    log.append({"event": "resumed", "epoch": 1})
    log.close()
    assert read_events(path, offset)[0] == [{"event": "resumed", "epoch": 1}]


def test_a_long_log_comes_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    lines = [{"event": "note", "message": "x" * length} for length in (10, 200, 10, 30)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.setattr(artefacts, "_READ_AT_ONCE", 64)
    got, offset, steps = [], 0, 0
    while True:
        more, offset = read_events(path, offset)
        if not more:
            break
        got += more
        steps += 1
    assert got == lines
    assert steps > 1


def test_the_data_directory_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLL_HOME", str(tmp_path / "new" / "folder"))
    assert home() == tmp_path / "new" / "folder"
    assert home().is_dir()


@pytest.mark.parametrize(
    "name", ["../../etc", "a/b/c/d/e/f", "", "short", "x" * 65, "abcdefgh\n", "äbcdefghij"]
)
def test_no_text_from_outside_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.RunError):
        run_directory(tmp_path, name)


def test_a_damaged_line_of_the_log_costs_that_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event":"epoch","epoch":1}\n{"event":"epo\xffch"\n[1]\n{"event":"epoch","epoch":3}\n')
    events, offset = read_events(path)
    assert [event["epoch"] for event in events] == [1, 3]
    assert offset == path.stat().st_size

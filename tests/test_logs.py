"""Logs: one JSON object a line, nothing about visitors, and files that stay small."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors, logs

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator["Said"]:
    """A process whose logs are set up; afterwards as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.delenv("TLL_LOG_LEVEL", raising=False)
    yield Said(capfd)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


class Said:
    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._capfd.readouterr().err.splitlines()]


def test_a_line_is_one_object_with_time_level_logger_message_and_run(said: Said) -> None:
    logs.configure()
    log = logging.getLogger("core.test")
    log.debug("not at this level")
    log.info("two\nlines, %d %%", 50)
    with logs.of_run("run-1"):
        other = threading.Thread(target=log.warning, args=("from a thread of the run",))
        other.start()
        other.join()
    first, second = said.lines()
    assert (first["level"], first["logger"], first["message"]) == (
        "info",
        "core.test",
        "two\nlines, 50 %",
    )
    assert first["process"] == os.getpid()
    assert str(first["time"]).endswith("+00:00")
    assert "run" not in first
    assert second["run"] == "run-1"


def test_a_message_that_is_too_long_is_cut_and_shows_no_part_of_an_id(said: Said) -> None:
    logs.configure()
    visitor = "0123456789abcdef" * 2
    for before in range(logs.MESSAGE - 40, logs.MESSAGE + 3):
        logging.getLogger("core.test").info("%s %s%s", "-" * before, visitor, " and so on" * 100_000)
    lines = said.lines()
    assert len(lines) == 43
    for line in lines:
        assert len(str(line["message"])) < logs.MESSAGE + 40
        assert "0123" not in str(line["message"])
        assert "characters)" in str(line["message"])


def test_a_session_is_not_named_by_its_beginning_either(said: Said) -> None:
    logs.configure()
    logging.getLogger("streamlit").warning("mismatch (request=%s, expected=%s)", "01234567", "89abcdef")
    assert said.lines()[0]["message"] == "mismatch (request=[session], expected=[session])"


def test_no_line_names_a_visitor_an_address_or_what_visitors_gave(said: Said) -> None:
    logs.configure()
    log = logging.getLogger("core.test")
    visitor, archive, name = (
        "0123456789abcdef" * 2,
        "_".join(["anna", "secret.zip"]),
        "'s cats".join(["Anna", ""]),
    )
    log.info("%s came from 192.168.1.20:5123 and ::ffff:10.0.0.1 and 2001:db8::1 and fe80::1%%eth0", visitor)
    try:
        try:
            raise KeyError(name)
        except KeyError as error:
            raise errors.DataError(f"{archive} has no folder {name}") from error
    except errors.DataError:
        log.exception("It failed.")
    try:
        Path("/nowhere").read_bytes()
    except OSError:
        log.exception("It is gone.")
    try:
        raise OSError(f"cannot identify image file {archive}")  # as Pillow does
    except OSError:
        log.exception("It is no picture.")
    lines = said.lines()
    text = json.dumps(lines)
    for secret in (visitor, "192.168.1.20", "10.0.0.1", "2001:db8", "fe80", "anna_secret", "Anna's"):
        assert secret not in text, secret
    traceback = str(lines[1]["exception"])
    # What helps to mend it is there: both exceptions' kinds, where they came from, and what the system said.
    assert traceback.index("builtins.KeyError") < traceback.index("core.errors.DataError")
    assert "test_logs.py" in traceback
    assert "No such file or directory: '/nowhere'" in str(lines[2]["exception"])


@pytest.mark.parametrize(
    "text",
    [
        *(
            "at 12:30:45.123 the 21st",
            "epoch 3 of 4",
            "core.runs.executors::worker",
            "run Zm9vYmFyYmF6cXV4",
            "std::move",
        ),
        "GPU-281c870a-13ea-4fd6-8779-4c6eb190253e",
    ],
)
def test_what_only_looks_like_an_address_stays(text: str) -> None:
    assert logs.without_persons(text) == text


def test_the_key_to_somebodys_session_is_not_written(said: Said) -> None:
    """Streamlit logs it as here, and gives the session to whoever names it."""
    logs.configure()
    session = "281c870a-13ea-4fd6-8779-4c6eb190253e"
    logging.getLogger("streamlit").warning("Session with id %s is already connected!", session)
    assert said.lines()[-1]["message"] == "Session with id [session] is already connected!"


def test_at_debug_the_texts_of_exceptions_are_written(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLL_LOG_LEVEL", "debug")
    logs.configure()
    try:
        raise ValueError("the whole text")
    except ValueError:
        logging.getLogger("core.test").exception("It failed.")
    assert "the whole text" in str(said.lines()[-1]["exception"])
    monkeypatch.setenv("TLL_LOG_LEVEL", "loud")
    with pytest.raises(errors.SettingsError, match="TLL_LOG_LEVEL must be one of"):
        logs.configure()


def test_libraries_write_in_the_same_form_and_not_about_connections(said: Said) -> None:
    from streamlit.logger import get_logger

    theirs = get_logger("streamlit.of_this_test")
    handlers = theirs.handlers[:]
    logs.configure()
    theirs.warning("from Streamlit")
    logging.getLogger("uvicorn.error").info("127.0.0.1:5123 - WebSocket accepted")
    lines = said.lines()
    theirs.handlers[:] = handlers
    assert [line["message"] for line in lines] == ["from Streamlit"]


def test_a_worker_s_file_stays_small_whoever_writes(tmp_path: Path) -> None:
    """Two processes share one file, each through standard error, as workers do."""
    path = tmp_path / "worker.log"
    code = (
        "import logging, sys\n"
        "from pathlib import Path\n"
        "from core import logs\n"
        "logs.FILE_BYTES = 20_000\n"
        f"logs.configure(Path({str(path)!r}))\n"
        "for number in range(600):\n"
        "    logging.getLogger('core.test').info('%s %d %s', sys.argv[1], number, 'x' * 100)\n"
        "print('the last word', flush=True)\n"
    )
    with open(path, "ab") as log:
        both = [
            subprocess.Popen([sys.executable, "-c", code, name], cwd=PROJECT, stdout=log, stderr=log)
            for name in ("one", "two")
        ]
        assert [process.wait() for process in both] == [0, 0]
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["worker.log", "worker.log.1", "worker.log.2"]
    assert all(file.stat().st_size < 25_000 for file in files)
    lines = [line for file in files for line in file.read_text().splitlines() if line != "the last word"]
    assert all(json.loads(line)["message"].endswith("x" * 100) for line in lines)  # none was cut
    newest = path.read_text().splitlines()
    assert newest[-1] == "the last word"  # printed, not logged: standard output went along
    logged = [line for line in newest if line != "the last word"]
    assert json.loads(logged[-1])["message"].split()[1] == "599"


def test_on_a_terminal_people_read_plain_text() -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    code = (
        "import logging; from core import logs; logs.configure(); logging.getLogger('core').info('Good day')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, stderr=theirs, check=True)
    text = os.read(ours, 1000).decode()
    os.close(ours), os.close(theirs)
    assert text.rstrip().endswith("INFO    core: Good day")

"""Logs of the server and of workers: one JSON object a line on standard error, or plain text on a terminal.

A log is read by operators and kept by machines of theirs, so it says nothing about visitors: no visitor ids, no
internet addresses, no names that visitors gave. Those stand in the texts of exceptions above all ("no class 'Anna'"),
so a traceback is written with its frames, and an exception's own text only where the machine wrote it: errors of the
operating system, of SQLite, of torch. At level DEBUG everything is written. Torch-free.
"""

import io
import json
import logging
import os
import re
import sqlite3
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import environment, errors

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FILE_BYTES = 5_000_000  # of one log file
MESSAGE = 2_000  # characters of one; strangers choose some of the text that libraries write
OLD_FILES = 2  # that are kept beside it, as worker.log.1 and worker.log.2

_VISITOR = re.compile(r"(?<![0-9A-Za-z_-])[0-9a-f]{32}(?![0-9A-Za-z_-])")
# A session of Streamlit's, open to whoever names it; "GPU-" and such before it make it something else.
_SESSION = re.compile(r"(?<![0-9A-Za-z_-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z_-])")
_PART_OF_SESSION = re.compile(r"(?<=request=|xpected=)[0-9a-f]{8}\b")  # as Streamlit shortens it
_LAST_WORD = re.compile(r"\S{0,64}\Z")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
# Either "::" somewhere between hexadecimal groups, or all eight groups: a time of day has neither.
_IPV6 = re.compile(
    r"(?<![\w:])(?:(?:[0-9a-fA-F]{1,4}:){1,7}:|::|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4})"
    r"(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?(?![\w:])"
)
_WITHHELD = "(text withheld, it may name what visitors gave; TLL_LOG_LEVEL=DEBUG writes it)"
_MOST_CAUSES = 5

# Loggers of libraries that bring handlers of their own, which would write in their own form.
_LIBRARIES = ("streamlit", "uvicorn", "websockets", "asyncio")
_run: str | None = None


def configure(path: Path | None = None) -> None:
    """Write this process's logs to standard error; ``path`` is the file behind it, which is then kept small.

    ``TLL_LOG_LEVEL`` chooses among `LEVELS`; INFO without it. Raises `SettingsError` for another word.
    """
    level = environment.LOG_LEVEL.text().upper()
    errors.one_of(environment.LOG_LEVEL.name, level, LEVELS)
    handler = _Handler(path)
    plain = path is None and sys.stderr.isatty()
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s") if plain else JsonLines()
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    threading.excepthook = _thread_ended
    adopt_libraries()


def adopt_libraries() -> None:
    """Take libraries' loggers over: they write through ours. Again after later imports: some bring new ones."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _LIBRARIES:
            logger = logging.getLogger(name)
            logger.handlers[:] = []
            logger.propagate = True
    # Below warnings they tell of every visitor who connects, with the internet address.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def of_run(run: str) -> Iterator[None]:
    """Mark everything that this process logs meanwhile, from whatever thread, with the run's id."""
    global _run  # noqa: PLW0603 - a worker works on one run at a time, with several threads
    _run = run
    try:
        yield
    finally:
        _run = None


class JsonLines(logging.Formatter):
    """One JSON object: time (UTC), level, logger, message, process; run and exception where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_persons(_short(record.getMessage())),
            "process": record.process,
        }
        run = getattr(record, "run", None) or _run
        if run is not None:
            line["run"] = run
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = without_persons(_told(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False)


def without_persons(text: str) -> str:
    """Replace ids of visitors and their sessions, and internet addresses in ``text``."""
    text = _SESSION.sub("[session]", _VISITOR.sub("[visitor]", text))
    text = _PART_OF_SESSION.sub("[session]", text)
    return _IPV6.sub("[address]", _IPV4.sub("[address]", text))


def _short(text: str) -> str:
    """Cut a message that is too long, in no word: half an id of somebody would not be seen as one."""
    if len(text) <= MESSAGE:
        return text
    return f"{_LAST_WORD.sub('', text[:MESSAGE])} … ({len(text):,} characters)"


def rotate(path: Path) -> None:
    """Move ``path`` aside once it has `FILE_BYTES`, and those before it; the oldest one goes."""
    try:
        if path.stat().st_size < FILE_BYTES:
            return
        for number in range(OLD_FILES, 0, -1):
            newer = path if number == 1 else _old(path, number - 1)
            if newer.exists():
                newer.replace(_old(path, number))
    except FileNotFoundError:  # another process has just done it
        return


class _Handler(logging.StreamHandler[io.TextIOBase]):
    """Standard error; where that is a file, the file is changed once it is full."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(sys.stderr)  # type: ignore[arg-type]  # whatever stands in for it, in tests
        self._path = path
        self._changing = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        if self._path is not None and os.name == "posix":
            with self._changing:
                self._change_file(self._path)
        super().emit(record)

    def _change_file(self, path: Path) -> None:
        """Let both standard streams write to the file that ``path`` names now.

        Several workers share the file: one moves it aside, the others notice that theirs has another name.
        """
        try:
            rotate(path)
            mine, named = os.fstat(2), path.stat() if path.exists() else None
            if named is not None and (mine.st_dev, mine.st_ino) == (named.st_dev, named.st_ino):
                return
            shared = (mine.st_dev, mine.st_ino) == ((out := os.fstat(1)).st_dev, out.st_ino)
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(number, 2)
            if shared:
                os.dup2(number, 1)
            os.close(number)
        except OSError:  # a full disk, say: the old file serves on
            return


def _old(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _thread_ended(what: threading.ExceptHookArgs) -> None:
    if what.exc_value is not None and not isinstance(what.exc_value, SystemExit):
        name = what.thread.name if what.thread is not None else "unknown"
        logging.getLogger(__name__).error(
            "The thread %s has ended by an error.", name, exc_info=what.exc_value
        )


def _told(error: BaseException) -> str:
    """Write an exception with its frames and those that it came from, oldest first, without visitors' words."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain and len(chain) < _MOST_CAUSES:
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    parts = []
    for each in reversed(chain):
        frames = "".join(traceback.format_tb(each.__traceback__))
        parts.append(f"{frames}{type(each).__module__}.{type(each).__qualname__}: {_text(each)}")
    return "\nwhich led to:\n".join(parts)


def _text(error: BaseException) -> str:
    if logging.getLogger().level <= logging.DEBUG:
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return str(error)  # a file that it names is the host's: visitors' names never become paths
    from_machine = isinstance(error, sqlite3.Error | MemoryError) or type(error).__module__.startswith(
        "torch"
    )
    return str(error) if from_machine else _WITHHELD

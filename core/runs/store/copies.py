"""The database's part of a backup: copied while the server runs, checked, moved elsewhere. Torch-free."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.runs.store.database import BUSY_SECONDS, FILE


def copy(home: Path, staging: Path, link: Callable[[list[str], list[str]], None]) -> tuple[int, int]:
    """Copy the database as of one moment; count the runs and the uploads in it.

    ``link`` is called with the ids of its runs and the tokens of its uploads, to hold their files; what has changed
    meanwhile is then caught up with.
    """
    with (
        closing(sqlite3.connect(home / FILE, timeout=BUSY_SECONDS)) as source,
        closing(sqlite3.connect(staging / FILE, isolation_level=None)) as copied,
    ):
        source.backup(copied, pages=1000, sleep=0.01)
        copied.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        copied.execute("BEGIN")
        link(
            [run for (run,) in copied.execute("SELECT id FROM runs")],
            [token for (token,) in copied.execute("SELECT token FROM uploads")],
        )
        _catch_up(source, copied)
        runs, uploads = (
            int(copied.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
            for table in ("runs", "uploads")
        )
        copied.execute("COMMIT")
    return runs, uploads


def check(home: Path) -> None:
    """Raise `ValueError` for a damaged database."""
    with _opened(home) as connection:
        if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            raise ValueError("its database is damaged")


def move_weights(home: Path, before: str, after: Path) -> None:
    """Let runs that begin with weights of their own find them in the directory ``after``, not in ``before``."""
    old, new = f"{before}/weights/", f"{after}/weights/"
    with _opened(home) as connection:
        connection.execute(
            "UPDATE runs SET spec = json_set(spec, '$.config.weights', ?2 || substr(spec ->> '$.config.weights', ?3))"
            " WHERE substr(spec ->> '$.config.weights', 1, ?3 - 1) = ?1",
            (old, new, len(old) + 1),
        )


@contextmanager
def _opened(home: Path) -> Iterator[sqlite3.Connection]:
    """Open it; a `ValueError` where it is none."""
    try:
        with closing(sqlite3.connect(home / FILE, isolation_level=None)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise ValueError(str(error)) from error


def _catch_up(source: sqlite3.Connection, copied: sqlite3.Connection) -> None:
    """Let the copy say what is true of the linked files: the store went on while they were being linked."""
    rows = source.execute("SELECT id, state, started, finished, spec, hash FROM runs")
    now = {row[0]: (row[1:4], row[4:]) for row in rows}
    for run, *before in copied.execute("SELECT id, state, started, finished FROM runs").fetchall():
        if run not in now:
            copied.execute("DELETE FROM runs WHERE id = ?", (run,))
        elif before[0] == "finished" and now[run][0] != tuple(before):
            # It was taken up again, so its files may be of two generations: it goes on to its end once more.
            copied.execute(
                "UPDATE runs SET state = 'running', finished = NULL, spec = ?, hash = ? WHERE id = ?",
                (*now[run][1], run),
            )
    copied.execute("UPDATE runs SET control = NULL WHERE control NOT IN (SELECT id FROM runs)")
    uploads = {row[0] for row in source.execute("SELECT token FROM uploads")}
    for (token,) in copied.execute("SELECT token FROM uploads").fetchall():
        if token not in uploads:
            copied.execute("DELETE FROM uploads WHERE token = ?", (token,))
    # Nobody works on the copied: what was being worked on waits there, in front, with its checkpoint.
    copied.execute("UPDATE runs SET state = 'queued', place = 0, claim = NULL WHERE state = 'running'")
    copied.execute(
        "UPDATE runs SET state = 'stopped', finished = ?, claim = NULL WHERE state = 'stopping'",
        (time.time(),),
    )

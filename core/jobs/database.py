"""SQLite in WAL mode: one connection to write, one to read, and a word for what passes. Torch-free."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core import errors
from core.jobs.migrations import migrate

FILE = "runs.sqlite3"  # in the data directory
BUSY_SECONDS = 15.0  # how long a change waits for another process that is changing something
_NO_ANSWER = "The lab's database does not answer ({}); try again in a moment."
_PASSING = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
)


class Database:
    """One data directory's database; safe to use from any thread, and from many processes.

    Raises `StoreError` where it cannot be asked at this moment.
    """

    def __init__(self, home: Path) -> None:
        # Reading does not wait for writing, neither here nor in SQLite: pages stay quick while another process writes.
        self._lock, self._reading_lock = threading.RLock(), threading.Lock()
        self._connection, self._reading = _connected(home), _connected(home)
        with _answering():
            migrate(self._connection)

    def close(self) -> None:
        """Close both connections."""
        with self._lock, self._reading_lock:
            self._connection.close()
            self._reading.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Change something, wholly or not at all; one thread of one process at a time."""
        # While another process holds the database, the threads of this one must not wait one after the other.
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise errors.StoreError(_NO_ANSWER.format("others wait for it, too"))
        try:
            with _answering():
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
        finally:
            self._lock.release()

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Read."""
        with self._reading_lock, _answering():
            return self._reading.execute(sql, values).fetchall()


def _connected(home: Path) -> sqlite3.Connection:
    with _answering():
        connection = sqlite3.connect(
            home / FILE, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    return connection


@contextmanager
def _answering() -> Iterator[None]:
    """Tell what will pass (a lock, a full disk) from what is a defect."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _PASSING:  # the lower byte is the kind, the rest its details
            raise
        raise errors.StoreError(_NO_ANSWER.format(error)) from error

"""SQLite in WAL mode: one connection to write, one to read, and a word for what passes. Torch-free."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from core import errors
from core.runs.store.migrations import migrate

FILE = "runs.sqlite3"  # in the data directory
BUSY_SECONDS = 15.0  # how long a change waits for another process that is changing something
_NO_ANSWER = "The lab's database does not answer ({}); try again in a moment."
_UNUSABLE = "The lab's database cannot be used ({}); tell whoever runs this lab."
_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# The host's: its disk, its rights, a file that is none of ours or a damaged one.
_HOSTS = (
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY),
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOTADB),
    sqlite3.SQLITE_CORRUPT,
)


class Database:
    """One data directory's database; safe to use from any thread, and from many processes.

    Raises `StoreError` where it cannot be asked at this moment. When its file comes back, from wherever it was, it
    can be asked again.
    """

    def __init__(self, home: Path) -> None:
        # Reading does not wait for writing, neither here nor in SQLite: pages stay quick while another process writes.
        self._lock, self._reading_lock = threading.RLock(), threading.Lock()
        self._writer, self._reader = _Connection(home / FILE), _Connection(home / FILE)

    def close(self) -> None:
        """Close both connections."""
        with self._lock, self._reading_lock:
            self._writer.close()
            self._reader.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Change something, wholly or not at all; one thread of one process at a time."""
        # While another process holds the database, the threads of this one must not wait one after the other.
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise errors.StoreError(_NO_ANSWER.format("others wait for it, too"))
        try:
            with _answering(self._writer):
                connection = self._writer.now()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
        finally:
            self._lock.release()

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Read."""
        with self._reading_lock, _answering(self._reader):
            return self._reader.now().execute(sql, values).fetchall()


class _Connection:
    """A connection to the file that has a name now: opened again where that is another one than before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None  # device and number of what is open
        with _answering(self):
            self._open = self._connect("rwc")

    def now(self) -> sqlite3.Connection:
        """Return it; `StoreError` where there is no such file: SQLite would go on with one that nobody finds again."""
        try:
            if self._named() != self._file:
                self._open.close()
                self._open = self._connect("rw")  # never a new one
        except OSError as error:
            raise errors.StoreError(_UNUSABLE.format((error.strerror or "").lower())) from error
        return self._open

    def doubt(self) -> None:
        """Open it again at the next time: what was found in it makes no sense."""
        self._file = None

    def close(self) -> None:
        """Close it."""
        self._open.close()

    def _named(self) -> tuple[int, int]:
        found = os.stat(self._path)
        return found.st_dev, found.st_ino

    def _connect(self, mode: Literal["rw", "rwc"]) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.row_factory = sqlite3.Row
            if mode == "rw" and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise errors.StoreError(_UNUSABLE.format("it is empty"))  # half of a copy, say
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            migrate(connection)
            self._file = self._named()
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def _answering(connection: _Connection) -> Iterator[None]:
    """Tell what will pass (a lock) and what the host has to see to (a full disk) from what is a defect."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        kind = (
            getattr(error, "sqlite_errorcode", 0) & 0xFF
        )  # the lower byte is the kind, the rest its details
        if kind in _PASSING:
            raise errors.StoreError(_NO_ANSWER.format(error)) from error
        if kind not in _HOSTS:
            raise
        connection.doubt()
        raise errors.StoreError(_UNUSABLE.format(error)) from error

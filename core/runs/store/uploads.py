"""The store's table of visitors' archives. Torch-free."""

import math
import sqlite3
import time
from dataclasses import dataclass
from typing import Literal

from core.runs.store.database import Database
from core.runs.store.places import KNOWN, NEWCOMERS
from core.runs.store.states import ACTIVE, sql

# Of one visitor, of all, and of those who are new here: archives of pictures, and weights (`weights_table`).
_STORED = f"""
    SELECT coalesce(sum(bytes) FILTER (WHERE visitor = ?1), 0) AS visitor,
        coalesce(sum(bytes), 0) AS everybody,
        coalesce(sum(bytes) FILTER (WHERE visitor NOT IN ({KNOWN})), 0) AS newcomers,
        ?1 NOT IN ({KNOWN}) AS newcomer
    FROM (SELECT visitor, bytes FROM uploads UNION ALL SELECT visitor, bytes FROM weights)
"""


Added = Literal["kept", "known", "full"]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One stored archive of a visitor."""

    token: str
    visitor: str
    name: str
    bytes: int
    created: float


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Bytes that are stored: a visitor's, everybody's, and those of newcomers; and whether the visitor is one."""

    visitor: int
    everybody: int
    newcomers: int
    newcomer: bool

    def left(self, most_of_visitor: float, most_in_all: float) -> float:
        """Say how many bytes the visitor may add; newcomers together fill a part of everybody's room only."""
        left = min(most_of_visitor - self.visitor, most_in_all - self.everybody)
        return min(left, NEWCOMERS * most_in_all - self.newcomers) if self.newcomer else left


def stored(connection: sqlite3.Connection, visitor: str) -> Stored:
    """Add up what is stored."""
    return Stored(**dict(connection.execute(_STORED, (visitor,)).fetchone()))


class UploadTable:
    """What is stored of whom; the archives themselves are files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        token: str,
        visitor: str,
        name: str,
        sha256: str,
        size: int,
        *,
        most_of_visitor: float = math.inf,
        most_in_all: float = math.inf,
    ) -> Added:
        """Record a stored archive; "full" if the visitor has no room left for it (`Stored.left`).

        One transaction, so that two uploads at once cannot both take the last room. "known" if another process was
        quicker with the same content.
        """
        with self._database.transaction() as connection:
            if size > stored(connection, visitor).left(most_of_visitor, most_in_all):
                return "full"
            added = connection.execute(
                "INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (visitor, sha256) DO NOTHING",
                (token, visitor, name, sha256, size, time.time()),
            )
            return "kept" if added.rowcount else "known"

    def stored(self, visitor: str) -> Stored:
        """Add up the bytes that are stored for a visitor, and for everybody, weights among them."""
        return Stored(**dict(self._database.rows(_STORED, visitor)[0]))

    def renew(self, token: str) -> None:
        """Count the days that an upload is kept from now on."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE uploads SET created = ? WHERE token = ?", (time.time(), token))

    def before(self, created: float) -> list[Upload]:
        """List everybody's uploads that are older than a time, the oldest first."""
        rows = self._database.rows("SELECT * FROM uploads WHERE created < ? ORDER BY created", created)
        return [_upload(row) for row in rows]

    def one(self, token: str) -> Upload | None:
        """Read one upload, or None."""
        rows = self._database.rows("SELECT * FROM uploads WHERE token = ?", token)
        return _upload(rows[0]) if rows else None

    def same(self, visitor: str, sha256: str) -> Upload | None:
        """Find the visitor's upload with this content, or None."""
        rows = self._database.rows("SELECT * FROM uploads WHERE visitor = ? AND sha256 = ?", visitor, sha256)
        return _upload(rows[0]) if rows else None

    def of(self, visitor: str) -> list[Upload]:
        """List a visitor's uploads, newest first."""
        return [
            _upload(row)
            for row in self._database.rows(
                "SELECT * FROM uploads WHERE visitor = ? ORDER BY created DESC", visitor
            )
        ]

    def delete(self, token: str, data: str) -> bool:
        """Forget an upload, unless a run that is active uses it as ``data``: then False."""
        with self._database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM uploads WHERE token = ? AND NOT EXISTS (SELECT 1 FROM runs"
                " WHERE state IN " + sql(ACTIVE) + " AND json_extract(spec, '$.data') = ?)",
                (token, data),
            )
            return bool(gone.rowcount)


def _upload(row: sqlite3.Row) -> Upload:
    return Upload(
        token=row["token"],
        visitor=row["visitor"],
        name=row["name"],
        bytes=row["bytes"],
        created=row["created"],
    )

"""The store's table of visitors' own weights: whose they are, and what they take. Torch-free."""

import math
import sqlite3
import time
from dataclasses import dataclass

from core.runs.store.database import Database
from core.runs.store.uploads import stored

FOLDER_DIGITS = 32  # of the content's hash, that name its folder


@dataclass(frozen=True, kw_only=True)
class OwnWeights:
    """One stored weights file of a visitor; ``sha256`` is of what was uploaded."""

    visitor: str
    sha256: str
    name: str
    bytes: int
    created: float

    @property
    def folder(self) -> str:
        """The name of the folder that it is kept in."""
        return self.sha256[:FOLDER_DIGITS]


class WeightsTable:
    """Which weights are stored of whom; equal files are stored once and count for each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, new: OwnWeights, *, most_of_visitor: float = math.inf, most_in_all: float = math.inf
    ) -> bool:
        """Record a file, or count its days anew; False if the visitor has no room left for it."""
        with self._database.transaction() as connection:
            if self._renewed(connection, new):
                return True
            if new.bytes > stored(connection, new.visitor).left(most_of_visitor, most_in_all):
                return False
            connection.execute(
                "INSERT INTO weights VALUES (?, ?, ?, ?, ?)",
                (new.visitor, new.sha256, new.name, new.bytes, time.time()),
            )
        return True

    @staticmethod
    def _renewed(connection: sqlite3.Connection, new: OwnWeights) -> bool:
        changed = connection.execute(
            "UPDATE weights SET created = ? WHERE visitor = ? AND sha256 = ?",
            (time.time(), new.visitor, new.sha256),
        )
        return bool(changed.rowcount)

    def of(self, visitor: str) -> list[OwnWeights]:
        """List a visitor's weights, newest first."""
        rows = self._database.rows("SELECT * FROM weights WHERE visitor = ? ORDER BY created DESC", visitor)
        return [OwnWeights(**dict(row)) for row in rows]

    def before(self, created: float) -> list[OwnWeights]:
        """List everybody's weights that are older than a time."""
        rows = self._database.rows("SELECT * FROM weights WHERE created < ?", created)
        return [OwnWeights(**dict(row)) for row in rows]

    def folders(self) -> set[str]:
        """Name the folders of all that is recorded."""
        return {OwnWeights(**dict(row)).folder for row in self._database.rows("SELECT * FROM weights")}

    def delete(self, one: OwnWeights) -> bool:
        """Forget a file, unless a run of its owner began with it or will: then False."""
        with self._database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM weights WHERE visitor = ?1 AND sha256 = ?2 AND NOT EXISTS (SELECT 1 FROM runs"
                " WHERE visitor = ?1 AND instr(json_extract(spec, '$.config.weights'), ?3))",
                (one.visitor, one.sha256, one.folder),
            )
            return bool(gone.rowcount)

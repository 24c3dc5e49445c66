"""How long runs are kept, and how much of the disk a visitor's runs may take: the store's part of it. Torch-free."""

import sqlite3

from core import errors
from core.runs.limits import Limits
from core.runs.store.database import Database
from core.runs.store.states import ENDED, sql
from core.words import megabytes

_OVER = f"state IN {sql(ENDED)}"
_BYTES = "SELECT coalesce(sum(bytes), 0) FROM runs WHERE visitor = ?"
_NO_ROOM = "Your runs take {} of the disk, and may take {:,}; delete some of them, then try again."


class Keeping:
    """What runs' files take, and which runs and weights nobody keeps any longer; the files are elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def measured(self, run: str, size: int) -> None:
        """Note how many bytes a run's files have."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE runs SET bytes = ? WHERE id = ?", (size, run))

    def unmeasured(self) -> list[str]:
        """List the runs that have ended without anybody having measured their files."""
        rows = self._database.rows(f"SELECT id FROM runs WHERE bytes IS NULL AND {_OVER}")
        return [str(row["id"]) for row in rows]

    def bytes_of(self, visitor: str) -> int:
        """Add up what a visitor's runs take, controls among them."""
        return int(self._database.rows(_BYTES, visitor)[0][0])

    def expired(self, before: float) -> list[str]:
        """List the runs that ended before a time; a control stays as long as a run that shows it."""
        rows = self._database.rows(
            f"SELECT id FROM runs WHERE {_OVER} AND coalesce(finished, created) < ?1 AND NOT EXISTS ("
            " SELECT 1 FROM runs AS other WHERE other.control = runs.id"
            f" AND (NOT other.{_OVER} OR coalesce(other.finished, other.created) >= ?1))",
            before,
        )
        return [str(row["id"]) for row in rows]

    def weights_in_use(self) -> set[str]:
        """Name the files of weights that a run began with or will begin with."""
        rows = self._database.rows("SELECT DISTINCT json_extract(spec, '$.config.weights') FROM runs")
        return {str(row[0]) for row in rows}


def check_room(connection: sqlite3.Connection, visitor: str, limits: Limits) -> None:
    """Refuse a further run, with a `RunError`, to a visitor whose runs take as much of the disk as they may."""
    size = int(connection.execute(_BYTES, (visitor,)).fetchone()[0])
    if size >= limits.run_megabytes_per_visitor * 1_000_000:
        raise errors.RunError(_NO_ROOM.format(megabytes(size, 0), limits.run_megabytes_per_visitor))

"""The run store: SQLite in WAL mode, the one place that knows SQL. Torch-free.

States: queued -> running -> finished | failed | stopped; ``stopping`` stands between a person's wish and the
worker's answer. Every change of state is one transaction, and a worker's changes carry its claim, so that a
worker that was given up for dead can no longer touch a run that another one has taken over.
"""

import json
import os
import platform
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core import errors
from core.jobs.migrations import migrate
from core.jobs.spec import JobSpec

State = Literal["queued", "running", "stopping", "finished", "failed", "stopped"]
Order = Literal["go on", "wait", "stop", "lost"]
ACTIVE: tuple[State, ...] = ("queued", "running", "stopping")

STALE_SECONDS = 60.0  # without a heartbeat for this long, a worker is given up, though its process may live
ATTEMPTS = 3  # a run whose worker vanished this often is not tried again
DEFECT = "Something went wrong on our side; the run's log has the details."
_VANISHED = "The run's process vanished three times, perhaps for want of memory; try fewer or smaller images."
_MAIN_FAILED = "The run that this is the control of failed, so the control was not started."


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run as pages see it. Times are seconds since 1970; ``position`` counts from 1 while queued."""

    id: str
    visitor: str
    title: str
    spec: JobSpec
    state: State
    position: int | None
    control: str | None
    control_of: str | None
    created: float
    started: float | None
    finished: float | None
    error: str | None
    summary: dict[str, Any] | None  # accuracy, low, high, seconds, epochs of the newest result

    @property
    def active(self) -> bool:
        """Whether something will still happen without anybody doing anything: poll while it is true."""
        return self.state in ACTIVE


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right of one worker to work on one run."""

    run: str
    token: str


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One stored archive of a visitor."""

    token: str
    visitor: str
    name: str
    bytes: int
    created: float


class Store:
    """One connection to one data directory's database; safe to use from any thread, and from many processes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            home / "runs.sqlite3", timeout=15, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        migrate(self._connection)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    # Visitors' side

    def add(self, spec: JobSpec, visitor: str, control: JobSpec | None = None) -> str:
        """Queue a run, and its control (``control_of`` is filled in here) in the same transaction.

        An equal control that this visitor already has, waiting, running or finished, is linked instead.
        """
        run = secrets.token_urlsafe(16)
        with self._transaction() as connection:
            linked = None
            if control is not None:
                linked = _equal_control(connection, visitor, control)
                if linked is None:
                    linked = secrets.token_urlsafe(16)
                    _insert(connection, linked, visitor, control, priority=1, control_of=run)
            _insert(connection, run, visitor, spec, priority=0, control=linked)
        return run

    def run(self, run: str) -> RunRecord:
        """Read one run; a `RunError` if there is none with this id."""
        rows = self._rows(f"SELECT *, {_POSITION} AS position FROM runs WHERE id = ?", run)
        if not rows:
            raise errors.RunError("There is no run with this address; it may have been deleted.")
        return _record(rows[0])

    def runs_of(self, visitor: str) -> list[RunRecord]:
        """List a visitor's runs, newest first."""
        rows = self._rows(
            f"SELECT *, {_POSITION} AS position FROM runs WHERE visitor = ? ORDER BY created DESC, place DESC",
            visitor,
        )
        return [_record(row) for row in rows]

    def stop(self, run: str) -> None:
        """Ask for a stop: a queued run is stopped at once, a running one by its worker."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE runs SET state = 'stopped', finished = ? WHERE id = ? AND state = 'queued'",
                (time.time(), run),
            )
            connection.execute(
                "UPDATE runs SET state = 'stopping', stop_requested = ? WHERE id = ? AND state = 'running'",
                (time.time(), run),
            )

    def requeue(self, run: str, spec: JobSpec) -> None:
        """Put a run that is not active at the end of the queue, with ``spec`` (perhaps more epochs)."""
        with self._transaction() as connection:
            changed = connection.execute(
                f"UPDATE runs SET state = 'queued', spec = ?, place = {_NEXT_PLACE}, error = NULL, attempts = 0,"
                " finished = NULL, stop_requested = NULL"
                " WHERE id = ? AND state IN ('finished', 'failed', 'stopped')",
                (json.dumps(spec.to_json()), run),
            )
            if not changed.rowcount:
                raise errors.RunError("The run is still going on; wait until it has ended, or stop it first.")

    def delete(self, run: str) -> None:
        """Forget a run that is not being worked on, and unlink it from others."""
        with self._transaction() as connection:
            gone = connection.execute(
                "DELETE FROM runs WHERE id = ? AND state NOT IN ('running', 'stopping')", (run,)
            )
            if not gone.rowcount:
                raise errors.RunError("The run is still going on; stop it first, then delete it.")
            connection.execute("UPDATE runs SET control = NULL WHERE control = ?", (run,))

    def linked_to(self, control: str) -> int:
        """Count the runs that show ``control`` beside them."""
        return int(self._rows("SELECT count(*) FROM runs WHERE control = ?", control)[0][0])

    # Dispatcher's and workers' side

    def claim(self, slots: int = 1) -> Claim | None:
        """Take the next queued run, unless ``slots`` runs are already being worked on; None if there is none.

        Runs that people asked for come before controls, each in the order of asking.
        """
        with self._transaction() as connection:
            busy = connection.execute("SELECT count(*) FROM runs WHERE state IN ('running', 'stopping')")
            if busy.fetchone()[0] >= slots:
                return None
            row = connection.execute(
                "SELECT id FROM runs WHERE state = 'queued' ORDER BY priority, place LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            token = secrets.token_urlsafe(16)
            connection.execute(
                "UPDATE runs SET state = 'running', claim = ?, heartbeat = ?, host = ?, pid = ?, started = ?,"
                " stop_requested = NULL WHERE id = ?",
                (token, time.time(), platform.node(), os.getpid(), time.time(), row["id"]),
            )
            return Claim(run=row["id"], token=token)

    def queued(self) -> int:
        """Count the runs that wait."""
        return int(self._rows("SELECT count(*) FROM runs WHERE state = 'queued'")[0][0])

    def beat(self, claim: Claim) -> Order:
        """Say that the calling process still works on the run; hear whether it should go on."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE runs SET heartbeat = ?, host = ?, pid = ? WHERE id = ? AND claim = ?",
                (time.time(), platform.node(), os.getpid(), claim.run, claim.token),
            )
        return self.order(claim)

    def progressed(self, claim: Claim) -> None:
        """Forget earlier attempts: a checkpoint was written, so the next one starts further on."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE runs SET attempts = 0 WHERE id = ? AND claim = ?", (claim.run, claim.token)
            )

    def order(self, claim: Claim) -> Order:
        """Read what the worker of a run should do.

        ``lost``: the run is no longer its own. ``wait``: a run that somebody asked for is queued while this
        one is a control; it goes back into the queue, to go on from its checkpoint when the other is done.
        """
        rows = self._rows(
            "SELECT state, (SELECT count(*) FROM runs AS other"
            " WHERE other.state = 'queued' AND other.priority < runs.priority) AS before"
            " FROM runs WHERE id = ? AND claim = ?",
            claim.run,
            claim.token,
        )
        if not rows or rows[0]["state"] not in ("running", "stopping"):
            return "lost"
        if rows[0]["state"] == "stopping":
            return "stop"
        return "wait" if rows[0]["before"] else "go on"

    def stop_requested(self, claim: Claim) -> float | None:
        """Read when a stop was asked for."""
        rows = self._rows(
            "SELECT stop_requested FROM runs WHERE id = ? AND claim = ?", claim.run, claim.token
        )
        return rows[0]["stop_requested"] if rows else None

    def end(
        self,
        claim: Claim,
        state: Literal["finished", "failed", "stopped"],
        *,
        error: str | None = None,
        summary: dict[str, Any] | None = None,
    ) -> bool:
        """Record how a run ended; False if the claim was lost meanwhile. A failed run takes its control along."""
        with self._transaction() as connection:
            changed = connection.execute(
                "UPDATE runs SET state = ?, finished = ?, error = ?, summary = coalesce(?, summary), claim = NULL"
                " WHERE id = ? AND claim = ?",
                (state, time.time(), error, json.dumps(summary) if summary else None, claim.run, claim.token),
            )
            if state == "failed" and changed.rowcount:
                connection.execute(
                    "UPDATE runs SET state = 'failed', finished = ?, error = ?"
                    " WHERE control_of = ? AND state = 'queued'",
                    (time.time(), _MAIN_FAILED, claim.run),
                )
            return bool(changed.rowcount)

    def give_back(self, claim: Claim) -> None:
        """Queue a claimed run again, at its old place, because its worker had to go; nobody did wrong."""
        with self._transaction() as connection:
            _release(connection, claim.run, claim.token, counts=False)

    def vanished(self, claim: Claim) -> None:
        """Queue a run again whose worker ended without a word; after `ATTEMPTS` times it has failed."""
        with self._transaction() as connection:
            _release(connection, claim.run, claim.token, counts=True)

    def reconcile(self) -> int:
        """Find runs that are marked as worked on although nobody does; queue them again. How many they were."""
        with self._transaction() as connection:
            gone = [
                row["id"]
                for row in connection.execute("SELECT * FROM runs WHERE state IN ('running', 'stopping')")
                if row["heartbeat"] < time.time() - STALE_SECONDS
                or (row["host"] == platform.node() and not _alive(row["pid"]))
            ]
            for run in gone:
                _release(connection, run, None, counts=True)
        return len(gone)

    # Uploads

    def add_upload(self, token: str, visitor: str, name: str, sha256: str, size: int) -> None:
        """Record a stored archive."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)",
                (token, visitor, name, sha256, size, time.time()),
            )

    def upload(self, token: str) -> Upload | None:
        """Read one upload, or None."""
        rows = self._rows("SELECT * FROM uploads WHERE token = ?", token)
        return _upload(rows[0]) if rows else None

    def same_upload(self, visitor: str, sha256: str) -> Upload | None:
        """Find the visitor's upload with this content, or None."""
        rows = self._rows("SELECT * FROM uploads WHERE visitor = ? AND sha256 = ?", visitor, sha256)
        return _upload(rows[0]) if rows else None

    def uploads_of(self, visitor: str) -> list[Upload]:
        """List a visitor's uploads, newest first."""
        return [
            _upload(row)
            for row in self._rows("SELECT * FROM uploads WHERE visitor = ? ORDER BY created DESC", visitor)
        ]

    def delete_upload(self, token: str) -> None:
        """Forget an upload."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM uploads WHERE token = ?", (token,))


_NEXT_PLACE = "(SELECT coalesce(max(place), 0) + 1 FROM runs)"
_POSITION = """
    CASE WHEN state = 'queued' THEN
        (SELECT count(*) FROM runs AS other WHERE other.state = 'queued'
         AND (other.priority, other.place) <= (runs.priority, runs.place))
    END
"""


def _insert(
    connection: sqlite3.Connection,
    run: str,
    visitor: str,
    spec: JobSpec,
    *,
    priority: int,
    control: str | None = None,
    control_of: str | None = None,
) -> None:
    connection.execute(
        "INSERT INTO runs (id, visitor, title, spec, state, priority, place, control, control_of, created)"
        f" VALUES (?, ?, ?, ?, 'queued', ?, {_NEXT_PLACE}, ?, ?, ?)",
        (run, visitor, spec.title, json.dumps(spec.to_json()), priority, control, control_of, time.time()),
    )


def _equal_control(connection: sqlite3.Connection, visitor: str, control: JobSpec) -> str | None:
    """Find a from-scratch run of the visitor that would say the same."""
    rows = connection.execute(
        "SELECT id, spec FROM runs WHERE visitor = ? AND state IN ('queued', 'running', 'finished')",
        (visitor,),
    )
    for row in rows:
        other = JobSpec.from_json(json.loads(row["spec"]))
        if other.config == control.config and other.data == control.data:
            return str(row["id"])
    return None


def _release(connection: sqlite3.Connection, run: str, token: str | None, *, counts: bool) -> None:
    """End a claim: to stopped if a stop was asked for, to failed after too many attempts, else to queued.

    ``token`` None releases whoever holds the run.
    """
    connection.execute(
        """
        UPDATE runs SET
            attempts = attempts + :counts,
            claim = NULL,
            finished = CASE WHEN state = 'stopping' OR attempts + :counts >= :limit THEN :now END,
            error = CASE WHEN state = 'running' AND attempts + :counts >= :limit THEN :vanished END,
            state = CASE WHEN state = 'stopping' THEN 'stopped'
                         WHEN attempts + :counts >= :limit THEN 'failed'
                         ELSE 'queued' END
        WHERE state IN ('running', 'stopping') AND id = :run AND (:token IS NULL OR claim = :token)
        """,
        {
            "counts": int(counts),
            "limit": ATTEMPTS,
            "now": time.time(),
            "vanished": _VANISHED,
            "run": run,
            "token": token,
        },
    )


def _record(row: sqlite3.Row) -> RunRecord:
    return RunRecord(
        id=row["id"],
        visitor=row["visitor"],
        title=row["title"],
        spec=JobSpec.from_json(json.loads(row["spec"])),
        state=row["state"],
        position=row["position"],
        control=row["control"],
        control_of=row["control_of"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        error=row["error"],
        summary=json.loads(row["summary"]) if row["summary"] else None,
    )


def _upload(row: sqlite3.Row) -> Upload:
    return Upload(
        token=row["token"],
        visitor=row["visitor"],
        name=row["name"],
        bytes=row["bytes"],
        created=row["created"],
    )


def _alive(process: int | None) -> bool:
    """Tell whether a process of this machine exists; where that cannot be known (Windows), say yes."""
    if process is None or os.name != "posix":
        return process is not None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

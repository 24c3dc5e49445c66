"""The run store: SQLite in WAL mode. Torch-free.

This folder is the one place that knows SQL. Every change of state is one transaction, and a worker's changes carry
its claim, so that a worker that was given up for dead can no longer touch a run that another one has taken over.
"""

import json
import logging
import math
import os
import platform
import secrets
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core import errors
from core.runs.kinds.lanes import Lane
from core.runs.kinds.table import kind, read_spec
from core.runs.limits import Limits
from core.runs.spec import UPLOAD, RunSpec
from core.runs.store import places
from core.runs.store.database import Database
from core.runs.store.forecast import (
    LONGER,
    STRETCH_SECONDS,
    LanePace,
    MeasuredRun,
    RunAhead,
    RunLike,
    forecast,
)
from core.runs.store.queue_order import AHEAD, EXPECTED, LAST, QUEUE, RUNS
from core.runs.store.retention import Keeping, check_room
from core.runs.store.states import ACTIVE, ENDED, IN_WORK, End, State, sql
from core.runs.store.uploads import UploadTable
from core.runs.store.weights import WeightsTable

_log = logging.getLogger(__name__)

Order = Literal["go on", "wait", "let pass", "stop", "lost"]

STALE_SECONDS = 60.0  # without a heartbeat for this long, a worker is given up, though its process may live
ATTEMPTS = 3  # a run whose worker vanished this often is not tried again
DEFECT = "Something went wrong on our side; the run's log has the details."
NO_RUN = "There is no run with this address; it may have been deleted, or its link is no longer shared."
_PAUSED = "paused"
_VANISHED = "The run's process vanished three times, perhaps for want of memory; try fewer or smaller images."
_MAIN_FAILED = (
    "The run that this is the control of failed, so there is nothing to compare; resume that run for both."
)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run as pages see it. Times are seconds since 1970; ``position`` counts from 1 while queued.

    ``network`` marks where its owner came from when it was asked for. ``share`` is what stands in the link that its
    owner gives away, None while the run is shown to nobody else.
    """

    id: str
    visitor: str
    network: str
    title: str
    spec: RunSpec
    state: State
    position: int | None
    control: str | None
    control_of: str | None
    created: float
    started: float | None
    finished: float | None
    error: str | None
    summary: dict[str, Any] | None  # accuracy, low, high, seconds, epochs of the newest result
    share: str | None

    @property
    def active(self) -> bool:
        """Whether something will still happen without anybody doing anything: poll while it is true."""
        return self.state in ACTIVE


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right of one worker to work on one run."""

    run: str
    token: str


class Store:
    """The runs and uploads of one data directory; safe to use from any thread, and from many processes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._database = Database(home)
        self.uploads = UploadTable(self._database)
        self.weights = WeightsTable(self._database)
        self.keeping = Keeping(self._database)
        self._transaction, self._rows = self._database.transaction, self._database.rows

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # Settings of the host

    def setting(self, name: str) -> str | None:
        """Read what was last set under ``name``, or None."""
        rows = self._rows("SELECT value FROM settings WHERE name = ?", name)
        return str(rows[0]["value"]) if rows else None

    def set_setting(self, name: str, value: str | None) -> None:
        """Set ``name`` for every process that shares this store; None forgets it."""
        with self._transaction() as connection:
            if value is None:
                connection.execute("DELETE FROM settings WHERE name = ?", (name,))
            else:
                connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    @property
    def paused(self) -> bool:
        """Whether no queued run is begun for now; what is being worked on goes on."""
        return self.setting(_PAUSED) is not None

    def pause(self, paused: bool) -> None:
        """Hold the queue, or let it go on."""
        self.set_setting(_PAUSED, "yes" if paused else None)

    # Visitors' side

    def add(
        self,
        spec: RunSpec,
        visitor: str,
        control: RunSpec | None = None,
        *,
        network: str = "",
        limits: Limits | None = None,
        expected: tuple[float | None, float | None] = (None, None),
    ) -> str:
        """Queue a run, and its control in the same transaction.

        ``expected`` are the seconds that `core.runs.duration` expects of the two.

        ``network`` is where the visitor comes from, by a mark that only this store can make. An equal control that
        this visitor already has, waiting, running or finished, is linked instead. Raises `RunError` where ``limits``
        or the others who wait (`places`) allow no further run; controls are not counted.
        """
        run = secrets.token_urlsafe(16)
        with self._transaction() as connection:
            if limits is not None:
                check_room(connection, visitor, limits)
                places.check(connection, visitor, network, priority=0, lane=kind(spec).lane, limits=limits)
            linked = None
            if control is not None:
                linked = _equal_control(connection, visitor, control)
                if linked is None:
                    linked = secrets.token_urlsafe(16)
                    _insert(
                        connection,
                        linked,
                        visitor,
                        network,
                        control,
                        priority=1,
                        control_of=run,
                        expected=expected[1],
                    )
            _insert(connection, run, visitor, network, spec, priority=0, control=linked, expected=expected[0])
        return run

    def run(self, run: str) -> RunRecord:
        """Read one run; a `RunError` if there is none with this id."""
        rows = self._rows(f"{RUNS} WHERE id = ?", run)
        if not rows:
            raise errors.RunError(NO_RUN)
        return _record(rows[0])

    def shared(self, token: str) -> RunRecord:
        """Read the run behind a link that its owner gave away; a `RunError` if there is none (any more)."""
        rows = self._rows(f"{RUNS} WHERE share = ?", token)
        if not rows:
            raise errors.RunError(NO_RUN)
        return _record(rows[0])

    def set_share(self, run: str, shared: bool) -> str | None:
        """Draw a link's token for a run that has none, or forget it; returns what holds now."""
        with self._transaction() as connection:
            if shared:
                connection.execute(
                    "UPDATE runs SET share = ? WHERE id = ? AND share IS NULL",
                    (secrets.token_urlsafe(16), run),
                )
            else:
                connection.execute("UPDATE runs SET share = NULL WHERE id = ?", (run,))
            row = connection.execute("SELECT share FROM runs WHERE id = ?", (run,)).fetchone()
        return row["share"] if row else None

    def wait(self, run: str, slots: int = 1) -> float | None:
        """Expect in how many seconds a queued run begins; None where what is ahead of it is of no known length."""
        lane = self._rows("SELECT lane FROM runs WHERE id = ?", run)[0]["lane"]
        begins, _ = self.forecast(lane, slots)[run]
        return begins if math.isfinite(begins) else None

    def forecast(self, lane: Lane, slots: int = 1) -> dict[str, tuple[float, float]]:
        """Expect when a lane's active runs begin and end, in seconds from now; infinite where nobody can say."""
        pace = self.pace(lane)
        return forecast((_ahead(row, pace) for row in self._rows(AHEAD, lane, time.time())), slots)

    def pace(self, lane: Lane) -> LanePace:
        """Read how long a lane's last runs took."""
        return LanePace(
            runs=[
                MeasuredRun(alike=_like(row), expected=row["expected"], seconds=row["seconds"])
                for row in self._rows(LAST, lane)
            ]
        )

    def active(self) -> list[RunRecord]:
        """List everybody's runs that wait or are worked on: first those in work, then in the queue's order."""
        rows = self._rows(
            f"{RUNS} WHERE state IN {sql(ACTIVE)} ORDER BY position IS NOT NULL, lane, position, started"
        )
        return _records(rows)

    def ids(self) -> set[str]:
        """Name all runs."""
        return {row["id"] for row in self._rows("SELECT id FROM runs")}

    def counts(self) -> dict[str, int]:
        """Count the runs in each state that occurs."""
        return {row[0]: row[1] for row in self._rows("SELECT state, count(*) FROM runs GROUP BY state")}

    def runs_of(self, visitor: str) -> list[RunRecord]:
        """List a visitor's runs, newest first."""
        rows = self._rows(
            f"{RUNS} WHERE visitor = ? ORDER BY created DESC, place DESC",
            visitor,
        )
        return _records(rows)

    def stop(self, run: str, why: str | None = None) -> None:
        """Ask for a stop: a queued run is stopped at once, a running one by its worker; ``why`` is for its owner."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE runs SET state = 'stopped', finished = ?, error = ? WHERE id = ? AND state = 'queued'",
                (time.time(), why, run),
            )
            connection.execute(
                "UPDATE runs SET state = 'stopping', stop_requested = ?, error = ? WHERE id = ? AND state = 'running'",
                (time.time(), why, run),
            )

    def stop_waiting(
        self, *, visitor: str | None = None, network: str | None = None, why: str | None = None
    ) -> int:
        """Stop all that waits of a visitor, or of those from a network; how many they were."""
        with self._transaction() as connection:
            changed = connection.execute(
                "UPDATE runs SET state = 'stopped', finished = ?, error = ?"
                " WHERE state = 'queued' AND (visitor = ? OR network = ?)",
                (time.time(), why, visitor, network),
            )
            return int(changed.rowcount)

    def requeue(self, run: str, spec: RunSpec, *, limits: Limits | None = None) -> None:
        """Put a run that is not active at the end of the queue, with ``spec`` (perhaps more epochs).

        ``limits`` count runs for a run, and controls for a control; None lets a control follow its run.
        """
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT visitor, network, priority, lane FROM runs WHERE id = ?", (run,)
            ).fetchone()
            if row is not None and limits is not None:
                check_room(connection, row["visitor"], limits)
                places.check(
                    connection,
                    row["visitor"],
                    row["network"],
                    priority=row["priority"],
                    lane=row["lane"],
                    limits=limits,
                )
            changed = connection.execute(
                f"UPDATE runs SET state = 'queued', spec = ?, hash = ?, place = {_NEXT_PLACE}, error = NULL,"
                " attempts = 0, finished = NULL, stop_requested = NULL, worked = 0"
                f" WHERE id = ? AND state IN {sql(ENDED)}",
                (json.dumps(spec.to_json()), spec.hash, run),
            )
            if not changed.rowcount:
                raise errors.RunError("The run is still going on; wait until it has ended, or stop it first.")

    def delete(self, run: str) -> None:
        """Forget a run that is not being worked on, and unlink it from others."""
        with self._transaction() as connection:
            gone = connection.execute(
                f"DELETE FROM runs WHERE id = ? AND state NOT IN {sql(IN_WORK)}", (run,)
            )
            if not gone.rowcount:
                raise errors.RunError("The run is still going on; stop it first, then delete it.")
            connection.execute("UPDATE runs SET control = NULL WHERE control = ?", (run,))

    def rename(self, run: str, spec: RunSpec) -> None:
        """Take over the title of ``spec``, which is otherwise the run's own."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE runs SET title = ?, spec = ? WHERE id = ?",
                (spec.title, json.dumps(spec.to_json()), run),
            )

    def linked_to(self, control: str) -> int:
        """Count the runs that show ``control`` beside them."""
        return int(self._rows("SELECT count(*) FROM runs WHERE control = ?", control)[0][0])

    # Dispatcher's and workers' side

    def claim(self, lane: Lane, slots: int = 1) -> Claim | None:
        """Take a lane's next queued run; None without one, while ``slots`` of it are worked on, or in a pause.

        Runs that people asked for come before controls; a run that lost its worker goes on before others begin;
        then visitors take turns, whoever was served longest ago first.
        """
        if not self.queued(lane):  # mostly, and without a lock: every lane is asked twice a second
            return None
        with self._transaction() as connection:
            busy = connection.execute(
                f"SELECT count(*) FROM runs WHERE state IN {sql(IN_WORK)} AND lane = ?", (lane,)
            )
            if busy.fetchone()[0] >= slots or self.paused:
                return None
            row = connection.execute(
                f"SELECT id FROM ({QUEUE}) WHERE position = 1 AND lane = ?", (lane,)
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

    def queued(self, lane: Lane) -> int:
        """Count the runs that wait in a lane."""
        return int(self._rows("SELECT count(*) FROM runs WHERE state = 'queued' AND lane = ?", lane)[0][0])

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
        one is a control; it goes back into the queue, to go on from its checkpoint when the other is done. As
        many controls make way as runs are queued, those first that began last. ``let pass``: somebody else's run
        waits that is much shorter, and this one has been worked on for a while; it makes way at its next milestone.
        """
        rows = self._rows(
            "SELECT state, (SELECT count(*) FROM runs AS other"
            " WHERE other.state = 'queued' AND other.lane = runs.lane AND other.priority < runs.priority"
            f" AND NOT EXISTS (SELECT 1 FROM settings WHERE name = '{_PAUSED}'))"
            " > (SELECT count(*) FROM runs AS other"
            f" WHERE other.state IN {sql(IN_WORK)} AND other.lane = runs.lane AND other.priority = runs.priority"
            " AND (other.started, other.id) > (runs.started, runs.id)) AS before,"
            " started < ? AND EXISTS (SELECT 1 FROM runs AS other"
            " WHERE other.state = 'queued' AND other.lane = runs.lane AND other.priority <= runs.priority"
            f" AND other.visitor != runs.visitor AND {LONGER} * {EXPECTED.format('other')} <= {EXPECTED.format('runs')}"
            f" AND NOT EXISTS (SELECT 1 FROM settings WHERE name = '{_PAUSED}')) AS shorter"
            " FROM runs WHERE id = ? AND claim = ?",
            time.time() - STRETCH_SECONDS,
            claim.run,
            claim.token,
        )
        if not rows or rows[0]["state"] not in IN_WORK:
            return "lost"
        if rows[0]["state"] == "stopping":
            return "stop"
        return "wait" if rows[0]["before"] else "let pass" if rows[0]["shorter"] else "go on"

    def stop_requested(self, claim: Claim) -> float | None:
        """Read when a stop was asked for."""
        rows = self._rows(
            "SELECT stop_requested FROM runs WHERE id = ? AND claim = ?", claim.run, claim.token
        )
        return rows[0]["stop_requested"] if rows else None

    def end(
        self,
        claim: Claim,
        state: End,
        *,
        error: str | None = None,
        summary: dict[str, Any] | None = None,
        size: int | None = None,
    ) -> bool:
        """Record how a run ended; False if the claim was lost meanwhile. A failed run takes its control along.

        ``size`` is what its files take; None where nobody has measured them.
        """
        with self._transaction() as connection:
            changed = connection.execute(
                # Why a run was asked to stop stays with it only where it did stop.
                "UPDATE runs SET state = ?1, finished = ?2, summary = coalesce(?4, summary), claim = NULL,"
                " error = coalesce(?3, CASE ?1 WHEN 'stopped' THEN error END), bytes = ?7"
                " WHERE id = ?5 AND claim = ?6",
                (
                    state,
                    time.time(),
                    error,
                    json.dumps(summary) if summary else None,
                    claim.run,
                    claim.token,
                    size,
                ),
            )
            if state == "failed" and changed.rowcount:
                _take_control_along(connection, claim.run)
            return bool(changed.rowcount)

    def give_back(self, claim: Claim) -> None:
        """Queue a claimed run again, in front, because its worker had to go; nobody did wrong."""
        with self._transaction() as connection:
            _release(connection, claim.run, claim.token, counts=False)

    def let_pass(self, claim: Claim) -> None:
        """Queue a claimed run again, at the place that it had: who was served longer ago comes before it."""
        with self._transaction() as connection:
            _release(connection, claim.run, claim.token, counts=False, in_front=False)

    def vanished(self, claim: Claim) -> None:
        """Queue a run again whose worker ended without a word; after `ATTEMPTS` times it has failed."""
        with self._transaction() as connection:
            _release(connection, claim.run, claim.token, counts=True)

    def reconcile(self) -> int:
        """Find runs that are marked as worked on although nobody does; queue them again. How many they were."""
        with self._transaction() as connection:
            gone = [
                row["id"]
                for row in connection.execute(f"SELECT * FROM runs WHERE state IN {sql(IN_WORK)}")
                if row["heartbeat"] < time.time() - STALE_SECONDS
                or (row["host"] == platform.node() and not _alive(row["pid"]))
            ]
            for run in gone:
                _release(connection, run, None, counts=True)
        return len(gone)

    # Runs and the uploads that they learned from

    def runs_without_upload(self) -> list[str]:
        """List the runs that learned from an upload that is no longer stored, and are not being worked on."""
        rows = self._rows(
            "SELECT id FROM runs WHERE json_extract(spec, '$.data') LIKE ? || '%'"
            " AND substr(json_extract(spec, '$.data'), length(?) + 1) NOT IN (SELECT token FROM uploads)"
            f" AND state NOT IN {sql(IN_WORK)}",
            UPLOAD,
            UPLOAD,
        )
        return [str(row["id"]) for row in rows]

    def finished_with(self, data: str) -> list[str]:
        """List the runs that learned from ``data`` and are not being worked on, whoever's they are."""
        rows = self._rows(
            f"SELECT id FROM runs WHERE json_extract(spec, '$.data') = ? AND state NOT IN {sql(IN_WORK)}",
            data,
        )
        return [str(row["id"]) for row in rows]


_NEXT_PLACE = "(SELECT coalesce(max(place), 0) + 1 FROM runs)"


def _insert(
    connection: sqlite3.Connection,
    run: str,
    visitor: str,
    network: str,
    spec: RunSpec,
    *,
    priority: int,
    control: str | None = None,
    control_of: str | None = None,
    expected: float | None = None,
) -> None:
    connection.execute(
        "INSERT INTO runs (id, visitor, network, title, spec, kind, lane, hash, state, priority, place, control,"
        f" control_of, created, expected) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, {_NEXT_PLACE}, ?, ?, ?, ?)",
        (
            *(run, visitor, network, spec.title, json.dumps(spec.to_json()), spec.kind, kind(spec).lane),
            *(spec.hash, priority, control, control_of, time.time(), expected),
        ),
    )


def _equal_control(connection: sqlite3.Connection, visitor: str, control: RunSpec) -> str | None:
    """Find a from-scratch run of the visitor that would say the same."""
    row = connection.execute(
        "SELECT id FROM runs WHERE visitor = ? AND hash = ? AND state IN ('queued', 'running', 'finished')",
        (visitor, control.hash),
    ).fetchone()
    return str(row["id"]) if row else None


def _release(
    connection: sqlite3.Connection, run: str, token: str | None, *, counts: bool, in_front: bool = True
) -> None:
    """End a claim: to stopped if a stop was asked for, to failed after too many attempts, else to queued.

    Queued ``in_front`` of all others, or where it stood before. ``token`` None releases whoever holds the run.
    """
    changed = connection.execute(
        f"""
        UPDATE runs SET
            attempts = attempts + :counts,
            claim = NULL,
            bytes = NULL,
            place = CASE WHEN state = 'running' AND :in_front THEN 0 ELSE place END,
            worked = worked + max(0, :now - started),
            finished = CASE WHEN state = 'stopping' OR attempts + :counts >= :limit THEN :now END,
            error = CASE WHEN state = 'stopping' THEN error WHEN attempts + :counts >= :limit THEN :vanished END,
            state = CASE WHEN state = 'stopping' THEN 'stopped'
                         WHEN attempts + :counts >= :limit THEN 'failed'
                         ELSE 'queued' END
        WHERE state IN {sql(IN_WORK)} AND id = :run AND (:token IS NULL OR claim = :token)
        RETURNING state
        """,
        {
            "counts": int(counts),
            "in_front": int(in_front),
            "limit": ATTEMPTS,
            "now": time.time(),
            "vanished": _VANISHED,
            "run": run,
            "token": token,
        },
    )
    if ("failed",) in map(tuple, changed.fetchall()):
        _take_control_along(connection, run)


def _take_control_along(connection: sqlite3.Connection, run: str) -> None:
    """Let the waiting control of a run that has failed fail with it, unless another run is still compared with it."""
    connection.execute(
        "UPDATE runs SET state = 'failed', finished = ?, error = ?"
        " WHERE id = (SELECT control FROM runs WHERE id = ?) AND priority = 1 AND state = 'queued'"
        " AND NOT EXISTS (SELECT 1 FROM runs AS other WHERE other.control = runs.id AND other.state != 'failed')",
        (time.time(), _MAIN_FAILED, run),
    )


def _like(row: sqlite3.Row) -> RunLike:
    return RunLike(kind=row["kind"], backbone=row["backbone"], control=row["priority"] > 0)


def _ahead(row: sqlite3.Row, pace: LanePace) -> RunAhead:
    whole = pace.seconds(_like(row), row["expected"])
    return RunAhead(
        id=row["id"],
        visitor=row["visitor"],
        priority=row["priority"],
        whole=whole,
        left=max(0.0, whole - row["worked"] - row["stretch"]),
        stretch=row["stretch"],
        in_work=bool(row["in_work"]),
    )


def _records(rows: Iterable[sqlite3.Row]) -> list[RunRecord]:
    """Read runs for a list; one that this version of the lab cannot read does not keep the others from it."""
    found = []
    for row in rows:
        try:
            found.append(_record(row))
        except (errors.LabError, TypeError, ValueError, KeyError):
            _log.exception("The run %s cannot be read.", row["id"])
    return found


def _record(row: sqlite3.Row) -> RunRecord:
    return RunRecord(
        id=row["id"],
        visitor=row["visitor"],
        network=row["network"],
        title=row["title"],
        spec=read_spec(json.loads(row["spec"])),
        state=row["state"],
        position=row["position"],
        control=row["control"],
        control_of=row["control_of"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        error=row["error"],
        summary=json.loads(row["summary"]) if row["summary"] else None,
        share=row["share"],
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

"""What the store holds, as figures, for whoever runs the host. Torch-free.

The connection is its own, short of patience: a probe neither waits for pages nor holds them up.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core import errors
from core.runs.store import database
from core.runs.store.states import IN_WORK, STATES, sql

PATIENCE_SECONDS = 2.0  # for a lock on the database
DURATION_BUCKETS = (5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)  # seconds


@dataclass(frozen=True, kw_only=True)
class Durations:
    """How long finished runs took: ``below[i]`` of them at most ``DURATION_BUCKETS[i]`` seconds, in all ``count``."""

    below: tuple[int, ...]
    count: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Census:
    """What the store holds, as figures; times in seconds, sizes in bytes."""

    runs: dict[str, int]  # by state, every state
    oldest_wait: float  # of the queued runs that have not begun before; 0 where none waits
    heartbeat_age: float | None  # the oldest of the runs being worked on; None where there is none
    durations: dict[str, Durations]  # by kind of run
    run_bytes: int
    uploads: int
    upload_bytes: int
    paused: bool


def census(home: Path) -> Census:
    """Count what the store holds; `StoreError` where it does not answer."""
    with _connection(home) as connection:
        states: dict[str, int] = dict.fromkeys(STATES, 0)
        states.update(connection.execute("SELECT state, count(*) FROM runs GROUP BY state").fetchall())
        oldest, heartbeat = connection.execute(_AGES, (time.time(),)).fetchone()
        run_bytes = connection.execute("SELECT coalesce(sum(bytes), 0) FROM runs").fetchone()[0]
        uploads, upload_bytes = connection.execute(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM uploads"
        ).fetchone()
        paused = connection.execute("SELECT count(*) FROM settings WHERE name = 'paused'").fetchone()[0]
        durations = {
            kind: Durations(below=tuple(json.loads(below)), count=count, seconds=seconds)
            for kind, count, seconds, below in connection.execute(_DURATIONS)
        }
    return Census(
        runs=states,
        oldest_wait=oldest or 0.0,
        heartbeat_age=heartbeat,
        durations=durations,
        run_bytes=run_bytes,
        uploads=uploads,
        upload_bytes=upload_bytes,
        paused=bool(paused),
    )


def answers(home: Path) -> None:
    """Raise `StoreError` where the store does not answer, or cannot be written to."""
    with _connection(home) as connection:
        connection.execute("BEGIN IMMEDIATE")  # waits for whoever writes: a stuck writer is found out
        connection.execute("SELECT count(*) FROM runs").fetchone()
        connection.execute("ROLLBACK")


@contextmanager
def _connection(home: Path) -> Iterator[sqlite3.Connection]:
    # "rw": a missing database is an error here, not a new empty one.
    address = f"{(home / database.FILE).as_uri()}?mode=rw"
    try:
        with closing(
            sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
        ) as connection:
            yield connection
    except sqlite3.Error as error:
        raise errors.StoreError(str(error)) from error


_AGES = f"""
    SELECT (SELECT max(0, ?1 - min(created)) FROM runs WHERE state = 'queued' AND started IS NULL),
        (SELECT max(0, ?1 - min(heartbeat)) FROM runs WHERE state IN {sql(IN_WORK)})
"""
_DURATIONS = f"""
    SELECT kind, count(*), sum(seconds),
        json_array({", ".join(f"sum(seconds <= {bucket})" for bucket in DURATION_BUCKETS)})
    FROM (
        SELECT kind, finished - started AS seconds
        FROM runs WHERE state = 'finished' AND started IS NOT NULL
    ) GROUP BY kind
"""

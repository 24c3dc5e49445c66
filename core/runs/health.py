"""How the lab fares, for whoever runs the host: is it ready, and the figures of its store and workers. Torch-free.

Everything is read when it is asked for, from the store and from the system, so that a restart loses nothing. The
connection is its own, short of patience: a probe neither waits for pages nor holds them up.
"""

import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import psutil

from core.runs.home import unusable
from core.runs.queue.dispatcher import Dispatcher
from core.runs.store import database
from core.runs.store.runs import State

PATIENCE_SECONDS = 2.0  # for a lock on the database
ROOM_BYTES = 500_000_000  # on the disk; a run of a large network writes about this much
_PROBE_BYTES = 8192
DURATION_BUCKETS = (5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)  # seconds


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part that has to work before visitors may come; ``says`` is for the operator."""

    part: str
    ok: bool
    says: str


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


@dataclass(frozen=True, kw_only=True)
class WorkerProcess:
    """One worker's memory (resident, bytes) and processor time (seconds so far)."""

    memory: int
    processor: float


def readiness(
    home: Path, dispatcher: Dispatcher | None, *, leaving: bool, room: int = ROOM_BYTES
) -> tuple[Check, ...]:
    """Check every part; ``dispatcher`` None means that none was needed yet, ``leaving`` that the server ends."""
    return (
        Check(
            part="server", ok=not leaving, says="It is shutting down." if leaving else "It takes visitors."
        ),
        _store_answers(home),
        _disk_has_room(home, room),
        _worker_there(dispatcher),
    )


def census(home: Path) -> Census:
    """Count what the store holds; ``sqlite3.Error`` where it does not answer."""
    with _connection(home) as connection:
        states = dict.fromkeys(get_args(State), 0)
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


def workers(dispatcher: Dispatcher | None) -> list[WorkerProcess]:
    """Look at the worker processes that there are."""
    found = []
    for number in dispatcher.worker_pids if dispatcher is not None else ():
        try:
            process = psutil.Process(number)
            times = process.cpu_times()
            found.append(WorkerProcess(memory=process.memory_info().rss, processor=times.user + times.system))
        except psutil.Error:  # it has just ended
            continue
    return found


def disk_free(home: Path) -> int:
    """Bytes that the data directory may still grow by."""
    return shutil.disk_usage(home).free


@contextmanager
def _connection(home: Path) -> Iterator[sqlite3.Connection]:
    # "rw": a missing database is an error here, not a new empty one.
    address = f"{(home / database.FILE).as_uri()}?mode=rw"
    with closing(
        sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
    ) as connection:
        yield connection


def _store_answers(home: Path) -> Check:
    try:
        with _connection(home) as connection:
            connection.execute("BEGIN IMMEDIATE")  # waits for whoever writes: a stuck writer is found out
            connection.execute("SELECT count(*) FROM runs").fetchone()
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return Check(part="store", ok=False, says=f"The run store does not answer: {error}.")
    return Check(part="store", ok=True, says="It answers, and can be written to.")


def _disk_has_room(home: Path, room: int) -> Check:
    try:
        free = disk_free(home)
        # A quota, a disk that went read-only, rights that were taken away: only trying tells.
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
    except OSError as error:
        return Check(part="disk", ok=False, says=unusable(error))
    says = f"{free / 1e6:,.0f} MB are free, {room / 1e6:,.0f} MB are needed."
    return Check(part="disk", ok=free >= room, says=says)


def _worker_there(dispatcher: Dispatcher | None) -> Check:
    if dispatcher is None:
        return Check(part="worker", ok=True, says="It is started when somebody comes.")
    if not dispatcher.alive:
        return Check(part="worker", ok=False, says="Nobody serves the queue.")
    if not dispatcher.startable:
        return Check(
            part="worker", ok=False, says="The training process does not start; worker.log says why."
        )
    return Check(
        part="worker", ok=True, says="One waits." if dispatcher.ready else "One works, or is being started."
    )


_AGES = """
    SELECT (SELECT max(0, ?1 - min(created)) FROM runs WHERE state = 'queued' AND started IS NULL),
        (SELECT max(0, ?1 - min(heartbeat)) FROM runs WHERE state IN ('running', 'stopping'))
"""
_DURATIONS = f"""
    SELECT kind, count(*), sum(seconds),
        json_array({", ".join(f"sum(seconds <= {bucket})" for bucket in DURATION_BUCKETS)})
    FROM (
        SELECT coalesce(json_extract(spec, '$.kind'), 'finetune') AS kind, finished - started AS seconds
        FROM runs WHERE state = 'finished' AND started IS NOT NULL
    ) GROUP BY kind
"""

"""How the lab fares, for whoever runs the host: is it ready, and the figures of its workers. Torch-free.

Everything is read when it is asked for, so that a restart loses nothing. What the store holds says
`core.runs.store.census`.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from core import errors
from core.runs.home import unusable
from core.runs.queue.dispatcher import Dispatcher
from core.runs.store import census
from core.words import megabytes

ROOM_BYTES = 500_000_000  # on the disk; a run of a large network writes about this much
_PROBE_BYTES = 8192


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part that has to work before visitors may come; ``says`` is for the operator."""

    part: str
    ok: bool
    says: str


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


def _store_answers(home: Path) -> Check:
    try:
        census.answers(home)
    except errors.StoreError as error:
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
    says = f"{megabytes(free, 0)} are free, {megabytes(room, 0)} are needed."
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

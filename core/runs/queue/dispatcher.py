"""One thread that gives queued runs to worker processes, one per slot of every lane, and keeps them warm. Torch-free.

Several server processes may share one data directory: runs are claimed in transactions, and whichever
dispatcher notices that a run's worker is gone puts the run back into the queue.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from core import errors
from core.runs.executors import devices
from core.runs.executors.devices import Slot
from core.runs.executors.local import LocalWorker
from core.runs.kinds.lanes import LANES, TRAINING, Lane
from core.runs.queue import housekeeping
from core.runs.store.runs import Claim, Store

_log = logging.getLogger(__name__)

TURN_SECONDS = 0.5  # between two looks at the queue when nobody wakes the thread
STOPPING_TURN_SECONDS = 0.1  # while somebody waits for a run to stop
RECONCILE_SECONDS = 5.0
TIDY_SECONDS = 600.0  # between two looks for what has expired
# A stop shall be heard within two seconds, whatever the worker is busy with.
TERMINATE_AFTER_SECONDS = 0.4  # a worker that has not heard it by itself gets SIGTERM
KILL_AFTER_SECONDS = 1.2  # and then SIGKILL
WRITING_SECONDS = 30.0  # what a worker that has heard it may take to write its checkpoint
WARM_UP_AFTER_SECONDS = 2.0  # the first page is drawn first; a queued run does not wait for this
CLOSE_SECONDS = 5.0
_START_TRIES = 3
_LONGEST_PAUSE = 30.0  # seconds between two tries to start a worker that does not start
_DOES_NOT_START = "The training process does not start on this machine; the server's worker.log says why."


class _Place:
    """One slot, the worker that sits there, and how often none could be started.

    ``surplus``: there are fewer slots by now, so the worker begins nothing more.
    """

    def __init__(self, slot: Slot, *, first: bool) -> None:
        self.slot = slot
        self.first = first  # of its lane: the one that is kept warm
        self.worker: LocalWorker | None = None
        self.failures = 0
        self.surplus = False
        self.not_before = time.monotonic() + WARM_UP_AFTER_SECONDS


class Dispatcher:
    """Serves one store; one thread, and one worker for each of ``slots``, which are asked for now and then.

    ``warm``: a worker for training is at hand before anybody asks.
    """

    def __init__(
        self, store: Store, *, slots: Callable[[], Sequence[Slot]] = devices.slots, warm: bool = True
    ) -> None:
        self._store = store
        self._find_slots = slots
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._warm_lanes: set[Lane] = {TRAINING} if warm else set()
        self._places: list[_Place] = []
        self._resize()
        self._next_reconcile = 0.0
        self._tidying: threading.Thread | None = None
        self._next_tidy = time.monotonic() + RECONCILE_SECONDS
        self._thread = threading.Thread(target=self._serve, name="dispatcher", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.set()

    def warm(self, lane: Lane) -> None:
        """Keep a worker of a lane at hand from now on: somebody is about to want it."""
        if lane not in self._warm_lanes:
            self._warm_lanes.add(lane)
            self.wake()

    def slots(self, lane: Lane) -> int:
        """How many runs of a lane are worked on at once."""
        return sum(place.slot.lane == lane for place in self._places)

    @property
    def worker_pids(self) -> list[int]:
        """The workers' process numbers, of those that there are."""
        return [worker.pid for worker in self._workers() if not worker.gone]

    @property
    def ready(self) -> bool:
        """Whether a warm worker waits for training."""
        return any(worker.idle for worker in self._workers() if worker.lane == TRAINING)

    @property
    def alive(self) -> bool:
        """Whether the queue is being served."""
        return self._thread.is_alive() and not self._closing.is_set()

    @property
    def startable(self) -> bool:
        """Whether a worker of every lane is there, or none has failed to start too often."""
        return all(self._startable(lane) for lane in LANES)

    def _startable(self, lane: Lane) -> bool:
        places = [place for place in self._places if place.slot.lane == lane]
        return not places or any(
            place.failures < _START_TRIES or (place.worker is not None and place.worker.was_ready)
            for place in places
        )

    def close(self) -> None:
        """End the thread and its workers; runs in work go back into the queue with their last checkpoints."""
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def _workers(self) -> list[LocalWorker]:
        return [place.worker for place in self._places if place.worker is not None]

    def _serve(self) -> None:
        in_the_way = ""
        while not self._closing.is_set():
            somebody_waits = False
            try:
                somebody_waits = self._turn()
                in_the_way = ""
            except errors.StoreError as error:  # at every turn the same, until somebody has seen to it
                if str(error) != in_the_way:
                    _log.error("The queue waits: %s", error)
                in_the_way = str(error)
            except Exception:  # the queue must go on: a locked database or a full disk may pass
                _log.exception("The dispatcher's turn failed; it goes on.")
            self._wake.wait(STOPPING_TURN_SECONDS if somebody_waits else TURN_SECONDS)
            self._wake.clear()
        with ThreadPoolExecutor(len(self._places)) as together:
            list(together.map(self._dismiss, self._workers()))
        if self._tidying is not None:
            self._tidying.join(CLOSE_SECONDS)

    def _dismiss(self, worker: LocalWorker) -> None:
        worker.close(CLOSE_SECONDS)
        if worker.claim is not None:
            try:
                self._store.give_back(worker.claim)
            except errors.StoreError as error:
                _log.warning("A run is found again at the next start: %s", error)

    def _turn(self) -> bool:
        """Do what is to be done now; True while a worker has been asked to stop its run."""
        if time.monotonic() >= self._next_reconcile:
            self._next_reconcile = time.monotonic() + RECONCILE_SECONDS
            self._store.reconcile()
            self._resize()
        if time.monotonic() >= self._next_tidy:
            self._next_tidy = time.monotonic() + TIDY_SECONDS
            self._tidy()
        waits = [self._look_after(place) for place in self._places]  # every one has its turn
        return any(waits)

    def _tidy(self) -> None:
        """Clear away on the side: many gigabytes take many seconds, and a stop is to be heard meanwhile."""
        if self._tidying is None or not self._tidying.is_alive():
            self._tidying = threading.Thread(
                target=housekeeping.tidy, args=(self._store,), name="housekeeping", daemon=True
            )
            self._tidying.start()

    def _resize(self) -> None:
        """Follow a cluster that grows or shrinks; a worker that has a run keeps its place until it is done."""
        slots = self._find_slots()
        for lane in LANES:
            wanted = [slot for slot in slots if slot.lane == lane]
            there = [place for place in self._places if place.slot.lane == lane]
            for number, slot in enumerate(wanted[len(there) :], start=len(there)):
                self._places.append(_Place(slot, first=number == 0))
            for place in there:
                place.surplus = place in there[len(wanted) :]
            for place in reversed(there[len(wanted) :]):
                if place.worker is None or place.worker.idle or place.worker.gone:
                    self._places.remove(place)
                    if place.worker is not None:
                        place.worker.close(CLOSE_SECONDS)

    def _look_after(self, place: _Place) -> bool:
        worker = place.worker
        if worker is not None and worker.gone:
            self._bury(place, worker)
            worker = place.worker = None
        if worker is None:
            if not place.surplus:
                self._start_worker(place)
        elif worker.idle and worker.told_to_end:
            worker.kill()  # its signal is on the way, and would take the next run along
        elif worker.idle:
            claim = None if place.surplus else self._store.claim(place.slot.lane, self.slots(place.slot.lane))
            if claim is not None:
                worker.give(claim)
        elif worker.claim is not None:
            return self._hurry(worker, worker.claim)
        return False

    def _start_worker(self, place: _Place) -> None:
        """Start one for a run that waits for it; a warm lane's first is started before."""
        lane = place.slot.lane
        free = sum(
            not worker.gone and worker.claim is None for worker in self._workers() if worker.lane == lane
        )
        queued = 0 if self._store.paused else self._store.queued(lane) - free
        wanted = queued > 0 and place.failures == 0
        warm = place.first and lane in self._warm_lanes
        if not wanted and (time.monotonic() < place.not_before or not (warm or queued > 0)):
            return
        if queued > 0 and not self._startable(lane):
            claim = self._store.claim(place.slot.lane, self.slots(place.slot.lane))
            if claim is not None:
                self._store.end(claim, "failed", error=_DOES_NOT_START)
        try:
            place.worker = LocalWorker(self._store.home, place.slot, self.wake)
        except OSError:  # no processes or no memory left, or no right to start one
            place.failures += 1
            place.not_before = time.monotonic() + _pause(place.failures)
            raise

    def _bury(self, place: _Place, worker: LocalWorker) -> None:
        """See what the process that has ended leaves undone."""
        if worker.claim is not None:
            self._store.vanished(worker.claim)
        place.failures = 0 if worker.was_ready else place.failures + 1
        place.not_before = time.monotonic() + _pause(place.failures)

    def _hurry(self, worker: LocalWorker, claim: Claim) -> bool:
        """Make a worker stop that was asked to and does not come to its next event; False if it was not asked."""
        asked = self._store.stop_requested(claim)
        if asked is None:
            return False
        waited = time.time() - asked - (WRITING_SECONDS if worker.stopping else 0.0)
        if waited > KILL_AFTER_SECONDS:
            worker.kill()
        elif waited > TERMINATE_AFTER_SECONDS:
            worker.terminate()
        return True


def _pause(failures: int) -> float:
    """Seconds before the next try to start a worker."""
    return float(min(_LONGEST_PAUSE, 2.0**failures - 1))

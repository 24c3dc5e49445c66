"""One thread that gives queued runs to one worker process, and keeps that process warm. Torch-free.

Several server processes may share one data directory: runs are claimed in transactions, and whichever
dispatcher notices that a run's worker is gone puts the run back into the queue.
"""

import logging
import threading
import time

from core.jobs.local import LocalWorker
from core.jobs.store import Store

_log = logging.getLogger(__name__)

TURN_SECONDS = 0.5  # between two looks at the queue when nobody wakes the thread
RECONCILE_SECONDS = 5.0
TERMINATE_AFTER_SECONDS = 2.0  # a worker that has not stopped by itself gets SIGTERM
KILL_AFTER_SECONDS = 5.0  # and then SIGKILL
WARM_UP_AFTER_SECONDS = 2.0  # the first page is drawn first; a queued run does not wait for this
CLOSE_SECONDS = 5.0
_START_TRIES = 3
_LONGEST_PAUSE = 30.0  # seconds between two tries to start a worker that does not start
_DOES_NOT_START = "The training process does not start on this machine; the server's worker.log says why."


class Dispatcher:
    """Serves one store; at most one thread and one worker."""

    def __init__(self, store: Store, *, warm: bool = True) -> None:
        self._store = store
        self._warm = warm
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._worker: LocalWorker | None = None
        self._failures = 0
        self._not_before = time.monotonic() + WARM_UP_AFTER_SECONDS
        self._next_reconcile = 0.0
        self._thread = threading.Thread(target=self._serve, name="dispatcher", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.set()

    @property
    def worker_pid(self) -> int | None:
        """The worker's process number, if there is one."""
        return self._worker.pid if self._worker else None

    @property
    def ready(self) -> bool:
        """Whether a warm worker waits for a job."""
        return self._worker is not None and self._worker.idle

    def close(self) -> None:
        """End the thread and its worker; a run in work goes back into the queue with its last checkpoint."""
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                self._turn()
            except Exception:  # the queue must go on: a locked database or a full disk may pass
                _log.exception("The dispatcher's turn failed; it goes on.")
            self._wake.wait(TURN_SECONDS)
            self._wake.clear()
        if self._worker is not None:
            worker = self._worker
            worker.close(CLOSE_SECONDS)
            if worker.claim is not None:
                self._store.give_back(worker.claim)

    def _turn(self) -> None:
        if time.monotonic() >= self._next_reconcile:
            self._next_reconcile = time.monotonic() + RECONCILE_SECONDS
            self._store.reconcile()
        worker = self._worker
        if worker is not None and worker.gone:
            self._bury(worker)
            worker = self._worker = None
        if worker is None:
            self._start_worker()
        elif worker.idle:
            claim = self._store.claim()
            if claim is not None:
                worker.give(claim)
        elif worker.claim is not None:
            self._hurry(worker)

    def _start_worker(self) -> None:
        queued = self._store.queued()
        wanted = queued > 0 and self._failures == 0
        if not wanted and (time.monotonic() < self._not_before or not (self._warm or queued)):
            return
        if queued and self._failures >= _START_TRIES:
            claim = self._store.claim()
            if claim is not None:
                self._store.end(claim, "failed", error=_DOES_NOT_START)
        self._worker = LocalWorker(self._store.home, self.wake)

    def _bury(self, worker: LocalWorker) -> None:
        """See what the process that has ended leaves undone."""
        if worker.claim is not None:
            self._store.vanished(worker.claim)
        self._failures = 0 if worker.was_ready else self._failures + 1
        self._not_before = time.monotonic() + min(_LONGEST_PAUSE, 2.0**self._failures - 1)

    def _hurry(self, worker: LocalWorker) -> None:
        """Make a worker stop that was asked to and does not come to its next event."""
        assert worker.claim is not None
        asked = self._store.stop_requested(worker.claim)
        if asked is None:
            return
        waited = time.time() - asked
        if waited > KILL_AFTER_SECONDS:
            worker.kill()
        elif waited > TERMINATE_AFTER_SECONDS:
            worker.terminate()

"""The process that runs: ``python -m core.runs.executors.worker LANE``, started by a dispatcher and fed by its pipe.

It imports what the lane's kinds need, says ``ready``, then reads one claimed run a line from standard input and says
``done`` after each (``leaving`` after its last one, ``stopping`` once it has heard that it should stop), so that the
next click finds a warm process. It runs niced and in its own session. It ends when its server is gone: the pipe then
ends, or its parent process changes. (Linux could send a signal on the parent's death, but does so already when the
*thread* ends that started the process.)
"""

import contextlib
import errno
import faulthandler
import importlib
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TextIO, cast

import psutil

from core import environment, errors, logs
from core.datasets import noticed
from core.datasets.dataset import ImageDataset
from core.events import Note, OnProgress, Progress
from core.runs import data
from core.runs.executors import ray_cluster, ray_run
from core.runs.executors.local import LOG
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds import table
from core.runs.kinds.kind import Work
from core.runs.kinds.lanes import LANES, Lane
from core.runs.limits import Limits
from core.runs.limits import limits as read_limits
from core.runs.recorder import Recorder
from core.runs.spec import RunSpec
from core.runs.store.runs import DEFECT, Claim, Store
from core.runs.store.states import End
from core.words import megabytes

NICENESS = 5  # the server's pages come first
LOOK_SECONDS = 0.2  # between two looks at what the run's row says
BEAT_SECONDS = 2.0  # between two heartbeats
LAST_WORDS_SECONDS = 20.0  # how long a worker whose server is gone may take to reach its next event
OBEDIENCE_SECONDS = 5.0  # how long a run that is over its limit may take to reach its next event
JOBS_PER_PROCESS = 25  # then a fresh process, since memory that libraries keep only grows

_log = logging.getLogger(__name__)
_terminated = threading.Event()  # SIGTERM has come


class _Terminated(BaseException):
    """SIGTERM came."""


class _Interrupted(Exception):
    """The run must not go on: between two events, or while data are being loaded."""


class _LetPass(_Interrupted):
    """The run has reached a milestone, and shorter ones wait."""


@dataclass
class _Orders:
    """What the watching thread has learned, for the training thread to look at between two events."""

    # Somebody pressed stop, or a control has to wait for a run that somebody asked for.
    stop: threading.Event = field(default_factory=threading.Event)
    # Somebody waits with a much shorter run: at the next milestone, where nothing is lost, this one makes way.
    let_pass: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)  # the run belongs to another worker now
    gone: threading.Event = field(default_factory=threading.Event)  # the server is gone
    job_over: threading.Event = field(default_factory=threading.Event)
    over_limit: str | None = None  # the sentence for a run that took more than it may

    def raise_if_any(self) -> None:
        if self.stop.is_set() or self.lost.is_set() or self.gone.is_set():
            raise _Interrupted


def main() -> None:
    """Serve the runs of one lane until the server is gone."""
    lane = cast(Lane, sys.argv[1])
    errors.one_of("lane", lane, LANES)
    answers = _take_standard_output()
    faulthandler.enable()
    logs.configure(Path(environment.HOME.text()) / "logs" / LOG)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(NICENESS)
    with contextlib.suppress(OSError):  # Linux: where memory runs out, this process goes, not the server
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    signal.signal(signal.SIGTERM, _terminate)
    home = Path(environment.HOME.text())
    gone = threading.Event()
    jobs: queue.SimpleQueue[dict[str, str] | None] = queue.SimpleQueue()
    threading.Thread(target=_read_jobs, args=(jobs, gone), daemon=True).start()
    threading.Thread(target=_watch_parent, args=(jobs, gone), daemon=True).start()
    with contextlib.suppress(_Terminated):
        _load_everything(lane)
        store = Store(home)
        worker = _Worker(store, gone, partial(_say, answers, "stopping"))
        _say(answers, "ready")
        for number in range(1, JOBS_PER_PROCESS + 1):
            job = jobs.get()
            if job is None:
                break
            with logs.of_run(job["run"]):
                clean = worker.work(Claim(run=job["run"], token=job["claim"]))
            if not clean or number == JOBS_PER_PROCESS:
                _say(answers, "leaving")
                break
            _say(answers, "done")
    sys.stdout.flush()
    os._exit(0)  # threads of libraries must not keep a process alive that has nothing to do


class _Worker:
    """Works on one run at a time; keeps the data set last opened, since a control comes right after its run."""

    def __init__(self, store: Store, gone: threading.Event, stopping: Callable[[], None]) -> None:
        self._store = store
        self._gone = gone
        self._stopping = stopping  # tell the dispatcher that the stop was heard
        self._data: tuple[tuple[str, int, str], ImageDataset] | None = None

    def work(self, claim: Claim) -> bool:
        """Run one job to its end, whatever that is; False if this process should not be used again."""
        orders = _Orders(gone=self._gone)
        watcher = threading.Thread(target=self._watch, args=(claim, orders), daemon=True)
        watcher.start()
        directory = run_directory(self._store.home, claim.run)
        recorder: Recorder | None = None
        clean = True
        try:
            spec = self._store.run(claim.run).spec
            recorder = Recorder(
                directory,
                table.kind(spec),
                spec,
                on_milestone=partial(self._store.progressed, claim),
            )
            self._run(spec, recorder, orders)
            assert recorder.summary is not None
            self._end(claim, "finished", summary=recorder.summary)
        except (_Interrupted, _Terminated) as reason:
            clean = isinstance(reason, _Interrupted) and orders.over_limit is None
            self._interrupted(claim, recorder, orders, let_pass=isinstance(reason, _LetPass))
        except errors.StoreError:
            raise  # this process ends, and the run goes on from its checkpoint once the store can be written
        except errors.LabError as error:
            self._end(claim, "failed", error=str(error))
        except Exception as error:
            clean = False
            if _terminated.is_set():
                # SIGTERM came inside a library, whose clean-up then raised an error of its own.
                self._interrupted(claim, recorder, orders)
            else:
                self._failed(claim, directory, error)
        finally:
            orders.job_over.set()
            watcher.join()
            if recorder is not None:
                recorder.close()
        return clean and not self._gone.is_set()

    def _run(self, spec: RunSpec, recorder: Recorder, orders: _Orders) -> None:
        def tell(phase: str) -> OnProgress:
            def progress(done: int, total: int) -> None:
                recorder.write(Progress(phase=phase, done=done, total=total))
                orders.raise_if_any()

            return progress

        kind = table.kind(spec)
        dataset = self._open(spec, tell("data")) if kind.pictures else None
        if dataset is not None:
            for sentence in noticed.sentences(dataset.report, dataset.reading):
                recorder.write(Note(message=sentence))
        kind.prepare(spec.config, tell("weights"))
        orders.raise_if_any()
        work = Work(config=spec.config, dataset=dataset, earlier=recorder.earlier)
        events = (
            ray_run.events(kind, work, orders.raise_if_any) if ray_cluster.wanted() else kind.events(work)
        )
        try:
            for event in events:
                recorder.write(event)
                if recorder.summary is None:
                    orders.raise_if_any()
                    if orders.let_pass.is_set() and isinstance(event, kind.milestones):
                        raise _LetPass
        finally:
            if isinstance(events, Generator):
                events.close()  # what it holds on disk goes now, not when the collector finds it

    def _open(self, spec: RunSpec, progress: OnProgress) -> ImageDataset:
        key = (spec.data, data.side(spec), spec.fit)
        if self._data is None or self._data[0] != key:
            self._data = None  # two data sets at a time might not fit
            self._data = (key, data.open_data(spec, self._store, progress))
        return self._data[1]

    def _failed(self, claim: Claim, directory: Path, error: Exception) -> None:
        """Tell the owner in a sentence, and the log everything."""
        _log.exception("Run %s failed.", claim.run)
        # Before the store says so: from then on the owner may delete the run with its folder, or resume it.
        with contextlib.suppress(OSError):
            directory.mkdir(parents=True, exist_ok=True)
            (directory / artefacts.TRACEBACK).write_text(traceback.format_exc(), encoding="utf-8")
        self._end(claim, "failed", error=_sentence(error))

    def _interrupted(
        self, claim: Claim, recorder: Recorder | None, orders: _Orders, *, let_pass: bool = False
    ) -> None:
        """Keep the last checkpoint and let go of the run: stopped if asked to, failed over its limit, else queued."""
        order = self._store.beat(claim)
        if order == "lost" or orders.lost.is_set():
            return
        self._stopping()
        if recorder is not None:
            recorder.flush()
        if order == "stop":
            self._end(claim, "stopped")
        elif orders.over_limit is not None:
            self._end(claim, "failed", error=orders.over_limit)
        elif let_pass:
            self._store.let_pass(claim)
        else:
            self._store.give_back(claim)

    def _end(self, claim: Claim, state: End, **how: Any) -> None:
        """Record how a run ended, and what its files take."""
        directory = run_directory(self._store.home, claim.run)
        self._store.end(claim, state, size=artefacts.size(directory), **how)

    def _watch(self, claim: Claim, orders: _Orders) -> None:
        """Look at the run's row and keep its heart beating, until the job is over."""
        began, next_beat, obey_until = time.monotonic(), 0.0, float("inf")
        limits = Limits()
        while not orders.job_over.wait(LOOK_SECONDS if next_beat else 0):
            try:
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + BEAT_SECONDS
                    order = self._store.beat(claim)
                    limits = read_limits(self._store)  # a teacher may have changed them meanwhile
                else:
                    order = self._store.order(claim)
            except Exception:  # a locked database or a full disk may pass; the run goes on meanwhile
                _log.exception("The run store did not answer.")
                continue
            if order in ("stop", "wait"):
                orders.stop.set()
            elif order == "lost" and not orders.job_over.is_set():
                orders.lost.set()
            elif order == "let pass":
                orders.let_pass.set()
            elif order == "go on":  # who waited has gone, or works elsewhere
                orders.let_pass.clear()
            if orders.over_limit is None:
                orders.over_limit = _excess(limits, time.monotonic() - began)
                if orders.over_limit is not None:
                    orders.stop.set()
                    obey_until = time.monotonic() + OBEDIENCE_SECONDS
            elif time.monotonic() > obey_until and not orders.job_over.is_set():
                # In the middle of something long: nothing that is on disk is lost by ending here.
                try:
                    self._store.end(claim, "failed", error=orders.over_limit)
                except errors.StoreError:  # it may pass, and the heart has to beat meanwhile
                    _log.exception("The run store did not answer.")
                    continue
                os._exit(1)


def _excess(limits: Limits, seconds: float) -> str | None:
    """Say in a sentence what a run took more of than it may; None while it is within its limits."""
    if seconds > 60 * limits.minutes_per_run:
        return (
            f"The run took longer than the {limits.minutes_per_run} minutes at a stretch that a run may take here; "
            "go on from its last epoch, or try fewer epochs or images."
        )
    if psutil.Process().memory_info().rss > limits.memory:
        return (
            f"The run needed more than the {megabytes(limits.memory, 0)} of memory that a run may use here; "
            "try fewer or smaller images, or a smaller batch."
        )
    return None


def _sentence(error: Exception) -> str:
    """Say what happened to a run in words for its owner; details stand in the log."""
    if errors.is_out_of_memory(error):
        return errors.OUT_OF_MEMORY
    if _out_of_room(error):
        return "The disk is full, so the run could not be stored; delete old runs, then resume this one."
    return DEFECT


def _out_of_room(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error: torch, SQLite and others wrap it in errors of their own."""
    while error is not None:
        if getattr(error, "errno", None) == errno.ENOSPC or "disk is full" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _load_everything(lane: Lane) -> None:
    """Import what the lane's runs need, and set the threads of numerical libraries."""
    for kind in table.in_lane(lane):
        for name in kind.imports:
            importlib.import_module(name)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(environment.THREADS.whole_number(os.cpu_count() or 1))


def _take_standard_output() -> TextIO:
    """Keep standard output for the protocol; what libraries print goes to standard error, a log file."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _say(answers: TextIO, word: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        answers.write(json.dumps({"say": word}) + "\n")
        answers.flush()


def _read_jobs(jobs: "queue.SimpleQueue[dict[str, str] | None]", gone: threading.Event) -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    _server_gone(jobs, gone)


def _watch_parent(jobs: "queue.SimpleQueue[dict[str, str] | None]", gone: threading.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent and not gone.is_set():
        time.sleep(BEAT_SECONDS)
    _server_gone(jobs, gone)
    time.sleep(LAST_WORDS_SECONDS)
    os._exit(1)  # checkpoints are written whole or not at all, so nothing is half done


def _server_gone(jobs: "queue.SimpleQueue[dict[str, str] | None]", gone: threading.Event) -> None:
    gone.set()
    jobs.put(None)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    _terminated.set()
    raise _Terminated


if __name__ == "__main__":
    main()

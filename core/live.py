"""Experiments while somebody watches: at most so many at once, in processes of their own, in turn.

A run ends when it is finished, when it is stopped, and when nobody has looked at it for a while: the visitor
has left. Nothing is kept beyond that.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core import errors
from core.turns import NOBODY, Ticket, Turns

MOST_AT_ONCE = 1
CLOSE_SECONDS = 2.0
PATIENCE = 10.0  # seconds without a look before a run ends
_PROJECT = Path(__file__).resolve().parent.parent

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

State = Literal["waiting", "running", "finished", "stopped", "failed"]


@dataclass(kw_only=True, eq=False)
class LiveRun(ABC):
    """One visitor's run; the pool changes it, whoever looks reads it.

    ``python -m WORKER ASKED`` does the work and prints one JSON object a line; see `asked_of_worker` and `say`.
    """

    threads: int = 1  # that the worker's libraries may use
    ticket: Ticket = field(default_factory=lambda: Ticket(owner=NOBODY))  # whose run it is
    state: State = "waiting"
    began: float | None = None  # on the monotonic clock, when its turn came
    ended: float | None = None
    _looked: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    @abstractmethod
    def command(self) -> tuple[str, dict[str, Any]]:
        """The worker's module, and what it is asked, as plain values."""

    @abstractmethod
    def take(self, line: dict[str, Any]) -> None:
        """Keep what the worker said."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("finished", "stopped", "failed")

    @property
    def seconds(self) -> float:
        """How long it has been running, or ran."""
        if self.began is None:
            return 0.0
        return (time.monotonic() if self.ended is None else self.ended) - self.began

    def look(self) -> None:
        """Say that somebody still looks."""
        self._looked = time.monotonic()

    def stop(self) -> None:
        """Ask the run to end; what it found so far stays."""
        self._stop.set()

    @property
    def unwanted(self) -> bool:
        """Whether the run should end: it was stopped, or nobody looks any more."""
        return self._stop.is_set() or time.monotonic() - self._looked > PATIENCE


_pools: "weakref.WeakSet[Pool]" = weakref.WeakSet()


class Pool:
    """Runs in turn, `MOST_AT_ONCE` at a time, so that nobody's many runs hold up everybody's first (`Turns`)."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._turns = Turns(most)
        self._changed = threading.Condition()
        self._runs: list[LiveRun] = []  # waiting and running
        self._closed = False
        _pools.add(self)

    def start(self, run: LiveRun) -> None:
        """Queue a run and return at once."""
        with self._changed:
            if self._closed:
                raise errors.RunError("The server is about to restart; try again in a minute.")
            self._runs.append(run)
            self._turns.line_up(run.ticket)
        threading.Thread(target=self._live, args=(run,), name="live experiment", daemon=True).start()

    def ahead(self, run: LiveRun) -> int:
        """Count the runs that have to end before ``run`` begins, as things stand."""
        return self._turns.ahead(run.ticket)

    def counts(self) -> tuple[int, int]:
        """Count the runs that wait and those that run."""
        with self._changed:
            running = sum(run.state == "running" for run in self._runs)
            return len(self._runs) - running, running

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Take no further runs, end those that there are, and wait for them, ``seconds`` at most."""
        with self._changed:
            self._closed = True
            for run in self._runs:
                run.stop()
            self._changed.wait_for(lambda: not self._runs, seconds)

    def _live(self, run: LiveRun) -> None:
        try:
            with self._turns.turn(run.ticket, given_up=lambda: run.unwanted) as mine:
                run.state = _work(run) if mine else "stopped"
        finally:
            if not run.over:
                run.state = "failed"
            with self._changed:
                self._runs.remove(run)
                self._changed.notify_all()


def _work(run: LiveRun) -> State:
    worker, asked = run.command
    process = subprocess.Popen(
        [sys.executable, "-m", worker, json.dumps(asked)],
        cwd=_PROJECT,
        # Threads that spin while they wait would take the other core from everybody else.
        env=os.environ | dict.fromkeys(_THREADS, str(run.threads)) | {"OMP_WAIT_POLICY": "PASSIVE"},
        stdin=subprocess.PIPE,  # closing it ends the process, and so does the end of this one
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C in the server's terminal is not for it
    )
    assert process.stdout is not None
    assert process.stdin is not None
    run.began, run.state = time.monotonic(), "running"
    # A worker that is silent for long must end as soon as one that talks.
    watch = threading.Thread(target=_end_when_unwanted, args=(run, process), daemon=True)
    watch.start()
    try:
        for line in process.stdout:
            run.take(json.loads(line))
        ended = process.wait()
        return "stopped" if run.unwanted else "finished" if ended == 0 else "failed"
    finally:
        run.ended = time.monotonic()
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.stdout.close()


def _end_when_unwanted(run: LiveRun, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        if run.unwanted:
            process.kill()
            return
        time.sleep(0.2)


pool = Pool()


def counts() -> tuple[int, int]:
    """Count the runs of all pools that wait, and those that run."""
    each = [one.counts() for one in list(_pools)]
    return sum(waiting for waiting, _ in each), sum(running for _, running in each)


def close() -> None:
    """End every pool's runs, because the server ends."""
    for one in list(_pools):
        one.close()


def asked_of_worker() -> dict[str, Any]:
    """Read what a worker is asked; from now on it runs behind whatever else this machine has to do.

    It ends by itself when standard input is closed: whoever started it is gone.
    """
    threading.Thread(target=_end_with_the_asker, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(5)
    asked: dict[str, Any] = json.loads(sys.argv[1])
    return asked


def say(line: dict[str, Any]) -> None:
    """Tell whoever asked: one JSON object a line."""
    print(json.dumps(line), flush=True)


def _end_with_the_asker() -> None:
    # Not through sys.stdin, whose lock this thread would still hold when the interpreter ends.
    while os.read(0, 1024):
        pass
    os._exit(1)

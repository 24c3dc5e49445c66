"""The experiment while somebody watches: at most so many at once, in processes of their own, in turn.

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
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core import errors
from core.riding.experiment import ARMS, TESTS
from core.riding.experiment_report import Report

MOST_AT_ONCE = 1
PATIENCE = 10.0  # seconds without a look before a run ends
_PROJECT = Path(__file__).resolve().parent.parent.parent

State = Literal["waiting", "running", "finished", "stopped", "failed"]


@dataclass(kw_only=True, eq=False)
class LiveRun:
    """One visitor's run; the pool changes it, whoever looks reads it."""

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    target: str
    tests: tuple[int, ...]
    state: State = "waiting"
    done: float = 0.0  # 0-1
    learning: Literal["source", "target"] = "source"
    report: Report | None = None  # of all tests so far
    seconds: float = 0.0  # since it began to run
    _looked: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("finished", "stopped", "failed")

    def look(self) -> "LiveRun":
        """Say that somebody still looks."""
        self._looked = time.monotonic()
        return self

    def stop(self) -> None:
        """Ask the run to end; what it found so far stays."""
        self._stop.set()

    @property
    def unwanted(self) -> bool:
        """Whether the run should end: it was stopped, or nobody looks any more."""
        return self._stop.is_set() or time.monotonic() - self._looked > PATIENCE


class Pool:
    """Runs in turn, `MOST_AT_ONCE` at a time, the first that came first."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._most = most
        self._turn = threading.Condition()
        self._queue: list[LiveRun] = []  # waiting and running

    def start(
        self,
        arms: Sequence[str],
        seeds: Sequence[int],
        target: str = "motorcycle",
        tests: Sequence[int] = TESTS,
    ) -> LiveRun:
        """Queue a run and return at once; `SettingsError` for an arm that is none. As `experiment.run`."""
        for name in arms:
            errors.one_of("arm", name, ARMS)
        run = LiveRun(arms=tuple(arms), seeds=tuple(seeds), target=target, tests=tuple(tests))
        with self._turn:
            self._queue.append(run)
        threading.Thread(target=self._live, args=(run,), name="riding experiment", daemon=True).start()
        return run

    def ahead(self, run: LiveRun) -> int:
        """Count the runs that have to end before ``run`` begins."""
        with self._turn:
            if run not in self._queue:
                return 0
            return max(0, self._queue.index(run) - self._most + 1)

    def _live(self, run: LiveRun) -> None:
        try:
            with self._turn:
                while self._queue.index(run) >= self._most and not run.unwanted:
                    self._turn.wait(0.5)
            if run.unwanted:
                run.state = "stopped"
            else:
                run.state = self._work(run)
        finally:
            if not run.over:
                run.state = "failed"
            with self._turn:
                self._queue.remove(run)
                self._turn.notify_all()

    def _work(self, run: LiveRun) -> State:
        began = time.monotonic()
        asked = json.dumps({"arms": run.arms, "seeds": run.seeds, "target": run.target, "tests": run.tests})
        process = subprocess.Popen(
            [sys.executable, "-m", "core.riding.worker", asked],
            cwd=_PROJECT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,  # closing it ends the process, and so does the end of this one
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the server's terminal is not for it
        )
        assert process.stdout is not None
        assert process.stdin is not None
        run.state = "running"
        try:
            for line in process.stdout:
                read = json.loads(line)
                if "report" in read:
                    run.report = Report.from_json(read["report"])
                else:
                    run.done, run.learning = read["done"], read["learning"]
                run.seconds = time.monotonic() - began
                if run.unwanted:
                    return "stopped"
            return "finished" if process.wait() == 0 else "failed"
        finally:
            process.kill()
            process.wait()
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.stdout.close()


pool = Pool()

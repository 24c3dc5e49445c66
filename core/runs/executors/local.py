"""The dispatcher's hand on one worker process of this machine. Torch-free."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import core
from core.logs import rotate
from core.runs.executors.devices import Slot
from core.runs.store.runs import Claim

LOG = "worker.log"  # in the data directory's folder of logs; all workers write to it
_PROJECT = Path(str(core.__file__)).parent.parent if core.__file__ else Path(core.__path__[0]).parent


class LocalWorker:
    """One process: starting, then idle and busy in turn, then gone. ``notify`` is called at every change."""

    def __init__(self, home: Path, slot: Slot, notify: Callable[[], None]) -> None:
        logs = home / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        rotate(logs / LOG)
        with open(logs / LOG, "ab", opener=partial(os.open, mode=0o600)) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.runs.executors.worker", slot.lane],
                cwd=_PROJECT,
                # Threads that wait by spinning take the processor from pages, and from each other on a busy
                # machine: measured on two loaded cores, waiting passively trained three times as fast.
                env={"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | slot.environment | {"TLL_HOME": str(home)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the server's terminal is not for the worker
            )
        self._notify = notify
        self.lane = slot.lane
        self.was_ready = False
        self.stopping = False  # it has heard that it should stop, and is writing its checkpoint
        self.told_to_end = False  # by a signal, which may reach it later than it ends its run by itself
        self._idle = threading.Event()
        self._gone = threading.Event()
        self.claim: Claim | None = None
        self._reader = threading.Thread(target=self._read, name="worker answers", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def idle(self) -> bool:
        """Whether a job can be given."""
        return self._idle.is_set() and not self._gone.is_set()

    @property
    def gone(self) -> bool:
        """Whether the process has ended."""
        return self._gone.is_set()

    def give(self, claim: Claim) -> None:
        """Hand over a claimed run; if the process has just died, `gone` will say so."""
        self._idle.clear()
        self.stopping = False
        self.claim = claim
        line = json.dumps({"run": claim.run, "claim": claim.token}) + "\n"
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()

    def terminate(self) -> None:
        """Send SIGTERM, once: the worker ends at its next breath."""
        if not self.told_to_end:
            self.told_to_end = True
            self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self.told_to_end = True
        self._process.kill()

    def close(self, seconds: float) -> None:
        """End the process as if its server were gone, by force after ``seconds``."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        if not self.was_ready:  # it is still importing, and has nothing to keep
            self._process.kill()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout:
            for line in self._process.stdout:
                try:
                    word = json.loads(line)["say"]
                except (ValueError, TypeError, KeyError):
                    continue  # said by a library while the worker was being imported
                self.was_ready = True
                if word == "stopping":
                    self.stopping = True
                    continue
                if word in ("done", "leaving"):
                    self.claim = None
                if word != "leaving":
                    self._idle.set()
                self._notify()
        self._process.wait()
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._gone.set()
        self._notify()

"""Files from strangers are opened in processes of their own, with little memory and little time.

This side asks: a `Child` is such a process, a `Pool` keeps some of them warm. The other side (`isolated`) is a module
that a child runs: it serves requests, and bounds itself. What passes between them is a line of JSON and raw bytes of a
length that the asking side knows: nothing that a child says can make it do anything.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

Message = dict[str, Any]

_PROJECT = Path(__file__).resolve().parent.parent
_LONGEST_MESSAGE = 100_000_000  # bytes of JSON
_PIPE_BYTES = (
    1_048_576  # of a pipe, where that can be chosen: a photograph takes fewer switches between the two
)
_LOOK_SECONDS = 0.25  # between two looks for children that are late, or not needed
_IDLE_SECONDS = 10.0  # after which a child beyond the warm ones is ended
_RESTART_SECONDS = 5.0  # between two tries to have warm children again, where they end by themselves
_END_SECONDS = 2.0
# How the system ends a process that is over a limit; SIGKILL comes where the whole machine's memory runs out.
_OVER = [getattr(signal, name, None) for name in ("SIGPROF", "SIGXCPU", "SIGXFSZ", "SIGKILL")]


class OverLimit(Exception):
    """The child was ended, for it took more time or memory than it may."""


class BrokeDown(Exception):
    """The child came to an end by itself, over what it was asked, or did not start."""


class Child:
    """A process that runs a module of ours; one request at a time."""

    def __init__(self, module: str, *, niceness: int = 0) -> None:
        """Start it; it gets ready by itself. `OSError` where the system has no room for a process."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(niceness)],
            cwd=_PROJECT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is for whoever asked
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self._from: BinaryIO = self._process.stdout  # type: ignore[assignment]
        _widen(self._to, self._from)
        self._deadline: float | None = None
        self._late = False
        self.idle_since = time.monotonic()
        _watched.add(self)
        _watch()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._to.closed and self._process.poll() is None

    def ask(
        self,
        request: Message,
        content: bytes = b"",
        *,
        patience: float,
        into: Callable[[Message], memoryview] | None = None,
        heard: Callable[[Message], None] | None = None,
    ) -> Message:
        """Send a request and its bytes, and give the answer; ``patience`` in seconds on the clock.

        An answer that says ``"bytes": true`` is followed by as many as the memory takes that ``into`` gives for it.
        ``heard`` is told what the child has to say meanwhile, and takes its time: the child waits, and the clock
        begins anew. Raises `OverLimit` and `BrokeDown`; the child is gone then.
        """
        try:
            self._deadline = time.monotonic() + patience
            self._to.write(json.dumps(request | {"length": len(content)}).encode() + b"\n")
            self._to.write(content)
            self._to.flush()
            while "meanwhile" in (answer := self._answer()):
                self._deadline = None
                if heard is not None:
                    heard(answer)
                self._deadline = time.monotonic() + patience
                self._to.write(b"\n")
                self._to.flush()
            if answer.get("bytes") is True:
                if into is None:
                    raise ValueError("bytes that nobody asked for")
                self._fill(into(answer))
            return answer
        except (OSError, EOFError, LookupError, TypeError, ValueError, RecursionError):
            raise self._ended() from None
        except BaseException:  # `heard` ends it all: this child's answer must not be taken for the next one's
            self.end(force=True)
            raise
        finally:
            self._deadline = None
            self.idle_since = time.monotonic()

    def _answer(self) -> Message:
        line = self._from.readline(_LONGEST_MESSAGE)
        if not line.endswith(b"\n"):
            raise EOFError
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("not a message")
        return answer

    def _fill(self, left: memoryview) -> None:
        while left:
            count = self._from.readinto(left)  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            left = left[count:]

    def _ended(self) -> Exception:
        """See how a child ended that does not answer as it should, and make sure that it has."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LOOK_SECONDS)  # its pipes close before it is dead
        code = self._process.poll()
        self.end(force=True)
        if self._late or (code is not None and -code in _OVER):
            return OverLimit()
        return BrokeDown()

    def kill_if_late(self) -> None:
        """End it where the patience of whoever asks is over."""
        deadline = self._deadline
        if deadline is not None and time.monotonic() > deadline:
            self._late = True
            self._process.kill()

    def end(self, *, force: bool = False) -> None:
        """End the process; by force, or as if whoever asks were gone."""
        if force:
            self._process.kill()
        with contextlib.suppress(OSError):
            self._to.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._from.close()


class Pool:
    """Up to ``most`` children of one module at a time; ``warm`` of them wait for the next request."""

    def __init__(self, module: str, *, most: int, warm: int, niceness: int = 0) -> None:
        self._module, self._warm, self._niceness = module, warm, niceness
        self.most = most
        self.begin()
        _pools.add(self)

    def begin(self) -> None:
        """Have no children yet; also in a process that was forked, to which they do not belong."""
        self._places = threading.BoundedSemaphore(self.most)
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._lent = 0
        self._next_warm_up: float | None = None

    def warm_up(self) -> None:
        """Start the children that shall be warm, from now on also in the place of those that end."""
        with self._lock:
            self._next_warm_up = time.monotonic() + _RESTART_SECONDS
            dead = [child for child in self._idle if not child.alive]
            self._idle = [child for child in self._idle if child not in dead]
            while len(self._idle) < self._warm:
                self._idle.append(Child(self._module, niceness=self._niceness))
        for child in dead:
            child.end()

    @contextlib.contextmanager
    def child(self) -> Iterator[Child]:
        """Lend a child; whoever comes when all are lent waits. Raises `BrokeDown` where none can be started."""
        with self._places:
            try:
                child = self._taken()
            except OSError as error:
                raise BrokeDown from error
            try:
                yield child
            finally:
                alive = child.alive
                with self._lock:
                    self._lent -= 1
                    if alive:
                        self._idle.append(child)
                if not alive:
                    child.end(force=True)
                    with contextlib.suppress(OSError):  # whoever needs it will try again
                        self.warm_up()

    def _taken(self) -> Child:
        with self._lock:
            while self._idle and not self._idle[-1].alive:
                self._idle.pop().end(force=True)
            child = self._idle.pop() if self._idle else Child(self._module, niceness=self._niceness)
            self._lent += 1
            return child

    def tidy(self) -> None:
        """End those that have had nothing to do for a while, but for the warm ones, and replace the dead."""
        now = time.monotonic()
        with self._lock:
            dead = [one for one in self._idle if not one.alive]
            rest = [one for one in self._idle if one.alive]
            over = [one for one in rest[: -self._warm or None] if now - one.idle_since > _IDLE_SECONDS]
            self._idle = [one for one in rest if one not in over]
            lacks = len(self._idle) + self._lent < self._warm
        for one in (*dead, *over):
            one.end()
        if lacks and self._next_warm_up is not None and now > self._next_warm_up:
            with contextlib.suppress(OSError):
                self.warm_up()

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that wait for a request."""
        with self._lock:
            return [child.pid for child in self._idle if child.alive]


_watched: "weakref.WeakSet[Child]" = weakref.WeakSet()
_pools: "weakref.WeakSet[Pool]" = weakref.WeakSet()
_watcher: threading.Thread | None = None
_starting = threading.Lock()


def _watch() -> None:
    global _watcher  # noqa: PLW0603 - one thread for all children of this process
    with _starting:
        if _watcher is None or not _watcher.is_alive():
            _watcher = threading.Thread(target=_look_after_children, name="isolation", daemon=True)
            _watcher.start()


def _look_after_children() -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        for child in list(_watched):
            child.kill_if_late()
        for pool in list(_pools):
            pool.tidy()


def _end_all() -> None:
    for child in list(_watched):
        child.end(force=True)


def _forget() -> None:
    """In a forked process: the children, and the thread that looks after them, are its parent's."""
    global _watcher, _starting
    _watcher, _starting = None, threading.Lock()
    _watched.clear()
    for pool in list(_pools):
        pool.begin()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _widen(*pipes: BinaryIO) -> None:
    with contextlib.suppress(ImportError, AttributeError, OSError):  # Linux has it
        import fcntl

        for pipe in pipes:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

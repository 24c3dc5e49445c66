"""The other side of `isolation`: what a process of its own does to serve, and to bound itself."""

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil

from core.isolation import Message

try:
    import resource
except ImportError:  # Windows: time is limited by whoever asks, memory by what the formats' forms allow
    resource = None  # type: ignore[assignment]


class Service:
    """The child's side: requests come in, answers go out, and when whoever asks is gone, so is this process."""

    def __init__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):  # at least; whoever asks may be niced already
            os.setpriority(os.PRIO_PROCESS, 0, max(int(sys.argv[1]), os.getpriority(os.PRIO_PROCESS, 0)))
        self._in = os.fdopen(os.dup(0), "rb")
        self._out = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):  # what a library prints is no answer
            os.dup2(nothing, number)
        with contextlib.suppress(OSError):  # Linux: where memory runs out, this process goes
            Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")
        _at_most("RLIMIT_CORE", 0)
        threading.Thread(target=self._leave_with_parent, daemon=True).start()

    def requests(self) -> Iterator[tuple[Message, bytes]]:
        """Give one request after the other, with its bytes."""
        for line in self._in:
            request = json.loads(line)
            yield request, self._in.read(request["length"])

    def answer(self, answer: Message, content: Iterable[memoryview] = ()) -> None:
        """Answer the request, with bytes where there are some."""
        parts = list(content)
        self._out.write(json.dumps(answer | ({"bytes": True} if parts else {})).encode() + b"\n")
        for part in parts:
            self._out.write(part)
        self._out.flush()

    def say(self, **what: Any) -> None:
        """Say something meanwhile, and wait until whoever asks has taken note."""
        self.answer({"meanwhile": True} | what)
        self._in.readline()

    def _leave_with_parent(self) -> None:
        """Wait for the other end of the pipe to close, which a busy main thread would not see."""
        import select

        if not hasattr(select, "poll"):  # Windows: the main thread reads the end when it is done
            return
        hung_up = select.poll()
        hung_up.register(self._in, 0)
        hung_up.poll()
        os._exit(0)


def limit(*, memory: int | None = None, seconds: float | None = None, written: int | None = None) -> None:
    """Bound this process from here on, where the system can.

    ``memory``: further bytes; ``seconds`` of the processor, all threads together (0: as many as it likes); ``written``:
    bytes of any one file. The system ends the process that takes more time; further memory is refused.
    """
    if memory is not None:
        taken = getattr(psutil.Process().memory_info(), "data", None)
        if taken is not None:
            _at_most("RLIMIT_DATA", taken + memory)
    if seconds is not None and hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
    if written is not None:
        _at_most("RLIMIT_FSIZE", written)


def _at_most(what: str, value: int) -> None:
    """Set the limit that holds, within the one that the system or whoever asked has set."""
    if resource is None:
        return
    number = getattr(resource, what)
    _, hard = resource.getrlimit(number)
    value = min(value, sys.maxsize) if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(number, (value, hard))

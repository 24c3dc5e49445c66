"""Ctrl-C while modules are loaded: the end, at once and with one word."""

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

INTERRUPTED = 130  # 128 + SIGINT, as shells say it


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """End this process where Ctrl-C comes inside, without any cleaning up: for loading modules and nothing else.

    A `KeyboardInterrupt` would come out of the middle of some library there, or be swallowed by it. Where Ctrl-C
    means something else already, as in a process that ignores it, that stays.
    """
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:
        with contextlib.suppress(ValueError):  # not the main thread, which Ctrl-C never reaches
            signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        if usual:
            with contextlib.suppress(ValueError):
                signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_signal: int, _frame: FrameType | None) -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"Stopped.\n")
    os._exit(INTERRUPTED)

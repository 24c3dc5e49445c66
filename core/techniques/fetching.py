"""A long call, a download above all, told step by step as `Progress`. Torch-free."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from core.events import Progress

T = TypeVar("T")
Told = Callable[[int, int], None]  # done, total

EVERY = 0.5  # seconds


class _Unwanted(Exception):
    """Nobody waits for the result any more."""


def while_working(
    work: Callable[[Told], T], sentence: Callable[[int, int], str]
) -> Generator[Progress, None, T]:
    """Do ``work(told)`` and return what it returns; meanwhile yield how far it is, several times a second.

    ``work`` calls ``told(done, total)`` as it goes, which ``sentence`` puts into words. An experiment that is left
    midway ends the work at its next word, so that it clears up after itself. Raises whatever ``work`` raises.
    """
    latest = (0, 0)
    unwanted = threading.Event()

    def told(done: int, total: int) -> None:
        nonlocal latest
        if unwanted.is_set():
            raise _Unwanted
        latest = (done, total)

    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(work, told)
        try:
            while not wait([future], timeout=EVERY).done:
                done, total = latest
                yield Progress(done=done / max(total, 1), phase=sentence(done, total))
        finally:
            unwanted.set()
        return future.result()


def fetching(title: str, total_bytes: int) -> Callable[[int, int], str]:
    """Make the sentence for a data set of ``total_bytes``: bytes while they come, then pictures while they are read."""

    def sentence(done: int, total: int) -> str:
        if not total:
            return f"Looking for {title}"
        if total != total_bytes:
            return f"Reading {title}, {done:,} of {total:,}"
        return f"Fetching {title}, {done / 1e6:.0f} of {total / 1e6:.0f} MB"

    return sentence

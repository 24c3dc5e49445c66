"""Keep the memory of a server with many visitors from growing: few heaps for many threads.

Streamlit runs every click in a new thread, and glibc gives threads heaps of their own, up to eight a processor, each
of which keeps what it once needed. With eight visitors walking through the pages for three minutes the server grew by
126 MB, at its end by 43 MB a minute; with two heaps by 71 MB, at its end by 5 MB a minute (benchmarks/classroom.py).
Threads of Python hardly ever allocate at the same moment, so that two are enough.
"""

import contextlib
import ctypes
import os
import threading

import psutil

HEAPS = 2
LOOK_SECONDS = 30.0
GROWN_BYTES = 50_000_000  # since the last time that all which is free was given back
_M_ARENA_MAX = -8  # malloc.h of glibc; no other C library knows it


def few_heaps() -> None:
    """Limit the heaps of this process; call it before threads begin. ``MALLOC_ARENA_MAX`` of the operator wins."""
    if "MALLOC_ARENA_MAX" in os.environ or os.name != "posix":
        return
    with contextlib.suppress(AttributeError, OSError):  # not glibc: nothing to do
        ctypes.CDLL(None).mallopt(ctypes.c_int(_M_ARENA_MAX), ctypes.c_int(HEAPS))


def give_back(over: threading.Event) -> None:
    """Start a thread that gives free memory back to the system once the process has grown, until it is ``over``.

    glibc keeps what lies between blocks that are in use: of 25 tabs that had sent 23 MB each, for good 200 MB
    (benchmarks/strangers.py).
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc: nothing to do
        return

    def look() -> None:
        process = psutil.Process()
        least = process.memory_info().rss
        while not over.wait(LOOK_SECONDS):
            now = process.memory_info().rss
            if now - least > GROWN_BYTES:
                trim(0)
                now = process.memory_info().rss
                least = now
            least = min(least, now)

    threading.Thread(target=look, name="give memory back", daemon=True).start()

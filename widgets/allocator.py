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

from core import environment

HEAPS = 2
GIVE_BACK_SECONDS = 60.0
_M_ARENA_MAX = -8  # malloc.h of glibc; no other C library knows it


def few_heaps() -> None:
    """Limit the heaps of this process; call it before threads begin. ``MALLOC_ARENA_MAX`` of the operator wins."""
    if environment.HEAPS.is_set or os.name != "posix":
        return
    with contextlib.suppress(AttributeError, OSError):  # not glibc: nothing to do
        ctypes.CDLL(None).mallopt(ctypes.c_int(_M_ARENA_MAX), ctypes.c_int(HEAPS))


def give_back(over: threading.Event) -> None:
    """Start a thread that gives free memory back to the system every minute, until it is ``over``.

    glibc keeps what lies between blocks that are in use: of 25 tabs that had sent 23 MB each, 140 MB
    (benchmarks/strangers.py). It takes some milliseconds, and holds up nobody but who allocates meanwhile.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc: nothing to do
        return

    def again() -> None:
        while not over.wait(GIVE_BACK_SECONDS):
            trim(ctypes.c_size_t(0))

    threading.Thread(target=again, name="give memory back", daemon=True).start()

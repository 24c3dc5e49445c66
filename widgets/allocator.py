"""Keep the memory of a server with many visitors from growing: few heaps for many threads.

Streamlit runs every click in a new thread, and glibc gives threads heaps of their own, up to eight a processor, each
of which keeps what it once needed. With eight visitors walking through the pages for three minutes the server grew by
126 MB, at its end by 43 MB a minute; with two heaps by 71 MB, at its end by 5 MB a minute (benchmarks/classroom.py).
Threads of Python hardly ever allocate at the same moment, so that two are enough.
"""

import contextlib
import ctypes
import os

HEAPS = 2
_M_ARENA_MAX = -8  # malloc.h of glibc; no other C library knows it


def few_heaps() -> None:
    """Limit the heaps of this process; call it before threads begin. ``MALLOC_ARENA_MAX`` of the operator wins."""
    if "MALLOC_ARENA_MAX" in os.environ or os.name != "posix":
        return
    with contextlib.suppress(AttributeError, OSError):  # not glibc: nothing to do
        ctypes.CDLL(None).mallopt(ctypes.c_int(_M_ARENA_MAX), ctypes.c_int(HEAPS))

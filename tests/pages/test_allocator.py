"""The server's heaps: in a process of its own, since the limit holds for a whole process."""

import os
import platform
import subprocess
import sys

import pytest

# Threads that are all alive at once and allocate; afterwards glibc itself says how many heaps there are.
COUNT = """
import ctypes, os, sys, threading
from widgets import allocator
if sys.argv[1] == "few":
    allocator.few_heaps()
gate = threading.Barrier(16)
def allocate():
    kept = [ctypes.create_string_buffer(1000) for _ in range(50)]
    gate.wait()
    del kept
threads = [threading.Thread(target=allocate) for _ in range(16)]
[one.start() for one in threads]
[one.join() for one in threads]
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(os.dup(1), b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""

# Large blocks with small ones between them, of which the large ones are freed.
HOLES = """
import sys, threading, time
import psutil
from widgets import allocator
allocator.GIVE_BACK_SECONDS = 0.2
if sys.argv[1] == "back":
    allocator.give_back(threading.Event())
kept = [(bytes(100_000), bytes(2_000)) for _ in range(2000)]  # no constants: those would be one object
kept = [small for _, small in kept]
memory = psutil.Process().memory_info
before, end = memory().rss, time.monotonic() + (60 if sys.argv[1] == "back" else 1)
while memory().rss > before - 100e6 and time.monotonic() < end:
    time.sleep(0.1)
print(memory().rss)
"""


def _heaps(how: str) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    told = subprocess.run(
        [sys.executable, "-c", COUNT, how],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return told.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps other things")
def test_what_is_freed_between_things_in_use_goes_back_to_the_system() -> None:
    sizes = {
        how: int(subprocess.run([sys.executable, "-c", HOLES, how], capture_output=True, check=True).stdout)
        for how in ("keep", "back")
    }
    assert sizes["keep"] - sizes["back"] > 100e6


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other heaps")
def test_sixteen_threads_share_two_heaps() -> None:
    assert _heaps("few") <= 2 < _heaps("many")

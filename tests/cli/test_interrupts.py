"""Ctrl-C at any moment, while modules load above all: one word, and the status that shells give it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.commands import interrupts

ROOT = Path(__file__).parents[2]
MAPS = Path("/proc/self/maps")


@pytest.mark.skipif(not MAPS.exists(), reason="needs Linux: what a process has loaded is read in /proc")
@pytest.mark.parametrize("library", ["libpython", "multiarray", "libtorch_cpu"])
def test_ctrl_c_while_modules_load(library: str) -> None:
    process = subprocess.Popen(
        # What runs in a shell's background ignores Ctrl-C, and so would its children.
        ["env", "--default-signal=INT", sys.executable, "-m", "core", "sweep", "--data", "digits", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    maps = Path(f"/proc/{process.pid}/maps")
    if library == "libpython":  # the command line's own modules: before anything else is loaded
        library = "_socket"
    until = time.monotonic() + 120
    while library not in maps.read_text() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (130, "", "Stopped.\n")


def test_who_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.at_once():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with interrupts.at_once():
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

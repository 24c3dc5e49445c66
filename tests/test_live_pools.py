"""The end of the server ends live experiments, waiting and running."""

import time
from typing import Any

import psutil
import pytest

from core import errors, live


class _Sleeper(live.LiveRun):
    """A real worker process that would go on for minutes."""

    @property
    def command(self) -> tuple[str, dict[str, Any]]:
        return "core.riding.worker", {"arms": ["scratch"], "seeds": [1, 2], "tests": list(range(0, 5000, 50))}

    def take(self, line: dict[str, Any]) -> None:
        del line


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_closing_ends_what_runs_and_what_waits_and_takes_nothing_new() -> None:
    before, pool = _children(), live.Pool()
    running, waiting = _Sleeper(), _Sleeper()
    pool.start(running)
    pool.start(waiting)
    give_up = time.monotonic() + 30
    while not (running.state == "running" and _children() - before):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    assert pool.counts() == (1, 1)
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 2 * live.CLOSE_SECONDS
    assert (running.state, waiting.state) == ("stopped", "stopped")
    assert pool.counts() == (0, 0)
    assert not _children() - before
    with pytest.raises(errors.RunError, match="about to restart"):
        pool.start(_Sleeper())

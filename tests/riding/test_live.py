"""Runs while somebody watches: in turn, stoppable, and over when nobody looks."""

import time

import numpy as np
import pytest

from core import errors, live
from core.live import Pool
from core.riding import experiment
from core.riding.experiment_report import Report
from core.riding.live import RidingRun, start

LONG = tuple(range(0, 5000, 50))


def _wait(run: RidingRun, *, seconds: float = 60) -> RidingRun:
    end = time.monotonic() + seconds
    while not run.over:
        run.look()
        assert time.monotonic() < end, run
        time.sleep(0.02)
    return run


def test_a_run_in_another_process_finds_what_it_finds_here() -> None:
    run = _wait(start(["scratch"], [1, 2], tests=(0, 3), pool=Pool()))
    assert (run.state, run.done, run.learning) == ("finished", 1.0, "target")
    events = experiment.run(["scratch"], [1, 2], tests=(0, 3))
    here = [event for event in events if isinstance(event, Report)][-1]
    assert run.report is not None
    np.testing.assert_allclose(run.report.curve("scratch").seconds, here.curve("scratch").seconds, atol=6e-4)


def test_runs_wait_in_turn_and_stop_when_asked() -> None:
    pool = Pool()
    first = start(["scratch"], [1, 2], tests=LONG, pool=pool)
    second = start(["scratch"], [1, 2], tests=(0, 1), pool=pool)
    third = start(["scratch"], [1, 2], tests=(0, 1), pool=pool)
    assert [pool.ahead(run) for run in (first, second, third)] == [0, 1, 2]
    while first.report is None:
        assert not first.over
        first.look(), second.look(), third.look()
        time.sleep(0.02)
    third.stop()
    assert _wait(third).state == "stopped"  # without ever having had a turn
    assert third.report is None
    second.look()
    assert second.state == "waiting"
    first.stop()
    assert _wait(first).state == "stopped"
    assert first.report is not None  # what was found stays
    assert _wait(second).state == "finished"


def test_a_visitor_who_leaves_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.5)
    run = start(["scratch"], [1, 2], tests=LONG, pool=Pool())
    end = time.monotonic() + 30
    while not run.over:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert run.state == "stopped"


def test_unknown_arms_are_refused_at_once() -> None:
    with pytest.raises(errors.SettingsError, match="arm must be one of scratch"):
        start(["unicycle"], [1, 2])
    with pytest.raises(errors.SettingsError, match="at least one way"):
        next(experiment.run([], [1, 2]))
    with pytest.raises(errors.SettingsError, match="number of seeds"):
        next(experiment.run(["scratch"], [1]))

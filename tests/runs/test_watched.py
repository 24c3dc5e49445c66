"""Runs that somebody watches, riders here: in turn, stoppable, and there again after a restart."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core import errors
from core.riding.config import RidingConfig
from core.runs import service
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds.lanes import RIDES, TRAINING
from core.runs.kinds.riding import RidersShown
from core.runs.spec import RunSpec
from tests.runs.test_runs import LINUX, ended, until, worker_of

SHORT = RunSpec(config=RidingConfig(arms=("scratch",), seeds=(1, 2), tests=(0, 1)))
LONG = RunSpec(config=RidingConfig(arms=("scratch",), seeds=(1, 2), tests=tuple(range(0, 1001, 10))))


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield tmp_path
    service.shutdown()


def riders(run: str) -> RidersShown:
    told = service.shown(run)
    assert isinstance(told, RidersShown)
    return told


def first_tests(run: str) -> list[int]:
    """The first test of each attempt: after how many updates riders were tested."""
    tests: list[int] = []
    begins = True
    for line in service.events(run)[0]:
        if line["event"] == "tested" and begins:
            tests.append(line["update"])
        begins = line["event"] == "resumed" or (begins and line["event"] != "tested")
    return tests


def children(home: Path) -> set[int]:
    """The processes below this one that work for ``home``; others come and go, as those of a browser's."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.environ().get("TLL_HOME") == str(home):
                found.add(child.pid)
    return found


def test_runs_wait_in_turn_and_stop_when_asked(lab: Path) -> None:
    first, second, third = (service.submit(spec, "ann") for spec in (LONG, SHORT, SHORT))
    until(lambda: riders(first).report is not None)
    assert [service.run(run).position for run in (first, second, third)] == [None, 1, 2]
    service.stop(third, visitor="ann")
    assert service.run(third).state == "stopped", "without ever having had a turn"
    assert riders(third).report is None
    service.stop(first, visitor="ann")
    assert ended(first).state == "stopped"  # within two seconds: benchmarks/faults.py measures that
    assert ended(second).state == "finished"
    kept = riders(first)
    assert kept.report is not None, "what was found stays"
    assert not kept.over
    assert 0 < kept.done < 1
    service.resume(first, visitor="ann")
    until(lambda: len(first_tests(first)) == 2)
    assert first_tests(first) == [0, 0], "riders begin anew"
    service.stop(first)
    ended(first)


@LINUX
def test_the_end_of_the_server_ends_what_runs_and_the_next_one_goes_on_with_it(lab: Path) -> None:
    running, waiting = service.submit(LONG, "ann"), service.submit(SHORT, "bob")
    until(lambda: riders(running).report is not None)
    assert children(lab)
    service.leave()
    assert [service.run(run).state for run in (running, waiting)] == ["queued", "queued"]
    assert not children(lab)
    with pytest.raises(errors.RunError, match="about to restart"):
        service.submit(SHORT, "cara")
    assert riders(running).report is not None, "pages stay whole until the last moment"
    service.shutdown()
    service.stop(running)
    service.start()
    assert ended(waiting).state == "finished"


@LINUX
def test_a_lane_has_its_worker_when_somebody_is_about_to_want_it(lab: Path) -> None:
    service.start()
    with pytest.raises(AssertionError, match="no worker runs"):
        worker_of(lab, RIDES)
    service.warm(RIDES)
    until(lambda: service.ready() and _runs(lab))
    warm = worker_of(lab, RIDES)
    run = service.submit(SHORT, "ann")
    assert ended(run).state == "finished"
    assert worker_of(lab, RIDES) == warm, "no new process"
    assert worker_of(lab, TRAINING) != warm


def _runs(home: Path) -> bool:
    try:
        return bool(worker_of(home, RIDES))
    except AssertionError:
        return False


def test_what_cannot_be_is_refused_at_once(lab: Path) -> None:
    with pytest.raises(errors.SettingsError, match="arm must be one of scratch"):
        RidingConfig(arms=("unicycle",), seeds=(1, 2))
    with pytest.raises(errors.SettingsError, match="at least one way"):
        dataclasses.replace(SHORT.config, arms=())  # type: ignore[type-var]
    with pytest.raises(errors.SettingsError, match="number of seeds"):
        RidingConfig(arms=("scratch",), seeds=(1,))
    assert service.runs_of("ann") == []


def test_a_defect_of_ours_is_logged_and_not_shown(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "start", lambda: None)
    run = service.submit(SHORT, "ann")
    monkeypatch.undo()
    monkeypatch.setenv("TLL_HOME", str(lab))
    folder = run_directory(lab, run)
    artefacts.write_bytes(
        folder / artefacts.EVENTS, b'{"event":"tested","update":0}\n'
    )  # not what it should hold
    service.start()
    record = ended(run)
    assert record.state == "failed"
    assert "our side" in (record.error or "")
    assert (folder / artefacts.TRACEBACK).exists()

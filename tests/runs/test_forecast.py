"""How long a run waits: the queue played through by expected lengths, and long runs letting short ones pass."""

import math
import threading
from pathlib import Path

import pytest

from core.runs import duration, service
from core.runs.duration import PictureCount
from core.runs.executors.worker import _Worker
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.lanes import TRAINING
from core.runs.spec import UPLOAD, RunSpec
from core.runs.store import runs as store_module
from core.runs.store.forecast import STRETCH_SECONDS, RunAhead, forecast
from core.runs.store.runs import Claim, Store
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig

SHORT = RunSpec(config=FinetuneConfig(backbone="tiny_resnet18", per_class=10), data="digits", title="Short")
SWEEP = RunSpec(config=SweepConfig(backbone="tiny_resnet18", per_class=25), data="digits", title="Sweep")


def _ahead(name: str, seconds: float, visitor: str = "", **more: object) -> RunAhead:
    return RunAhead(id=name, visitor=visitor or name, priority=0, whole=seconds, left=seconds, **more)  # type: ignore[arg-type]


def _claimed(store: Store) -> Claim:
    claim = store.claim(TRAINING)
    assert claim is not None
    return claim


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets."""
    now = [1_000_000.0]
    monkeypatch.setattr(store_module.time, "time", lambda: now[0])
    return now


# --- the queue, played through ----------------------------------------------------------------------------


def test_runs_of_one_length_begin_one_after_the_other() -> None:
    assert forecast([_ahead("a", 10.0), _ahead("b", 10.0), _ahead("c", 10.0)]) == {
        "a": (0.0, 10.0),
        "b": (10.0, 20.0),
        "c": (20.0, 30.0),
    }
    both = forecast([_ahead("a", 10.0), _ahead("b", 30.0), _ahead("c", 10.0)], slots=2)
    assert both["c"] == (10.0, 20.0)


def test_a_long_run_makes_way_after_a_stretch_and_goes_on_behind_the_short_ones() -> None:
    found = forecast([_ahead("sweep", 300.0, in_work=True), _ahead("b", 20.0), _ahead("c", 20.0)])
    assert found["b"] == (STRETCH_SECONDS, STRETCH_SECONDS + 20.0)
    assert found["c"][1] == STRETCH_SECONDS + 40.0
    assert found["sweep"] == (0.0, 340.0), "nothing is lost by it but the others' time"
    own = forecast([_ahead("sweep", 300.0, "ann", in_work=True), _ahead("b", 20.0, "ann")])
    assert own["b"][0] == 300.0, "for one's own runs nobody makes way"
    alike = forecast([_ahead("a", 300.0, in_work=True), _ahead("b", 200.0)])
    assert alike["b"][0] == 300.0, "nor for one that is nearly as long"


def test_what_nobody_can_say_makes_what_is_behind_it_unknown() -> None:
    found = forecast([_ahead("a", math.inf), _ahead("b", 5.0)])
    assert found["a"][0] == 0.0
    assert math.isinf(found["b"][0])


# --- in the store -----------------------------------------------------------------------------------------


def test_a_sweep_is_asked_to_let_shorter_runs_of_others_pass(store: Store, clock: list[float]) -> None:
    sweep = store.add(SWEEP, "ann", expected=(200.0, None))
    claim = _claimed(store)
    assert claim.run == sweep
    short = store.add(SHORT, "bob", expected=(20.0, None))
    own = store.add(SHORT, "ann", expected=(20.0, None))
    assert store.order(claim) == "go on", "not before it has had a stretch"
    assert store.wait(short) == pytest.approx(STRETCH_SECONDS)
    clock[0] += STRETCH_SECONDS + 1
    assert store.order(claim) == "let pass"
    store.pause(True)
    assert store.order(claim) == "go on", "nobody would begin"
    store.pause(False)
    store.let_pass(claim)
    assert store.run(sweep).state == "queued"
    assert _claimed(store).run == short
    clock[0] += 20.0
    assert store.wait(sweep) == pytest.approx(0.0), "before its owner's second one"
    assert (store.run(sweep).position, store.run(own).position) == (1, 2)


def test_runs_as_long_as_a_sweep_wait_for_its_end(store: Store, clock: list[float]) -> None:
    store.add(SWEEP, "ann", expected=(200.0, None))
    claim = _claimed(store)
    store.add(SWEEP, "bob", expected=(190.0, None))
    clock[0] += 100.0
    assert store.order(claim) == "go on"


def test_the_wait_goes_by_the_lengths_of_those_ahead_at_this_machines_pace(
    store: Store, clock: list[float]
) -> None:
    store.add(SHORT, "ann", expected=(10.0, None))
    claim = _claimed(store)
    clock[0] += 20.0  # this machine takes twice as long as the one that measured
    store.end(claim, "finished")
    anns = store.add(SHORT, "ann", expected=(30.0, None))
    bobs = store.add(SHORT, "bob", expected=(10.0, None))
    cids = store.add(SHORT, "cid", expected=(10.0, None))
    assert _claimed(store).run == bobs, "ann was served before"
    clock[0] += 15.0
    assert store.wait(cids) == pytest.approx(5.0)
    assert store.wait(anns) == pytest.approx(25.0)


def test_time_before_a_break_counts(store: Store, clock: list[float]) -> None:
    store.add(SWEEP, "ann", expected=(100.0, None))
    claim = _claimed(store)
    clock[0] += 40.0
    store.let_pass(claim)
    clock[0] += 500.0
    claim = _claimed(store)
    clock[0] += 60.0
    store.end(claim, "finished")
    assert [one.seconds for one in store.pace(TRAINING).runs] == [pytest.approx(100.0)]


# --- how long a run takes ---------------------------------------------------------------------------------


def _expected(**settings: object) -> float:
    config = FinetuneConfig(**({"backbone": "tiny_resnet18", "per_class": 25} | settings))  # type: ignore[arg-type]
    seconds = duration.expected(RunSpec(config=config, data="digits"))
    assert seconds is not None
    return seconds


def test_more_frozen_fewer_pictures_and_fewer_epochs_are_quicker() -> None:
    by_depth = [_expected(freeze_depth=depth) for depth in range(6)]
    assert by_depth == sorted(by_depth, reverse=True)
    assert _expected(strategy="linear_probe") < by_depth[3]
    assert _expected(per_class=5) < _expected()
    assert _expected(epochs=20) - _expected(epochs=10) == pytest.approx(
        _expected(epochs=30) - _expected(epochs=20)
    )
    assert _expected(backbone="efficientnet_lite0") > _expected()
    assert _expected(image_size=32) < _expected()


def test_a_control_trains_everything_and_a_sweep_takes_longest() -> None:
    spec = RunSpec(
        config=FinetuneConfig(backbone="tiny_resnet18", per_class=25, freeze_depth=4), data="digits"
    )
    seconds = [duration.expected(one) for one in (spec, control_spec(spec), SWEEP)]
    assert None not in seconds
    assert seconds == sorted(seconds, key=lambda value: value or 0.0)


def test_an_upload_is_counted_by_whoever_has_read_it() -> None:
    spec = RunSpec(config=FinetuneConfig(backbone="tiny_resnet18"), data=UPLOAD + "x")
    assert duration.expected(spec) is None
    few = duration.expected(spec, PictureCount(images=40, classes=2))
    many = duration.expected(spec, PictureCount(images=4_000, classes=2))
    assert few is not None
    assert many is not None
    assert duration.OVERHEAD_SECONDS < few < many / 10


def test_before_a_run_has_finished_here_the_pace_is_not_this_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    alone, control, here = service.expected_seconds(SHORT)
    assert alone is not None
    assert control is not None
    assert control > alone
    assert not here
    store = service.open_store()
    store.add(SHORT, "ann", expected=(alone, None))
    claim = _claimed(store)
    clock[0] += 3 * alone
    store.end(claim, "finished")
    slower, _, here = service.expected_seconds(SHORT)
    assert slower == pytest.approx(3 * alone)
    assert here
    service.shutdown()


# --- in a worker ------------------------------------------------------------------------------------------


def test_a_sweep_makes_way_between_its_arms_and_goes_on_where_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "STRETCH_SECONDS", 0.0)
    small = {"backbone": "tiny_resnet18", "per_class": 4, "image_size": 32, "epochs": 1, "device": "cpu"}
    sweep = store.add(
        RunSpec(config=SweepConfig(**small, seeds=1, lp_ft=False), data="lfw-faces"),
        "ann",
        expected=(200.0, None),
    )
    claim = _claimed(store)
    short = store.add(
        RunSpec(config=FinetuneConfig(**small, strategy="linear_probe"), data="lfw-faces"),  # type: ignore[arg-type]
        "bob",
        expected=(5.0, None),
    )
    said: list[str] = []
    worker = _Worker(store, threading.Event(), lambda: said.append("stopping"))
    assert worker.work(claim), "a process that can be used again"
    assert store.run(sweep).state == "queued"
    events = run_directory(store.home, sweep) / artefacts.EVENTS
    first = [line["arm"] for line in artefacts.whole_log(events) if line["event"] == "arm"]
    assert 1 <= len(first) < 6, "at a milestone, with what it had measured"
    claim = _claimed(store)
    assert claim.run == short
    assert worker.work(claim)
    assert store.run(short).state == "finished"
    while store.run(sweep).state == "queued":
        assert worker.work(_claimed(store))
    assert store.run(sweep).state == "finished"
    arms = [line["arm"] for line in artefacts.whole_log(events) if line["event"] == "arm"]
    assert sorted(arms) == [f"k{depth}" for depth in range(6)], "every arm once"

"""Lanes: what somebody watches waits behind nobody's long training, and every lane is fair by itself."""

import dataclasses
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core import errors
from core.riding.config import RidingConfig
from core.runs import service
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.lanes import EXPERIMENTS, LANES, RIDES, TRAINING, Lane
from core.runs.kinds.table import KINDS, in_lane
from core.runs.limits import Limits
from core.runs.spec import RunSpec
from core.runs.store import database
from core.runs.store import runs as store_module
from core.runs.store.runs import Claim, Store
from core.techniques import catalogue
from core.techniques.config import ExperimentConfig
from core.training.config import FinetuneConfig
from tests.runs.test_runs import ended, until

TRAINED = RunSpec(
    config=FinetuneConfig(
        backbone="tiny_resnet18",
        strategy="full",
        epochs=500,
        image_size=32,
        batch_size=16,
        cache=False,
        seed=1,
    ),
    data="lfw-faces",
    title="Long",
)
RIDDEN = RunSpec(config=RidingConfig(arms=("scratch",), seeds=(1, 2), tests=(0, 1)), title="A ride")
TRIED = RunSpec(
    config=ExperimentConfig(
        technique="instance-weighting", settings=catalogue.technique("instance-weighting").settings(seeds=2)
    ),
    title="An experiment",
)


def claimed(store: Store, lane: Lane) -> Claim:
    claim = store.claim(lane)
    assert claim is not None
    return claim


def test_every_kind_waits_in_a_lane() -> None:
    assert {kind.lane for kind in KINDS.values()} == set(LANES)
    assert sum(len(in_lane(lane)) for lane in LANES) == len(KINDS)


# --- the store's order ------------------------------------------------------------------------------------


def test_lanes_have_queues_of_their_own(store: Store) -> None:
    runs = [store.add(spec, "ann") for spec in (TRAINED, TRAINED, RIDDEN, TRIED, RIDDEN)]
    assert [store.run(run).position for run in runs] == [1, 2, 1, 1, 2]
    assert [store.queued(lane) for lane in (TRAINING, RIDES, EXPERIMENTS)] == [2, 2, 1]
    training = claimed(store, TRAINING)
    ride = claimed(store, RIDES)
    assert (training.run, ride.run) == (runs[0], runs[2])
    assert store.claim(TRAINING) is None, "one at a time, in each lane"
    assert store.claim(RIDES) is None
    assert claimed(store, EXPERIMENTS).run == runs[3]
    store.end(ride, "finished")
    assert claimed(store, RIDES).run == runs[4]
    assert store.run(runs[0]).state == "running"
    assert store.run(runs[1]).position == 1


def test_visitors_take_turns_in_a_lane_whatever_they_do_in_another(store: Store) -> None:
    anns = [store.add(RIDDEN, "ann") for _ in range(3)]
    bobs = [store.add(RIDDEN, "bob") for _ in range(2)]
    fair = [anns[0], bobs[0], anns[1], bobs[1], anns[2]]
    assert sorted(fair, key=lambda run: store.run(run).position or 0) == fair
    store.add(TRAINED, "bob")
    claimed(store, TRAINING)  # bob was served last, but not in this lane
    taken = []
    while claim := store.claim(RIDES):
        taken.append(claim.run)
        store.end(claim, "finished")
    assert taken == fair
    last_ann, last_bob = store.add(RIDDEN, "ann"), store.add(RIDDEN, "bob")
    store.end(claimed(store, RIDES), "finished")
    assert store.run(last_bob).state == "finished", "who was served longest ago in this lane"
    assert store.run(last_ann).position == 1


def test_a_control_makes_way_for_a_run_of_its_own_lane_only(store: Store) -> None:
    store.add(TRAINED, "ann", control_spec(TRAINED))
    store.end(claimed(store, TRAINING), "finished")
    control = claimed(store, TRAINING)
    store.add(RIDDEN, "bob")
    store.add(TRIED, "bob")
    assert store.beat(control) == "go on"
    store.add(dataclasses.replace(TRAINED, fit="pad"), "bob")
    assert store.beat(control) == "wait"


def test_the_expected_wait_is_that_of_the_lane(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(store_module.time, "time", lambda: now)
    store.add(TRAINED, "ann")
    claim = claimed(store, TRAINING)
    now += 50.0
    store.end(claim, "finished")
    for _ in range(120):  # more than the last runs that are looked at
        store.add(RIDDEN, "bob")
        claim = claimed(store, RIDES)
        now += 2.0
        store.end(claim, "finished")
    trained = [store.add(TRAINED, "ann") for _ in range(2)]
    ridden = [store.add(RIDDEN, "ann") for _ in range(3)]
    assert [store.wait(run) for run in trained] == pytest.approx([0.0, 50.0])
    assert [store.wait(run) for run in ridden] == pytest.approx([0.0, 2.0, 4.0])
    assert store.wait(store.add(TRIED, "ann")) == 0.0


def test_limits_count_the_runs_of_a_lane(store: Store) -> None:
    limits = Limits(runs_per_visitor=2)
    for spec in (TRAINED, RIDDEN, TRIED):
        for _ in range(2):
            store.add(spec, "ann", limits=limits)
        with pytest.raises(errors.RunError, match="You have 2 runs"):
            store.add(spec, "ann", limits=limits)


def test_a_held_queue_begins_nothing_in_any_lane(store: Store) -> None:
    for spec in (TRAINED, RIDDEN, TRIED):
        store.add(spec, "ann")
    store.pause(True)
    assert [store.claim(lane) for lane in LANES] == [None] * 3
    store.pause(False)
    assert None not in [store.claim(lane) for lane in LANES]


def test_a_ride_that_ended_well_makes_nobody_known(store: Store) -> None:
    """Whoever has learned here before gets places that newcomers do not; a ride costs a moment only."""
    limits = Limits(runs_per_visitor=8, runs_in_all=20)
    for visitor, spec, lane in (("rider", RIDDEN, RIDES), ("learner", TRAINED, TRAINING)):
        store.add(spec, visitor)
        store.end(claimed(store, lane), "finished")
    for number in range(10):
        store.add(TRAINED, f"somebody {number}", network=f"home {number}")
    store.add(TRAINED, "learner", network="home", limits=limits)
    with pytest.raises(errors.RunError, match="kept for those who have learned here before"):
        store.add(TRAINED, "rider", network="elsewhere", limits=limits)
    store.add(RIDDEN, "rider", network="elsewhere", limits=limits)


# --- controls by their hash -------------------------------------------------------------------------------


def test_an_equal_control_is_found_by_its_hash_without_reading_a_specification(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.add(TRAINED, "ann", control_spec(TRAINED))
    control = store.run(first).control

    def fails(values: object) -> RunSpec:
        raise AssertionError("a specification was read")

    monkeypatch.setattr(store_module, "read_spec", fails)
    other = dataclasses.replace(TRAINED, config=dataclasses.replace(TRAINED.finetune, strategy="gradual"))
    shorter = dataclasses.replace(TRAINED, config=dataclasses.replace(TRAINED.finetune, epochs=499))
    added = [store.add(spec, "ann", control_spec(spec)) for spec in (other, shorter)]
    with closing(sqlite3.connect(store.home / database.FILE)) as direct:
        rows = "SELECT control FROM runs WHERE id IN (?, ?) ORDER BY id = ?"
        equal, different = (row[0] for row in direct.execute(rows, (*added, added[1])))
    assert equal == control
    assert different not in (None, control)


def test_a_control_that_gets_other_settings_is_found_by_those(store: Store) -> None:
    """Extending a run changes what its control says."""
    first = store.add(TRAINED, "ann", control_spec(TRAINED))
    for _ in range(2):
        store.end(claimed(store, TRAINING), "finished")
    control = store.run(str(store.run(first).control))
    longer = dataclasses.replace(control.spec.finetune, epochs=510)
    store.requeue(control.id, dataclasses.replace(control.spec, config=longer))
    again = store.run(store.add(TRAINED, "ann", control_spec(TRAINED))).control
    assert again != control.id
    more = dataclasses.replace(TRAINED, config=dataclasses.replace(TRAINED.finetune, epochs=510))
    assert store.run(store.add(more, "ann", control_spec(more))).control == control.id


def test_a_control_that_failed_or_was_stopped_is_not_linked(store: Store) -> None:
    first = str(store.run(store.add(TRAINED, "ann", control_spec(TRAINED))).control)
    store.stop(first)
    second = str(store.run(store.add(TRAINED, "ann", control_spec(TRAINED))).control)
    assert second != first
    assert store.run(store.add(TRAINED, "ann", control_spec(TRAINED))).control == second


# --- real workers -----------------------------------------------------------------------------------------


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    service.start()
    yield tmp_path
    service.shutdown()


def test_a_ride_begins_while_one_training_works_and_another_waits(lab: Path) -> None:
    works = service.submit(TRAINED, "ann", control=False)
    waits = service.submit(dataclasses.replace(TRAINED, fit="pad"), "bob", control=False)
    until(lambda: service.run(works).state == "running")
    ride = service.submit(RIDDEN, "cara")
    assert service.run(ride).position in (1, None)
    record = ended(ride)
    assert record.state == "finished", record.error
    assert (service.run(works).state, service.run(waits).state) == ("running", "queued")
    for run in (waits, works):
        service.stop(run)
    assert ended(works).state == "stopped"

"""How long runs and weights are kept, and how much of the disk a visitor's runs may take."""

import dataclasses
import os
import sqlite3
import time
from contextlib import closing

import pytest

from core import errors
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.lanes import TRAINING
from core.runs.limits import Limits, set_limits
from core.runs.queue import housekeeping
from core.runs.spec import RunSpec
from core.runs.store import database
from core.runs.store.runs import Store
from core.training.config import FinetuneConfig

SPEC = RunSpec(config=FinetuneConfig(strategy="full", epochs=3, seed=5), data="digits", title="Digits")
DAY = 86_400.0


def ended(store: Store, days_ago: float = 0.0, size: int | None = None, control: bool = False) -> str:
    """A finished run of Ann's with a file, and its finished control."""
    run = store.add(SPEC, "ann", control_spec(SPEC) if control else None)
    while (claim := store.claim(TRAINING)) is not None:
        store.end(claim, "finished")
        artefacts.write_bytes(run_directory(store.home, claim.run) / "deep" / "weights", bytes(1000))
    with closing(sqlite3.connect(store.home / database.FILE, isolation_level=None)) as direct:
        direct.execute("UPDATE runs SET finished = ? WHERE id = ?", (time.time() - days_ago * DAY, run))
    if size is not None:
        store.keeping.measured(run, size)
    return run


def test_a_visitor_whose_runs_fill_their_room_is_told_and_nobody_else(store: Store) -> None:
    allowed = Limits(run_megabytes_per_visitor=5)
    first, second = ended(store, size=4_000_000), ended(store, size=1_000_000)
    assert store.keeping.bytes_of("ann") == 5_000_000
    sentence = "Your runs take 5 MB of the disk, and may take 5; delete some of them"
    with pytest.raises(errors.RunError, match=sentence):
        store.add(SPEC, "ann", limits=allowed)
    with pytest.raises(errors.RunError, match=sentence):
        store.requeue(first, SPEC, limits=allowed)
    store.add(SPEC, "bob", limits=allowed)
    store.delete(second)
    assert store.keeping.bytes_of("ann") == 4_000_000
    store.add(SPEC, "ann", limits=allowed)


def test_runs_are_kept_for_good_or_as_many_days_as_is_wished(store: Store) -> None:
    old, new = ended(store, days_ago=31), ended(store, days_ago=29)
    housekeeping.tidy(store)
    assert store.ids() == {old, new}, "without a wish, for good"
    set_limits(store, Limits(run_days=30))
    housekeeping.tidy(store)
    assert store.ids() == {new}
    assert not run_directory(store.home, old).exists()
    assert run_directory(store.home, new).exists()


def test_a_run_that_somebody_has_gone_on_with_does_not_expire(store: Store) -> None:
    set_limits(store, Limits(run_days=30))
    run = ended(store, days_ago=31)
    store.requeue(run, SPEC)
    housekeeping.tidy(store)
    assert store.ids() == {run}


def test_a_control_goes_with_its_run_and_not_before(store: Store) -> None:
    set_limits(store, Limits(run_days=30))
    run = ended(store, days_ago=29, control=True)
    control = store.run(run).control
    assert control is not None
    with closing(sqlite3.connect(store.home / database.FILE, isolation_level=None)) as direct:
        direct.execute("UPDATE runs SET finished = ? WHERE id = ?", (time.time() - 40 * DAY, control))
    housekeeping.tidy(store)
    assert store.ids() == {run, control}
    with closing(sqlite3.connect(store.home / database.FILE, isolation_level=None)) as direct:
        direct.execute("UPDATE runs SET finished = ? WHERE id = ?", (time.time() - 31 * DAY, run))
    housekeeping.tidy(store)
    assert store.ids() == set()


def test_what_nobody_has_measured_is_measured(store: Store) -> None:
    ended(store)
    assert store.keeping.bytes_of("ann") == 0
    housekeeping.tidy(store)
    assert store.keeping.bytes_of("ann") == 1000
    assert store.keeping.unmeasured() == []


def test_weights_go_after_the_days_of_pictures_unless_a_run_needs_them(store: Store) -> None:
    needed, unused, fresh = (
        store.home / "weights" / name / "weights.pth" for name in ("needed", "unused", "fresh")
    )
    for path in (needed, unused, fresh):
        artefacts.write_bytes(path, b"weights")
    for path in (needed, unused):
        os.utime(path, (time.time() - 15 * DAY,) * 2)
    config = dataclasses.replace(SPEC.config, weights=str(needed))
    store.add(dataclasses.replace(SPEC, config=config), "ann")
    housekeeping.tidy(store)
    assert needed.exists()
    assert fresh.exists()
    assert not unused.parent.exists()
    left = fresh.with_name(".weights.pth.half")  # of a write that was cut short
    left.touch()
    os.utime(left, (time.time() - 15 * DAY,) * 2)
    housekeeping.tidy(store)
    assert fresh.exists()

"""The run store: order, claims, what happens to runs whose worker is gone, and who may see what."""

import dataclasses
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import errors
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.lanes import TRAINING
from core.runs.limits import Limits
from core.runs.spec import RunSpec
from core.runs.store import database
from core.runs.store import runs as store_module
from core.runs.store.migrations import MIGRATIONS
from core.runs.store.runs import Claim, Store
from core.training.config import FinetuneConfig

SPEC = RunSpec(config=FinetuneConfig(strategy="full", epochs=3, seed=5), data="digits", title="Digits")


def claimed(store: Store) -> Claim:
    claim = store.claim(TRAINING)
    assert claim is not None
    return claim


def test_runs_are_worked_on_in_the_order_of_asking_and_controls_wait_behind_them(store: Store) -> None:
    first = store.add(SPEC, "ann", control_spec(SPEC))
    other = RunSpec(config=FinetuneConfig(strategy="linear_probe"), data="digits", title="Other")
    second = store.add(other, "bob")
    control = store.run(first).control
    assert control is not None
    assert [store.run(one).position for one in (first, second, control)] == [1, 2, 3]
    assert store.run(control).control_of == first
    taken = []
    for _ in range(3):
        claim = claimed(store)
        taken.append(claim.run)
        assert store.run(claim.run).state == "running"
        assert store.run(claim.run).position is None
        assert store.claim(TRAINING) is None, "one run at a time"
        assert store.end(claim, "finished", summary={"accuracy": 0.5})
    assert taken == [first, second, control]
    assert store.claim(TRAINING) is None
    assert store.run(first).summary == {"accuracy": 0.5}


def test_a_control_makes_way_for_a_run_that_somebody_asked_for(store: Store) -> None:
    run = store.add(SPEC, "ann", control_spec(SPEC))
    store.end(claimed(store), "finished")
    control = claimed(store)
    assert control.run == store.run(run).control
    assert store.beat(control) == "go on"
    other = store.add(RunSpec(config=FinetuneConfig(seed=1), data="digits"), "bob")
    assert store.beat(control) == "wait"
    store.give_back(control)
    claim = claimed(store)
    assert claim.run == other
    assert store.beat(claim) == "go on", "runs that people asked for wait for each other"
    assert store.run(control.run).position == 1


def test_more_slots_let_more_runs_be_worked_on(store: Store) -> None:
    for _ in range(3):
        store.add(SPEC, "ann")
    assert store.claim(TRAINING, 2) is not None
    assert store.claim(TRAINING, 2) is not None
    assert store.claim(TRAINING, 2) is None


def test_an_equal_control_is_not_run_twice_for_one_visitor(store: Store) -> None:
    deeper = RunSpec(
        config=FinetuneConfig(strategy="freeze_to_depth", freeze_depth=2, epochs=3, seed=5), data="digits"
    )
    first = store.add(SPEC, "ann", control_spec(SPEC))
    second = store.add(deeper, "ann", control_spec(deeper))
    foreign = store.add(SPEC, "bob", control_spec(SPEC))
    assert store.run(first).control == store.run(second).control
    assert store.run(foreign).control != store.run(first).control
    assert store.linked_to(str(store.run(first).control)) == 2
    padded = dataclasses.replace(SPEC, fit="pad")  # other pictures
    other = store.run(store.add(padded, "ann", control_spec(padded))).control
    assert other != store.run(first).control


def test_what_was_stored_is_there_after_a_restart(store: Store, tmp_path: Path) -> None:
    run = store.add(SPEC, "ann")
    again = Store(tmp_path)
    assert again.run(run).spec == SPEC
    assert again.run(run).title == "Digits"
    assert [record.id for record in again.runs_of("ann")] == [run]
    assert again.runs_of("bob") == []
    again.close()


def test_ids_cannot_be_guessed_and_unknown_ones_are_refused(store: Store) -> None:
    ids = {store.add(SPEC, "ann") for _ in range(20)}
    assert len(ids) == 20
    assert all(len(one) >= 20 for one in ids)
    with pytest.raises(errors.RunError, match="no run with this address"):
        store.run("unknown")


def test_a_queued_run_stops_at_once_and_a_running_one_is_asked(store: Store) -> None:
    queued, running = store.add(SPEC, "ann"), None
    store.stop(queued)
    assert store.run(queued).state == "stopped"
    running = store.add(SPEC, "ann")
    claim = claimed(store)
    assert claim.run == running
    assert store.beat(claim) == "go on"
    store.stop(running)
    assert store.run(running).state == "stopping"
    assert store.beat(claim) == "stop"
    assert store.stop_requested(claim) is not None
    assert store.end(claim, "stopped")
    assert not store.run(running).active


def test_a_stopped_run_goes_to_the_end_of_the_queue_when_resumed(store: Store) -> None:
    first = store.add(SPEC, "ann")
    store.stop(first)
    second = store.add(SPEC, "ann")
    store.requeue(first, SPEC)
    assert [store.run(second).position, store.run(first).position] == [1, 2]
    with pytest.raises(errors.RunError, match="still going on"):
        store.requeue(first, SPEC)


def test_a_run_in_work_cannot_be_deleted_and_a_deleted_one_is_unlinked(store: Store) -> None:
    run = store.add(SPEC, "ann", control_spec(SPEC))
    control = str(store.run(run).control)
    claim = claimed(store)
    with pytest.raises(errors.RunError, match="still going on"):
        store.delete(run)
    store.delete(control)
    assert store.run(run).control is None
    store.end(claim, "finished")
    store.delete(run)
    assert store.runs_of("ann") == []


def test_a_run_whose_worker_was_given_up_is_no_longer_that_workers(store: Store) -> None:
    run = store.add(SPEC, "ann")
    old = claimed(store)
    store.vanished(old)
    assert store.run(run).state == "queued"
    new = claimed(store)
    assert store.beat(old) == "lost"
    assert not store.end(old, "finished")
    assert store.run(run).state == "running"
    assert store.beat(new) == "go on"


def test_three_vanished_workers_without_progress_fail_a_run_but_not_with_it(store: Store) -> None:
    run = store.add(SPEC, "ann")
    for _ in range(store_module.ATTEMPTS - 1):
        store.vanished(claimed(store))
    claim = claimed(store)
    store.progressed(claim)
    store.vanished(claim)
    assert store.run(run).state == "queued"
    for _ in range(store_module.ATTEMPTS - 1):
        store.vanished(claimed(store))
    assert store.run(run).state == "failed"
    assert "memory" in str(store.run(run).error)


def test_a_worker_that_has_to_go_costs_the_run_nothing(store: Store) -> None:
    run = store.add(SPEC, "ann")
    for _ in range(5):
        store.give_back(claimed(store))
    assert store.run(run).state == "queued"


def test_a_failed_run_takes_its_waiting_control_along(store: Store) -> None:
    run = store.add(SPEC, "ann", control_spec(SPEC))
    store.end(claimed(store), "failed", error="No images.")
    assert store.run(run).error == "No images."
    control = store.run(str(store.run(run).control))
    assert control.state == "failed"
    assert "control" in str(control.error)


def test_a_failed_run_leaves_a_control_alone_that_another_run_shows_too(store: Store) -> None:
    probe = RunSpec(
        config=FinetuneConfig(strategy="gradual", epochs=3, seed=5), data="digits", title="Digits"
    )
    first = store.add(SPEC, "ann", control_spec(SPEC))
    second = store.add(probe, "ann", control_spec(probe))
    control = str(store.run(first).control)
    assert store.run(second).control == control
    store.end(claimed(store), "failed", error="No images.")
    assert store.run(control).state == "queued", "the second run is still to be compared with it"
    store.end(claimed(store), "failed", error="No images.")
    assert store.run(control).state == "failed"


def test_a_run_whose_workers_vanish_takes_its_waiting_control_along(store: Store) -> None:
    run = store.add(SPEC, "ann", control_spec(SPEC))
    for _ in range(store_module.ATTEMPTS):
        store.vanished(claimed(store))
    assert store.run(run).state == "failed"
    assert store.run(str(store.run(run).control)).state == "failed"


def test_as_many_controls_make_way_as_there_are_runs_that_wait(store: Store) -> None:
    specs = [
        RunSpec(config=FinetuneConfig(strategy="full", epochs=3, seed=seed), data="digits", title="Digits")
        for seed in range(3)
    ]
    for spec in specs:
        store.add(spec, "ann", control_spec(spec))
    for _ in specs:
        store.end(claimed(store), "finished")
    controls = [store.claim(TRAINING, 3) for _ in specs]
    store.add(SPEC, "bob")
    orders = [store.order(one) for one in controls if one is not None]
    assert orders == ["go on", "go on", "wait"], "the one that began last has the least to lose"


def test_reconciling_requeues_runs_of_dead_processes_and_leaves_living_ones(
    store: Store, tmp_path: Path
) -> None:
    mine = store.add(SPEC, "ann")
    living = claimed(store)
    assert store.reconcile() == 0
    # A real process that dies claims the other one.
    dead = store.add(SPEC, "ann")
    code = (
        "from pathlib import Path; import sys; from core.runs.store.runs import Store\n"
        "store = Store(Path(sys.argv[1])); claim = store.claim('training', 2); assert store.beat(claim) == 'go on'"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
    assert store.run(dead).state == "running"
    assert store.reconcile() == 1
    assert store.run(dead).state == "queued"
    assert store.run(mine).state == "running"
    assert store.beat(living) == "go on"


def test_reconciling_gives_up_a_worker_whose_heart_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.add(SPEC, "ann")
    claimed(store)
    store.stop(run)
    monkeypatch.setattr(store_module, "STALE_SECONDS", -1.0)
    assert store.reconcile() == 1
    assert store.run(run).state == "stopped", "a stop that was asked for is not turned into a restart"


def test_two_processes_never_claim_the_same_run(store: Store, tmp_path: Path) -> None:
    for _ in range(40):
        store.add(SPEC, "ann")
    taken: list[str] = []

    def take() -> None:
        own = Store(tmp_path)
        while (claim := own.claim(TRAINING, 1000)) is not None:
            taken.append(claim.run)
        own.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


def test_migrations_are_recorded_and_applied_once(store: Store, tmp_path: Path) -> None:
    run = store.add(SPEC, "ann")
    Store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "runs.sqlite3")
    names = [row[0] for row in connection.execute("SELECT name FROM migrations")]
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert names == [name for name, _ in MIGRATIONS]
    assert mode == "wal"
    assert store.run(run).id == run


def test_a_half_done_migration_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = (*MIGRATIONS, ("9999 broken", ("CREATE TABLE half (a)", "CREATE TABLE nonsense (")))
    monkeypatch.setattr("core.runs.store.migrations.MIGRATIONS", broken)
    connection = sqlite3.connect(tmp_path / "runs.sqlite3", isolation_level=None)
    from core.runs.store.migrations import migrate

    with pytest.raises(sqlite3.OperationalError):
        migrate(connection)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert "runs" in tables
    assert "half" not in tables


def test_the_store_does_not_import_torch() -> None:
    code = (
        "import sys, core.runs.service, core.runs.kinds.finetuning_timeline; sys.exit('torch' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TLL_HOME"}
    ran = subprocess.run([sys.executable, "-c", code], check=False, env=environment, timeout=60)
    assert ran.returncode == 0


def other(seed: int) -> RunSpec:
    return RunSpec(config=FinetuneConfig(strategy="full", epochs=3, seed=seed), data="digits", title="Digits")


def test_visitors_take_turns_however_much_one_of_them_asks_for(store: Store) -> None:
    anns = [store.add(other(seed), "ann") for seed in range(4)]
    bobs = [store.add(other(seed), "bob") for seed in range(2)]
    cara = store.add(other(0), "cara")
    fair = [anns[0], bobs[0], cara, anns[1], bobs[1], anns[2], anns[3]]
    assert sorted(fair, key=lambda run: store.run(run).position or 0) == fair
    taken = []
    while claim := store.claim(TRAINING):
        taken.append(claim.run)
        store.end(claim, "finished")
    assert taken == fair


def test_whoever_was_served_longest_ago_comes_first_in_the_next_round(store: Store) -> None:
    for visitor in ("ann", "bob"):
        store.add(other(0), visitor)
        store.end(claimed(store), "finished")
    bob, ann = store.add(other(1), "bob"), store.add(other(1), "ann")
    assert (store.run(ann).position, store.run(bob).position) == (1, 2)


def test_a_run_whose_worker_went_goes_on_before_others_begin(store: Store) -> None:
    mine = store.add(other(0), "ann")
    store.add(other(0), "bob")
    claim = claimed(store)
    store.add(other(1), "cara")
    store.vanished(claim)
    assert claimed(store).run == mine


def test_limits_bound_the_runs_of_one_and_of_all_but_not_controls(store: Store) -> None:
    limits = Limits(runs_per_visitor=2, runs_in_all=3)
    first = store.add(other(0), "ann", control_spec(other(0)), limits=limits)
    store.add(other(1), "ann", control_spec(other(1)), limits=limits)
    with pytest.raises(errors.RunError, match="You have 2 runs"):
        store.add(other(2), "ann", limits=limits)
    store.add(other(0), "bob", limits=limits)
    with pytest.raises(errors.RunError, match="The queue is full: 3 runs"):
        store.add(other(0), "cara", limits=limits)
    store.end(claimed(store), "failed")
    store.add(other(0), "cara", limits=limits)
    with pytest.raises(errors.RunError, match="The queue is full"):
        store.requeue(first, other(0), limits=limits)
    assert store.run(first).state == "failed"


def test_controls_that_are_taken_up_again_by_themselves_are_limited_too(store: Store) -> None:
    limits = Limits(runs_per_visitor=1)
    runs = [store.add(other(one), "ann", control_spec(other(one))) for one in range(2)]
    for _ in range(4):
        store.end(claimed(store), "finished")
    first, second = (store.run(str(store.run(run).control)) for run in runs)
    store.requeue(first.id, first.spec, limits=limits)
    with pytest.raises(errors.RunError, match="as many as one visitor may have"):
        store.requeue(second.id, second.spec, limits=limits)
    store.requeue(runs[1], other(1), limits=limits)  # runs and controls are counted apart
    store.requeue(second.id, second.spec)  # a control that follows its run


def test_a_held_queue_begins_nothing_and_lets_a_control_go_on(store: Store) -> None:
    store.add(SPEC, "ann", control_spec(SPEC))
    store.end(claimed(store), "finished")
    control = claimed(store)
    store.pause(True)
    store.add(other(1), "bob")
    assert store.beat(control) == "go on"
    store.end(control, "finished")
    assert store.claim(TRAINING) is None
    store.pause(False)
    assert store.claim(TRAINING) is not None


def test_the_expected_wait_is_what_the_last_runs_took(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(store_module.time, "time", lambda: now)
    first = store.add(other(0), "ann")
    second = store.add(other(1), "bob")
    assert store.wait(first) == 0.0, "nothing is ahead of it"
    assert store.wait(second) is None, "nothing has been measured yet"
    claim = claimed(store)
    now += 40.0
    store.end(claim, "finished")
    claim = claimed(store)
    third, fourth = store.add(other(2), "ann"), store.add(other(3), "ann")
    now += 10.0
    assert store.wait(third) == pytest.approx(30.0)
    assert store.wait(fourth) == pytest.approx(70.0)
    assert store.wait(fourth, slots=2) == pytest.approx(30.0), "as soon as either place is free"
    now += 100.0
    assert store.wait(third) == pytest.approx(0.0), "a run that takes longer than most is not owed time"


def test_a_shared_link_opens_one_run_until_it_is_withdrawn(store: Store) -> None:
    run = store.add(SPEC, "ann")
    assert store.run(run).share is None
    token = store.set_share(run, True)
    assert token is not None
    assert store.set_share(run, True) == token
    assert store.shared(token).id == run
    assert run not in token
    store.set_share(run, False)
    with pytest.raises(errors.RunError, match="no longer shared"):
        store.shared(token)
    assert store.set_share(run, True) != token


def test_ten_thousand_runs_do_not_make_asking_slow(store: Store) -> None:
    spec = json.dumps(SPEC.to_json())
    insert = (
        "INSERT INTO runs (id, visitor, title, spec, state, place, created, started, finished)"
        " VALUES (?, ?, 'Digits', ?, ?, ?, 0, ?, ?)"
    )
    with sqlite3.connect(store.home / "runs.sqlite3") as connection:
        ended = ((f"old-{one}", f"v{one % 100}", spec, "finished", one, one, one) for one in range(10_000))
        waiting = (
            (f"new-{one}", f"v{one % 100}", spec, "queued", 10_000 + one, None, None) for one in range(300)
        )
        connection.executemany(insert, (*ended, *waiting))
    connection.close()
    # Counted in SQLite's steps, by the thousand, since time says nothing on a busy machine.
    thousands = 0

    def step() -> int:
        nonlocal thousands
        thousands += 1
        return 0

    for one in (store._database._writer._open, store._database._reader._open):
        one.set_progress_handler(step, 1000)
    assert store.run("old-7").position is None
    assert thousands < 1, "a run that does not wait has no place in the queue to be found"
    assert store.run("new-250").position == 251
    assert store.wait("new-250") is not None
    assert len(store.runs_of("v50")) == 103
    assert claimed(store).run == "new-0"
    assert thousands < 400


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "runs.sqlite3")
    connection.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY, applied REAL NOT NULL)")
    name, statements = MIGRATIONS[0]
    for statement in statements:
        connection.execute(statement)
    connection.execute("INSERT INTO migrations VALUES (?, 0)", (name,))
    spec = json.dumps(SPEC.to_json())
    connection.execute(
        "INSERT INTO runs (id, visitor, title, spec, state, place, created)"
        " VALUES ('old-run-1', 'ann', 'Old', ?, 'queued', 1, 0)",
        (spec,),
    )
    scratch = json.dumps(control_spec(SPEC).to_json() | {"control_of": None})  # as it was stored once
    connection.execute(
        "INSERT INTO runs (id, visitor, title, spec, state, place, created)"
        " VALUES ('old-run-2', 'ann', 'Old', ?, 'finished', 2, 0), ('old-run-3', 'ann', 'Odd', '{}', 'stopped', 3, 0)",
        (scratch,),
    )
    connection.commit()
    connection.close()
    store = Store(tmp_path)
    assert store.run("old-run-1").position == 1
    assert claimed(store).run == "old-run-1"
    assert store.run(store.add(SPEC, "ann", control_spec(SPEC))).control == "old-run-2", (
        "an equal run from scratch"
    )
    assert "old-run-3" not in [run.id for run in store.runs_of("ann")]
    store.close()


def test_while_another_process_writes_pages_read_on_and_changes_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    store = Store(tmp_path)
    run = store.add(SPEC, "ann")
    other = sqlite3.connect(tmp_path / "runs.sqlite3", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert store.run(run).state == "queued"
    with pytest.raises(errors.StoreError, match=r"does not answer \(database is locked\); try again"):
        store.stop(run)
    other.execute("ROLLBACK")
    other.close()
    store.stop(run)
    assert store.run(run).state == "stopped"
    store.close()


def test_while_another_process_writes_changes_wait_beside_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.5)
    store = Store(tmp_path)
    other = sqlite3.connect(tmp_path / "runs.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def refused(_number: int) -> bool:
        try:
            store.pause(True)
        except errors.StoreError:
            return True
        return False

    began = time.monotonic()
    with ThreadPoolExecutor(200) as pool:
        assert all(pool.map(refused, range(200)))
    assert time.monotonic() - began < 60, "half a second each, one after the other, would be a hundred"
    other.close()
    store.pause(True)
    assert store.paused
    store.close()


def test_reading_does_not_wait_for_a_change_of_this_process(store: Store) -> None:
    run = store.add(SPEC, "ann")
    read: list[str] = []
    with store._transaction():
        reader = threading.Thread(target=lambda: read.append(store.run(run).state))
        reader.start()
        reader.join(60)
        assert read == ["queued"]


def test_a_run_that_this_version_cannot_read_does_not_keep_the_others_from_a_list(store: Store) -> None:
    strange, good = store.add(SPEC, "ann"), store.add(other(1), "ann")
    with store._transaction() as connection:
        connection.execute(
            "UPDATE runs SET spec = json_set(spec, '$.config.unheard', 1) WHERE id = ?", (strange,)
        )
    assert [one.id for one in store.runs_of("ann")] == [good]
    assert [one.id for one in store.active()] == [good]


# --- when the data directory is not what it was ---------------------------------------------------------


def test_a_database_that_was_away_is_used_again_and_never_made_anew_meanwhile(tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    store = Store(home)
    run = store.add(SPEC, "ann")
    for _ in range(2):
        home.rename(away)
        for attempt in (lambda: store.run(run), lambda: store.pause(True)):
            with pytest.raises(errors.StoreError, match=r"no such file or directory\).*tell whoever runs"):
                attempt()
        home.mkdir()  # as of a disk that is not mounted
        with pytest.raises(errors.StoreError):
            store.pause(True)
        assert not list(home.iterdir())
        home.rmdir()
        away.rename(home)
        assert store.run(run).state == "queued"
    store.close()


def test_a_database_that_was_brought_back_from_a_copy_is_opened_anew(tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    home.mkdir()
    store = Store(home)
    run = store.add(SPEC, "ann")
    with sqlite3.connect(home / "runs.sqlite3") as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    gone = store.add(SPEC, "ann")
    shutil.rmtree(home)
    with pytest.raises(errors.StoreError):
        store.run(run)
    home.mkdir()
    copy.rename(home / "runs.sqlite3")
    assert store.run(run).state == "queued"
    with pytest.raises(errors.RunError):
        store.run(gone)
    store.stop(run)
    assert store.run(run).state == "stopped"
    store.close()


@pytest.mark.parametrize("content", [b"no database " * 1000, b"", b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_database_is_told_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    store = Store(tmp_path)
    run = store.add(SPEC, "ann")
    whole = tmp_path / "whole"
    store.close()
    shutil.copy(tmp_path / "runs.sqlite3", whole)
    if content:
        (tmp_path / "runs.sqlite3").write_bytes(content)
        with pytest.raises(errors.StoreError, match="cannot be used"):
            Store(tmp_path)
    (tmp_path / "runs.sqlite3").write_bytes(whole.read_bytes())
    store = Store(tmp_path)
    path = tmp_path / "runs.sqlite3"
    path.unlink()
    path.write_bytes(content or b"x")
    with pytest.raises(errors.StoreError, match="cannot be used"):
        store.run(run)
    whole.replace(path)
    for beside in ("-wal", "-shm"):
        (tmp_path / f"runs.sqlite3{beside}").unlink(missing_ok=True)
    assert store.run(run).state == "queued"
    store.close()

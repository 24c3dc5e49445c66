"""What an operator is told: each part that can be in the way, and figures that are the store's own."""

import dataclasses
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core import errors
from core.runs import health
from core.runs.kinds.lanes import TRAINING
from core.runs.queue.dispatcher import Dispatcher
from core.runs.spec import RunSpec
from core.runs.store import census, database
from core.runs.store.runs import Store
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig

SPEC = RunSpec(config=FinetuneConfig(backbone="tiny_resnet18", epochs=3, image_size=32), data="digits")


def _in_the_way(home: Path, dispatcher: Dispatcher | None = None, **values: object) -> dict[str, str]:
    checks = health.readiness(home, dispatcher, **({"leaving": False} | values))  # type: ignore[arg-type]
    assert [check.part for check in checks] == ["server", "store", "disk", "worker"]
    return {check.part: check.says for check in checks if not check.ok}


def test_nothing_is_in_the_way_of_a_fresh_server(store: Store) -> None:
    assert _in_the_way(store.home) == {}


def test_a_server_that_ends_is_not_ready(store: Store) -> None:
    assert list(_in_the_way(store.home, leaving=True)) == ["server"]


def test_a_full_disk_is_told_with_figures(store: Store) -> None:
    assert "MB are needed" in _in_the_way(store.home, room=10**18)["disk"]


def test_a_disk_that_may_not_be_written_to_is_told(store: Store) -> None:
    with _read_only(store.home):
        told = _in_the_way(store.home)
        assert "read-only file system" in told["disk"] or "permission denied" in told["disk"]
        assert str(store.home) not in str(told)
    assert _in_the_way(store.home) == {}


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """By its rights; for root, whom they do not hold up, by mounting it once more over itself."""
    if os.geteuid() != 0:
        folder.chmod(0o500)
        for file in folder.iterdir():
            file.chmod(0o400)
        try:
            yield
        finally:
            folder.chmod(0o700)
            for file in folder.iterdir():
                file.chmod(0o600)
        return
    mount = shutil.which("mount")
    bound = mount and subprocess.run([mount, "--bind", folder, folder], capture_output=True, check=False)
    if not bound or bound.returncode:
        pytest.skip("needs the right to mount, or not to be root")
    try:
        subprocess.run([mount, "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_missing_or_damaged_store_is_told_and_not_made_anew(tmp_path: Path) -> None:
    assert "does not answer" in _in_the_way(tmp_path)["store"]
    assert not (tmp_path / database.FILE).exists()
    (tmp_path / database.FILE).write_bytes(b"no database " * 100)
    assert "does not answer" in _in_the_way(tmp_path)["store"]
    with pytest.raises(errors.StoreError):
        census.census(tmp_path)


def test_a_store_that_somebody_holds_is_told_within_seconds(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(database, "BUSY_SECONDS", 600.0)  # of which nothing is waited here
    with closing(sqlite3.connect(store.home / database.FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert "locked" in _in_the_way(store.home)["store"]
        assert time.monotonic() - began < 60
        census.census(store.home)  # reading goes on meanwhile
        other.execute("ROLLBACK")
    assert _in_the_way(store.home) == {}


@pytest.mark.parametrize("python", ["/bin/false", "/nowhere/python"])
def test_a_worker_that_does_not_start_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    monkeypatch.setattr("sys.executable", python)
    monkeypatch.setattr("core.runs.queue.dispatcher.WARM_UP_AFTER_SECONDS", 0.0)
    monkeypatch.setattr("core.runs.queue.dispatcher._LONGEST_PAUSE", 0.1)
    dispatcher = Dispatcher(store)
    try:
        give_up = time.monotonic() + 120
        while "worker" not in _in_the_way(store.home, dispatcher):
            assert time.monotonic() < give_up
            time.sleep(0.05)
        assert "does not start" in _in_the_way(store.home, dispatcher)["worker"]
    finally:
        dispatcher.close()
    assert "Nobody serves" in _in_the_way(store.home, dispatcher)["worker"]


def test_figures_are_those_of_the_store(store: Store) -> None:
    empty = census.census(store.home)
    assert set(empty.runs) == {"queued", "running", "stopping", "finished", "failed", "stopped"}
    assert (sum(empty.runs.values()), empty.oldest_wait, empty.heartbeat_age) == (0, 0.0, None)

    for _ in range(3):
        store.add(SPEC, "ann")
    store.add(dataclasses.replace(SPEC, config=SweepConfig(backbone="tiny_resnet18")), "bob")
    claims = [store.claim(TRAINING, 3) for _ in range(3)]
    for claim, seconds in zip(claims[:2], (12.0, 700.0), strict=True):
        assert claim is not None
        store.end(claim, "finished")
        with closing(sqlite3.connect(store.home / database.FILE, isolation_level=None)) as direct:
            direct.execute("UPDATE runs SET finished = started + ? WHERE id = ?", (seconds, claim.run))
    store.uploads.add("some-token", "ann", "cats.zip", "digest", 1234)
    with closing(sqlite3.connect(store.home / database.FILE, isolation_level=None)) as direct:
        direct.execute("UPDATE runs SET created = created - 100 WHERE state = 'queued'")
        direct.execute("UPDATE runs SET heartbeat = heartbeat - 7 WHERE state = 'running'")

    found = census.census(store.home)
    assert found.runs | {"failed": 0} == {
        "queued": 1,
        "running": 1,
        "stopping": 0,
        "finished": 2,
        "failed": 0,
        "stopped": 0,
    }
    assert 100 <= found.oldest_wait < 700
    assert found.heartbeat_age is not None
    assert 7 <= found.heartbeat_age < 607
    assert (found.uploads, found.upload_bytes) == (1, 1234)
    count = sum(one.count for one in found.durations.values())
    below = [sum(column) for column in zip(*(one.below for one in found.durations.values()), strict=True)]
    assert count == 2
    assert dict(zip(census.DURATION_BUCKETS, below, strict=True)) == {
        5.0: 0, 10.0: 0, 20.0: 1, 40.0: 1, 60.0: 1, 120.0: 1, 300.0: 1, 600.0: 1, 1800.0: 2, 3600.0: 2, 7200.0: 2,
    }  # fmt: skip
    assert sum(one.seconds for one in found.durations.values()) == pytest.approx(712, abs=0.01)


def test_a_run_that_was_put_back_does_not_count_as_one_that_never_began(store: Store) -> None:
    store.add(SPEC, "ann")
    claim = store.claim(TRAINING)
    assert claim is not None
    store.give_back(claim)
    with closing(sqlite3.connect(store.home / database.FILE, isolation_level=None)) as direct:
        direct.execute("UPDATE runs SET created = created - 1000")
    assert census.census(store.home).oldest_wait == 0.0


def test_figures_do_not_wait_for_whoever_writes(store: Store) -> None:
    """A scrape while another thread writes all the time is quick and whole."""
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            store.add(SPEC, "ann")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [sum(census.census(store.home).runs.values()) for _ in range(20)]
    finally:
        over.set()
        writer.join()
    assert seen == sorted(seen)
    assert sum(census.census(store.home).runs.values()) == len(store.ids())

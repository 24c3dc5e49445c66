"""What is lost when things break: workers and servers killed, disks full, databases locked, checkpoints damaged.

    python -m benchmarks.faults                                  # everything but the full disk
    mount -t tmpfs -o size=500m tmpfs /mnt/small                  # (as root) a disk that is quickly full
    python -m benchmarks.faults disk --small-disk /mnt/small

One run is left in peace first. Every other run has the same settings and is disturbed at random moments; it must end
with the same accuracy, the same score for every test image and the same weights, to the bit. A run that does not end,
or ends otherwise than finished, is lost. What is disturbed is real: a dispatcher with its worker processes, and for
the server's part the Streamlit server itself.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from benchmarks.page_latency import free_port
from core.riding.config import RidingConfig
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.queue.dispatcher import Dispatcher
from core.runs.spec import RunSpec
from core.runs.store.runs import RunRecord, Store
from core.techniques.config import ExperimentConfig
from core.techniques.zero_shot.entry import ZeroShotSettings
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig

PROJECT = Path(__file__).resolve().parent.parent
CONFIG = FinetuneConfig(
    backbone="tiny_resnet18", strategy="full", epochs=16, image_size=32, batch_size=16, cache=False, seed=7
)
SPEC = RunSpec(config=CONFIG, data="lfw-faces", title="Disturbed")
# For stops: one batch takes seconds, so that the worker is always in the middle of something.
# One of every kind: a worker that is killed must cost none of them anything.
EVERY_KIND = (
    SPEC,
    RunSpec(
        config=SweepConfig(backbone="tiny_resnet18", per_class=5, seeds=1, epochs=2, image_size=32),
        data="digits",
        title="Sweep",
    ),
    RunSpec(
        config=ExperimentConfig(technique="zero-shot", settings=ZeroShotSettings(seeds=12)),
        title="Experiment",
    ),
    RunSpec(config=RidingConfig(arms=("scratch", "bicycle"), seeds=tuple(range(4))), title="Riders"),
)
HEAVY = replace(SPEC, config=replace(CONFIG, image_size=224, batch_size=64))
PATIENCE_SECONDS = 600.0
KILLS_PER_RUN = 2


@dataclass(kw_only=True)
class Count:
    """What came of one kind of fault."""

    kind: str
    faults: int = 0
    runs: int = 0
    lost: int = 0
    unequal: int = 0
    seconds: list[float] = field(default_factory=list)
    note: str = ""

    def row(self) -> str:
        """One line of the table."""
        took = f"{statistics.median(self.seconds):.1f} / {max(self.seconds):.1f}" if self.seconds else ""
        return f"| {self.kind} | {self.faults} | {self.runs} | {self.lost} | {self.unequal} | {took} | {self.note} |"


class Undisturbed:
    """The result that every run of a specification must have, and how long it takes by itself."""

    def __init__(self, store: Store, spec: RunSpec = SPEC) -> None:
        run = store.add(spec, "nobody")
        record = ended(store, run)
        assert record.state == "finished", record.error
        assert record.started is not None
        assert record.finished is not None
        self.seconds = record.finished - record.started
        self._files = _figures(store, run)

    def judge(self, store: Store, run: str, count: Count) -> None:
        """Wait for the end of ``run`` and compare."""
        count.runs += 1
        record = ended(store, run)
        if record.state != "finished":
            count.lost += 1
            count.note = f"{record.state}: {record.error}"
        elif _figures(store, run) != self._files:
            count.unequal += 1


def _figures(store: Store, run: str) -> dict[str, object]:
    folder = run_directory(store.home, run)
    record = store.run(run)
    if record.spec.kind != "finetune":
        return {"result": _timeless(json.loads((folder / artefacts.RESULT).read_text(encoding="utf-8")))}
    with np.load(folder / artefacts.TEST) as test:
        scores = test["scores"].tobytes()
    return {
        "accuracy": record.summary and record.summary["accuracy"],
        "scores": scores,
        # Tensor by tensor: the file's header lists its entries in no particular order.
        "weights": {name: one.tobytes() for name, one in load_file(folder / artefacts.WEIGHTS).items()},
    }


def _timeless(values: Any) -> Any:
    """Leave out what no two runs have in common: how long it took, and how much memory."""
    if isinstance(values, dict):
        return {
            name: _timeless(value)
            for name, value in values.items()
            if not name.startswith("seconds") and "memory" not in name
        }
    return [_timeless(value) for value in values] if isinstance(values, list) else values


def ended(store: Store, run: str) -> RunRecord:
    """Wait until nothing more happens to a run, or patience is over."""
    end = time.monotonic() + PATIENCE_SECONDS
    while store.run(run).active and time.monotonic() < end:
        time.sleep(0.05)
    return store.run(run)


def working(store: Store, run: str) -> int | None:
    """Wait until a worker has the run; its process number, or None if the run ended before."""
    while store.run(run).active:
        with closing(sqlite3.connect(store.home / "runs.sqlite3", timeout=15)) as connection:
            state, process = connection.execute("SELECT state, pid FROM runs WHERE id = ?", (run,)).fetchone()
        # Until the worker's first heartbeat, the row names whoever gave it the run: this process.
        if state == "running" and process not in (None, os.getpid()):
            return int(process)
        time.sleep(0.02)
    return None


@contextmanager
def dispatched(home: Path) -> Iterator[Store]:
    """A store with a dispatcher and its worker."""
    store = Store(home)
    dispatcher = Dispatcher(store)
    try:
        yield store
    finally:
        dispatcher.close()
        store.close()


def kill_workers(times: int, home: Path) -> Count:
    """SIGKILL the worker at random moments, twice a run, of every kind of run in turn."""
    count, chance = Count(kind="worker killed"), random.Random(1)
    with dispatched(home) as store:
        in_peace = {spec.kind: Undisturbed(store, spec) for spec in EVERY_KIND}
        while count.faults < times:
            spec = EVERY_KIND[count.runs % len(EVERY_KIND)]
            calm = in_peace[spec.kind]
            run = store.add(spec, f"visitor {count.runs}")
            for _ in range(min(KILLS_PER_RUN, times - count.faults)):
                process = working(store, run)
                time.sleep(chance.uniform(0, calm.seconds / KILLS_PER_RUN))
                if process is None or not store.run(run).active:
                    break
                os.kill(process, signal.SIGKILL)
                count.faults += 1
                _until(lambda run=run, gone=process: working(store, run) != gone)  # type: ignore[misc]
            calm.judge(store, run, count)
    count.note = count.note or f"kinds: {', '.join(in_peace)}"
    return count


def kill_servers(times: int, home: Path) -> Count:
    """SIGKILL the Streamlit server, start it again, at random moments, several times a run."""
    count, chance = Count(kind="server killed"), random.Random(2)
    with dispatched(home) as store:
        calm = Undisturbed(store)
    store = Store(home)
    server = _server(home)
    try:
        while count.faults < times:
            run = store.add(SPEC, f"visitor {count.runs}")
            for _ in range(min(KILLS_PER_RUN, times - count.faults)):
                if working(store, run) is None:
                    break
                time.sleep(chance.uniform(0, calm.seconds / KILLS_PER_RUN))
                if not store.run(run).active:
                    break
                server.kill()
                server.wait()
                count.faults += 1
                began, now = time.monotonic(), time.time()
                server = _server(home)
                _until(lambda run=run, now=now: (store.run(run).started or 0) > now)  # type: ignore[misc]
                count.seconds.append(time.monotonic() - began)
            calm.judge(store, run, count)
    finally:
        server.kill()
        server.wait()
        store.close()
    count.note = count.note or "seconds: from the kill to the next worker at work"
    return count


def _server(home: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "streamlit_app.py",
        "--server.port",
        str(free_port()),
    ]
    return subprocess.Popen(
        [*command, "--server.headless", "true", "--server.address", "127.0.0.1"],
        cwd=PROJECT,
        env={**os.environ, "TLL_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def lock_database(times: int, home: Path) -> Count:
    """Hold the database for 3 to 20 seconds (SQLite's own patience is 15) while a run is on."""
    count, chance = Count(kind="database locked"), random.Random(3)
    with dispatched(home) as store:
        calm = Undisturbed(store)
        while count.faults < times:
            run = store.add(SPEC, f"visitor {count.runs}")
            working(store, run)
            time.sleep(chance.uniform(0, calm.seconds))
            held = chance.uniform(3, 20)
            with closing(sqlite3.connect(home / "runs.sqlite3", timeout=15, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                time.sleep(held)
                other.execute("ROLLBACK")
            count.faults += 1
            count.seconds.append(held)
            calm.judge(store, run, count)
    count.note = count.note or "seconds: how long it was held"
    return count


def damage_checkpoints(times: int, home: Path) -> Count:
    """Kill the worker, damage what it left, in five ways in turn; what is damaged is not used."""
    count, chance = Count(kind="checkpoint damaged"), random.Random(4)
    with dispatched(home) as store:
        calm = Undisturbed(store)
        while count.faults < times:
            run = store.add(SPEC, f"visitor {count.runs}")
            path = run_directory(home, run) / artefacts.CHECKPOINT
            process = working(store, run)
            _until(path.exists)
            time.sleep(chance.uniform(0, 0.6 * calm.seconds))
            if process is None or not store.run(run).active:
                calm.judge(store, run, count)
                continue
            store.pause(True)  # no worker takes it up before it is damaged
            os.kill(process, signal.SIGKILL)
            _until(lambda run=run: store.run(run).state == "queued")  # type: ignore[misc]
            whole = path.read_bytes()
            place = chance.randrange(len(whole))
            path.write_bytes(
                (
                    whole[: len(whole) // 2],
                    whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :],
                    chance.randbytes(len(whole)),
                    b"",
                    whole[:-1] + b"?",
                )[count.faults % 5]
            )
            store.pause(False)
            count.faults += 1
            calm.judge(store, run, count)
    return count


def fill_disk(times: int, disk: Path) -> Count:
    """Fill the disk at a random moment, free it after a while; a run that failed for it is resumed by hand."""
    count, chance = Count(kind="disk full"), random.Random(5)
    failed = 0
    with dispatched(disk) as store:
        calm = Undisturbed(store)
        while count.faults < times:
            run = store.add(SPEC, f"visitor {count.runs}")
            working(store, run)
            time.sleep(chance.uniform(0, 0.8 * calm.seconds))
            ballast = disk / "ballast"
            with open(ballast, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(65536))
                except OSError:
                    pass
            time.sleep(chance.uniform(1, 6))
            ballast.unlink()
            count.faults += 1
            record = ended(store, run)
            if record.state == "failed":
                failed += 1
                count.note = f"{failed} failed with a sentence and were resumed: {record.error}"
                store.requeue(run, record.spec)
            calm.judge(store, run, count)
            store.delete(run)
            _forget(run_directory(disk, run))
    return count


def stop(times: int, home: Path) -> Count:
    """Stop runs whose batches take seconds, at random moments; seconds until the run is stopped."""
    count, chance = Count(kind="stop"), random.Random(6)
    store = Store(home)
    dispatcher = Dispatcher(store)
    try:
        while count.faults < times:
            run = store.add(HEAVY, "ann")
            working(store, run)
            time.sleep(chance.uniform(0, 12))
            began = time.monotonic()
            store.stop(run)
            dispatcher.wake()
            record = ended(store, run)
            count.seconds.append(time.monotonic() - began)
            count.faults += 1
            count.runs += 1
            count.lost += record.state != "stopped"
    finally:
        dispatcher.close()
        store.close()
    count.note = f"within 2 s: {sum(one <= 2 for one in count.seconds)}"
    return count


def _forget(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


KINDS: dict[str, tuple[Callable[[int, Path], Count], int]] = {
    "workers": (kill_workers, 50),
    "servers": (kill_servers, 20),
    "database": (lock_database, 10),
    "checkpoints": (damage_checkpoints, 15),
    "disk": (fill_disk, 10),
    "stop": (stop, 20),
}


def main() -> None:
    """Count and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--times", type=int, help="faults of each kind, instead of as many as usual")
    parser.add_argument(
        "--small-disk",
        type=Path,
        help="an empty folder on a disk of 400 MB or a little more that may be filled",
    )
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(
        "| fault | times | runs | lost | unequal | seconds: median / longest | |\n|---|---|---|---|---|---|---|"
    )
    for name in chosen.kinds or [kind for kind in KINDS if kind != "disk" or chosen.small_disk]:
        provoke, times = KINDS[name]
        if name == "disk" and not chosen.small_disk:
            parser.error("disk needs --small-disk")
        with tempfile.TemporaryDirectory(dir=chosen.small_disk if name == "disk" else None) as home:
            print(provoke(chosen.times or times, Path(home)).row(), flush=True)


if __name__ == "__main__":
    main()

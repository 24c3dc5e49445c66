"""Kill the node that works on a run, at random moments, and count what that costs.

    python -m benchmarks.ray_faults [--kills 10] [--kind finetune|sweep|technique|riding] [--epochs 5] [--seed 0]

Starts a Ray cluster of a head and two nodes on this machine. One run is left in peace; then runs with the same
settings each lose their node, with everything on it, at a moment drawn uniformly from the time that a run in peace
takes on its node, and a fresh node joins. Every run goes the whole way: submitted, queued, driven by the worker
process, trained on the cluster, written down. A run is lost if it does not finish; its result is unequal if anything
but times and memory differs from the first one's: epochs, test report, audit, scores, weights; for sweeps, every
arm's hits.
"""

import argparse
import contextlib
import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from core.riding.config import RidingConfig
from core.runs import results, service
from core.runs.executors import ray_cluster
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.spec import RunSpec
from core.techniques.config import ExperimentConfig
from core.techniques.zero_shot.entry import ZeroShotSettings
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig
from tests.runs.ray_nodes import Nodes

_DIFFERS = ("title", "seconds", "seconds_by_phase", "images_per_second", "peak_memory_bytes")
_LONGEST = 600.0  # seconds for one run
_BEFORE = ("data", "weights", "cluster", "")  # phases of the driver, before a node begins


def main() -> None:
    """Count, and print one line a kill and one with the sums."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--kind", choices=("finetune", "sweep", "technique", "riding"), default="finetune")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    finetuning = FinetuneConfig(
        backbone="tiny_resnet18",
        strategy="full",
        epochs=chosen.epochs,
        image_size=32,
        views=2,
        batch_size=16,
        seed=3,
    )
    sweep = SweepConfig(
        backbone="tiny_resnet18", per_class=8, seeds=2, epochs=2, image_size=32, batch_size=8, lp_ft=False
    )
    spec = {
        "finetune": RunSpec(config=finetuning, data="lfw-faces"),
        "sweep": RunSpec(config=sweep, data="lfw-faces"),
        "technique": RunSpec(
            config=ExperimentConfig(technique="zero-shot", settings=ZeroShotSettings(seeds=12))
        ),
        "riding": RunSpec(config=RidingConfig(arms=("scratch", "bicycle"), seeds=tuple(range(4)))),
    }[chosen.kind]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as home, Nodes(2) as nodes:
        os.environ |= {"TLL_HOME": home, ray_cluster.ADDRESS: nodes.address}
        try:
            _count(spec, nodes, chosen.kills, random.Random(chosen.seed))
        finally:
            service.shutdown()


def _count(spec: RunSpec, nodes: Nodes, kills: int, draw: random.Random) -> None:
    run = service.submit(spec, "benchmark", control=False)
    if _end(run) != "finished":
        raise SystemExit(f"The run that nobody disturbed did not finish: {service.run(run).error}")
    undisturbed = _working(run)  # the shortest seen: a machine may be busy at first
    expected = _found(run)
    print(f"left in peace: {undisturbed:.1f} s of work, {_seconds(run):.1f} s on the cluster", flush=True)
    killed, late, lost, unequal, times = 0, 0, 0, 0, []
    while killed < kills:
        run = service.submit(spec, "benchmark", control=False)
        moment = draw.uniform(0, undisturbed)
        if _over_before(run, moment) or not _killed(run, nodes):
            late += 1  # drawn again, from the time that this one took
            if _end(run) == "finished":
                undisturbed = min(undisturbed, _working(run))
            continue
        nodes.add()
        killed += 1
        state = _end(run)
        times.append(_seconds(run))
        same = state == "finished" and _same(_found(run), expected)
        lost += state != "finished"
        unequal += state == "finished" and not same
        resumed = [line["epoch"] for line in _log(run) if line["event"] == "resumed"]
        print(
            f"killed at {moment:5.1f} s: {state} after {times[-1]:5.1f} s, "
            f"{'equal' if same else 'NOT EQUAL'}, went on from {resumed or 'what was measured'}",
            flush=True,
        )
    print(
        f"{killed} nodes killed ({late} runs were over before): {lost} runs lost, {unequal} results unequal; "
        f"{np.mean(times):.1f} s a run on the cluster, {undisturbed:.1f} s of work at least"
    )


def _over_before(run: str, moment: float) -> bool:
    """Wait until a node has worked on ``run`` for ``moment`` seconds; whether it was over by then."""
    end = time.monotonic() + _LONGEST
    while service.run(run).active and time.monotonic() < end:
        begun = _begun(run)
        if begun is not None and time.time() >= begun + moment:
            return False
        time.sleep(0.01)
    return True


def _killed(run: str, nodes: Nodes) -> bool:
    """Kill the node as soon as one works on ``run``; whether there was one before its end."""
    while service.run(run).active:
        if nodes.tasks():
            with contextlib.suppress(TimeoutError):
                nodes.kill_busy(1.0)
                return True
        time.sleep(0.02)
    return False


def _end(run: str) -> str:
    end = time.monotonic() + _LONGEST
    while service.run(run).active and time.monotonic() < end:
        time.sleep(0.05)
    return service.run(run).state


def _log(run: str) -> list[dict[str, Any]]:
    return artefacts.whole_log(run_directory(service.home(), run) / artefacts.EVENTS)


def _begun(run: str) -> float | None:
    """When a node began to work on a run, in seconds since 1970; starting its process is not part of it."""
    times = (
        line["at"]
        for line in _log(run)
        if line["event"] not in ("progress", "note") or line.get("phase", "") not in _BEFORE
    )
    return next(times, None)


def _working(run: str) -> float:
    """How long a node worked on a run that nobody disturbed."""
    return float(_log(run)[-1]["at"] - (_begun(run) or 0.0))


def _seconds(run: str) -> float:
    """How long a run took from its submission to the cluster, which the first line of its log tells of."""
    lines = _log(run)
    return float(lines[-1]["at"] - lines[0]["at"])


def _found(run: str) -> dict[str, Any]:
    """Everything that a run has found out, without times and memory."""
    kind = service.run(run).spec.kind
    if kind == "sweep":
        return {
            f"{line['arm']}, seed {line['seed']}": line["hits"]
            for line in _log(run)
            if line["event"] == "arm"
        }
    if kind != "finetune":
        return dict(_timeless(json.loads(results.result_path(run).read_text(encoding="utf-8"))))
    kept = results.test_images(run)
    return {
        "result": _timeless(results.result(run).to_json()),
        "scores": kept.scores,
        **load_file(Path(results.weights_path(run))),
    }


def _timeless(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _timeless(value) for key, value in values.items() if key not in _DIFFERS}
    if isinstance(values, list | tuple):
        return [_timeless(value) for value in values]
    return values


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[key], other[key]) if isinstance(one[key], np.ndarray) else one[key] == other[key]
        for key in one
    )


if __name__ == "__main__":
    main()

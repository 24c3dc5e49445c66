"""The lab's engine against PyTorch's transfer learning tutorial: seconds, accuracy, peak memory.

    python -m benchmarks.finetune_vs_tutorial --data hymenoptera.zip

Same images, same network with the same weights, same number of epochs. Every figure comes from a fresh process of its
own, the two sides in turn; the clock starts when the imports are done and the weights are loaded, and covers reading
the images, training and testing. Where every epoch costs the same, as in the tutorial always and in the lab where
nothing is frozen, a few are timed and their median is multiplied (the table says so); accuracies are then those of the
epochs that were run. ``--timed-epochs 25`` runs them all.
"""

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

GOALS = {"probe": 60.0, "probe, 5 views": 12.0, "k = K-1": 5.0, "nothing frozen": 2.0}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One process: ``side`` "lab" or "tutorial", and what it trains."""

    side: str
    row: str
    data: str
    backbone: str
    weights: str
    batch_size: int
    epochs: int
    timed_epochs: int
    seed: int


def frozen_stages(row: str, stages: int) -> int:
    """How many stages a row of the table freezes."""
    return {"k = K-1": stages - 1, "nothing frozen": 0}.get(row, stages)


def run_job(job: Job) -> dict[str, Any]:
    """Do ``job`` in this process; seconds, test accuracy and count, peak resident bytes."""
    import torch

    from benchmarks.tutorial_loop import WORKERS
    from core.backbones import catalogue, stages, weights
    from core.training import memory, precision

    entry = catalogue.entry(job.backbone)
    backbone = stages.build(job.backbone)
    if job.weights != "random":
        weights.load_pretrained(backbone, job.weights)
    # One tiny step on each side, so that neither pays for the libraries' first call.
    torch.nn.functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 3, 3))
    measure = lab if job.side == "lab" else tutorial
    figures = measure(job, backbone, entry.image_size)
    device = precision.choose_device("auto")
    peak = memory.peak_bytes(device)
    if job.side == "tutorial" and device.type == "cpu":
        # The tutorial's worker processes hold memory, too: the largest of them counts for each.
        peak += WORKERS * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {**asdict(job), **figures, "peak_bytes": peak, "device": str(device)}


def lab(job: Job, backbone: Any, side: int) -> dict[str, Any]:
    """Train with the engine."""
    from core.datasets.open import open_dataset
    from core.training.config import FinetuneConfig
    from core.training.events import EpochDone, Finished, RunStarted
    from core.training.run import finetune

    depth = frozen_stages(job.row, backbone.depth)
    alike = job.row == "nothing frozen"  # every epoch costs the same
    config = FinetuneConfig(
        backbone=job.backbone,
        strategy="linear_probe" if depth == backbone.depth else "freeze_to_depth",
        freeze_depth=depth,
        # Nothing frozen leaves nothing to cache: a fresh crop every epoch, as in the tutorial.
        views={"probe": 1, "nothing frozen": 0}.get(job.row, 5),
        epochs=job.timed_epochs if alike else job.epochs,
        batch_size=job.batch_size,
        image_size=side,
        optimiser="sgd",
        learning_rate=1e-3 if job.batch_size <= 4 else 8e-3,
        seed=job.seed,
    )
    started = time.perf_counter()
    dataset = open_dataset(job.data, side=side)
    marks: list[float] = []  # when each epoch was done
    images = 0
    for event in finetune(config, dataset, backbone=backbone):
        if isinstance(event, RunStarted):
            images = event.images["train"]
        if isinstance(event, EpochDone):
            marks.append(time.perf_counter())
        if isinstance(event, Finished):
            seconds = time.perf_counter() - started
            if event.epochs_done < job.epochs and alike:
                an_epoch = statistics.median(after - before for before, after in itertools.pairwise(marks))
                seconds += an_epoch * (job.epochs - event.epochs_done)
            return {
                "seconds": seconds,
                "accuracy": event.test.accuracy.value,
                "low": event.test.accuracy.low,
                "high": event.test.accuracy.high,
                "count": event.test.count,
                "phases": event.seconds_by_phase,
                "measured_epochs": event.epochs_done,
                "images": images,
            }
    raise RuntimeError("the run ended without a result")


def tutorial(job: Job, backbone: Any, side: int) -> dict[str, Any]:
    """Train with the tutorial's loop."""
    from benchmarks.tutorial_loop import tutorial_epochs
    from core.backbones import stages
    from core.metrics.classification import wilson

    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(job.data) as archive:
        archive.extractall(folder)
        train = next(Path(folder).rglob("train"))
        classes = [path.name for path in (train).iterdir() if path.is_dir()]
        images, count = (
            sum(1 for path in (train.parent / part).rglob("*") if path.is_file())
            for part in ("train", "test")
        )
        stages.new_head(backbone, len(classes), seed=job.seed)
        depth = frozen_stages(job.row, backbone.depth)
        done = list(
            tutorial_epochs(
                train.parent,
                backbone,
                frozen_stages=depth,
                batch_size=job.batch_size,
                side=side,
                epochs=job.timed_epochs,
                seed=job.seed,
            )
        )
    # The first epoch also starts the library's thread pools; the median forgives it.
    seconds = statistics.median(epoch.seconds for epoch in done) * job.epochs
    if job.timed_epochs == job.epochs:
        seconds = sum(epoch.seconds for epoch in done)
    interval = wilson(round(done[-1].accuracy * count), count)
    return {
        "seconds": seconds,
        "accuracy": done[-1].accuracy,
        "low": interval.low,
        "high": interval.high,
        "count": count,
        "measured_epochs": len(done),
        "images": images,
    }


def in_fresh_process(job: Job) -> dict[str, Any]:
    """Run ``job`` in a process of its own and read its figures back."""
    command = [sys.executable, "-m", "benchmarks.finetune_vs_tutorial", "--one", json.dumps(asdict(job))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def table(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """Markdown: one line a pair of runs."""
    lines = [
        "| network | weights | what learns | batch | lab s (epochs run) | tutorial s (epochs run) | ratio | goal"
        " | lab accuracy | tutorial accuracy | lab MiB | tutorial MiB |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for ours, theirs in pairs:
        accuracies = (
            f"{one['accuracy']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" for one in (ours, theirs)
        )
        memory = (f"{one['peak_bytes'] / 2**20:.0f}" for one in (ours, theirs))
        cells = [
            ours["backbone"],
            Path(ours["weights"]).name,
            ours["row"],
            str(ours["batch_size"]),
            f"{ours['seconds']:.1f} ({ours['measured_epochs']} of {theirs['epochs']})",
            f"{theirs['seconds']:.0f} ({theirs['measured_epochs']} of {theirs['epochs']})",
            f"{theirs['seconds'] / ours['seconds']:.1f}x",
            f"{GOALS[ours['row']]:g}x",
            *accuracies,
            *memory,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure every row and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--data", help="a ZIP with train/ and test/ folders of classes")
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--weights", default="pretrained", help="'pretrained', 'random' or a file")
    parser.add_argument("--batch", type=int, nargs="+", default=[4, 32])
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--timed-epochs", type=int, default=3)
    parser.add_argument("--rows", nargs="+", default=list(GOALS), choices=list(GOALS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write all figures here")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run_job(Job(**json.loads(arguments.one)))))
        return
    if not arguments.data:
        parser.error("--data is needed: a ZIP with train/ and test/ folders of classes")
    pairs = []
    for batch_size in arguments.batch:
        for row in arguments.rows:
            common = {
                "row": row,
                "data": arguments.data,
                "backbone": arguments.backbone,
                "weights": arguments.weights,
                "batch_size": batch_size,
                "epochs": arguments.epochs,
                "timed_epochs": arguments.timed_epochs,
                "seed": arguments.seed,
            }
            pairs.append(
                (
                    in_fresh_process(Job(side="lab", **common)),
                    in_fresh_process(Job(side="tutorial", **common)),
                )
            )
            print(table(pairs[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(pairs, indent=1))
    print(table(pairs))


if __name__ == "__main__":
    main()

"""What a sweep over all freeze depths costs, against plain fine-tuning by the tutorial's loop.

    python -m benchmarks.sweep_cost --data hymenoptera.zip
    python -m benchmarks.sweep_cost --data hymenoptera.zip --backbone resnet18 --weights random
    python -m benchmarks.sweep_cost --racing runs-tiny_resnet18.jsonl

Same images, same network, same epochs and batch size. Every figure comes from a fresh process; the clock starts when
imports are done and weights are loaded, and covers reading the images, training and testing. The sweep is one seed of
all depths 0 … K. It is compared with one plain run that trains everything (goal: at most 1.5 times its time), and
with the sum of K+1 plain runs, one for each depth (goal: at most a third). The tutorial costs the same in every epoch,
so a few of its epochs are timed and their median is multiplied; its accuracies are those after these few.

``--racing`` reads lines that ``tools/measure_evidence.py`` wrote and replays racing on them: how often would it have
left out the arm that was best over all seeds, and how much would it have saved?
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

GOAL_ONE, GOAL_ALL = 1.5, 1 / 3


def build(job: dict[str, Any]) -> Any:
    """The network with its weights, after one tiny step that starts the libraries."""
    import torch

    from core.backbones import stages, weights

    backbone = stages.build(job["backbone"])
    if job["weights"] != "random":
        weights.load_pretrained(backbone, job["weights"])
    torch.nn.functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 3, 3))
    return backbone


def sweep_job(job: dict[str, Any]) -> dict[str, Any]:
    """Sweep all depths with one seed: seconds in all, and accuracy by arm."""
    from core.backbones import catalogue
    from core.datasets.open import open_dataset
    from core.training.sweep import sweep
    from core.training.sweep_config import SweepConfig
    from core.training.sweep_events import ArmDone, SweepStarted

    backbone = build(job)
    config = SweepConfig(
        backbone=job["backbone"],
        seeds=1,
        epochs=job["epochs"],
        batch_size=job["batch"],
        lp_ft=job["lp_ft"],
    )
    started = time.perf_counter()
    dataset = open_dataset(job["data"], side=catalogue.entry(job["backbone"]).image_size)
    events = list(sweep(config, dataset, backbone=backbone))
    seconds = time.perf_counter() - started
    count = next(one.images["test"] for one in events if isinstance(one, SweepStarted))
    return {
        "seconds": seconds,
        "accuracy": {one.arm: one.accuracy for one in events if isinstance(one, ArmDone)},
        "arm_seconds": {one.arm: one.seconds for one in events if isinstance(one, ArmDone)},
        "count": count,
    }


def plain_job(job: dict[str, Any]) -> dict[str, Any]:
    """Train as the tutorial does, with the first ``frozen`` stages frozen."""
    from benchmarks.tutorial_loop import tutorial_epochs
    from core.backbones import catalogue, stages

    backbone = build(job)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(job["data"]) as archive:
        archive.extractall(folder)
        train = next(Path(folder).rglob("train"))
        classes = [path for path in train.iterdir() if path.is_dir()]
        stages.new_head(backbone, len(classes), seed=0)
        done = list(
            tutorial_epochs(
                train.parent,
                backbone,
                frozen_stages=job["frozen"],
                batch_size=job["batch"],
                side=catalogue.entry(job["backbone"]).image_size,
                epochs=job["timed_epochs"],
                seed=0,
            )
        )
    return {
        "seconds": statistics.median(one.seconds for one in done) * job["epochs"],
        "accuracy": done[-1].accuracy,
    }


def in_fresh_process(job: dict[str, Any]) -> dict[str, Any]:
    """Do ``job`` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sweep_cost", "--one", json.dumps(job)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def cost(arguments: argparse.Namespace) -> None:
    """Measure the sweep and the plain runs, and print the table."""
    from core.backbones import catalogue
    from core.metrics.classification import wilson

    job = {
        "data": arguments.data,
        "backbone": arguments.backbone,
        "weights": arguments.weights,
        "batch": arguments.batch,
        "epochs": arguments.epochs,
        "timed_epochs": arguments.timed_epochs,
    }
    depth = catalogue.entry(arguments.backbone).depth
    swept = in_fresh_process(job | {"kind": "sweep", "lp_ft": False})
    with_lp_ft = in_fresh_process(job | {"kind": "sweep", "lp_ft": True})
    plain = [in_fresh_process(job | {"kind": "plain", "frozen": frozen}) for frozen in range(depth + 1)]
    print(
        f"{arguments.backbone}, batch {arguments.batch}, {arguments.epochs} epochs "
        f"({arguments.timed_epochs} of the tutorial's timed), {swept['count']} test images\n"
    )
    print(
        "| freeze depth | plain run s | arm of the sweep s | plain accuracy | sweep accuracy |\n|---|---|---|---|---|"
    )
    for frozen, run in enumerate(plain):
        arm = f"k{frozen}"
        texts = []
        for accuracy in (run["accuracy"], swept["accuracy"][arm]):
            interval = wilson(round(accuracy * swept["count"]), swept["count"])
            texts.append(f"{accuracy:.3f} [{interval.low:.3f}, {interval.high:.3f}]")
        print(
            f"| {frozen} | {run['seconds']:.1f} | {swept['arm_seconds'][arm]:.1f} | {texts[0]} | {texts[1]} |"
        )
    whole = sum(run["seconds"] for run in plain)
    print(
        "\n| | sweep s | with LP-FT s | against s | ratio | with LP-FT | goal |\n|---|---|---|---|---|---|---|"
    )
    for what, seconds, goal in (
        ("one plain run, nothing frozen", plain[0]["seconds"], GOAL_ONE),
        (f"{depth + 1} plain runs", whole, GOAL_ALL),
    ):
        print(
            f"| {what} | {swept['seconds']:.1f} | {with_lp_ft['seconds']:.1f} | {seconds:.1f} | "
            f"{swept['seconds'] / seconds:.2f} | {with_lp_ft['seconds'] / seconds:.2f} | {goal:.2f} |"
        )


def racing(path: Path) -> None:
    """Replay racing on measured runs: what it would have left out, and whether that was the best."""
    from core.training.sweep_events import ArmDone
    from core.training.sweep_report import lost

    cells: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        cells[row["data"], row["per_class"]].append(row)
    replayed = dropped_best = 0
    saved, loss = [], []
    for rows in cells.values():
        table = {(row["arm"], row["seed"]): row for row in rows}
        arms, seeds = sorted({arm for arm, _ in table}), sorted({seed for _, seed in table})
        if len(seeds) < 3 or len(table) != len(arms) * len(seeds):
            continue
        mean = {arm: statistics.mean(table[arm, seed]["accuracy"] for seed in seeds) for arm in arms}
        best = max(arms, key=lambda arm: mean[arm])
        alive, spent = list(arms), 0.0
        for seed in seeds:
            spent += sum(table[arm, seed]["seconds"] for arm in alive)
            done = [
                ArmDone(
                    arm=arm,
                    seed=one,
                    accuracy=table[arm, one]["accuracy"],
                    hits=table[arm, one]["hits"],
                    seconds=0.0,
                )
                for arm in alive
                for one in seeds
                if one <= seed
            ]
            if seed != seeds[-1]:
                gone = {one.arm for one in lost(done, alive, rows[0]["test"])}
                alive = [arm for arm in alive if arm not in gone]
        replayed += 1
        dropped_best += best not in alive
        loss.append(100 * (mean[best] - max(mean[arm] for arm in alive)))
        saved.append(1 - spent / sum(row["seconds"] for row in rows))
    print(
        f"{replayed} sweeps of {len(seeds)} seeds replayed: the best arm was dropped in {dropped_best}, "
        f"which cost {statistics.mean(loss):.2f} points on average and {max(loss):.1f} at worst; "
        f"{statistics.mean(saved):.0%} of the seconds were saved on average, {max(saved):.0%} at most."
    )


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--data", help="a ZIP with train/ and test/ folders of classes")
    parser.add_argument("--backbone", default="tiny_resnet18")
    parser.add_argument("--weights", default="pretrained", help="'pretrained', 'random' or a file")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--timed-epochs", type=int, default=3)
    parser.add_argument("--racing", type=Path, metavar="FILE", help="replay racing on these measured runs")
    arguments = parser.parse_args()
    if arguments.one:
        job = json.loads(arguments.one)
        print(json.dumps(sweep_job(job) if job["kind"] == "sweep" else plain_job(job)))
    elif arguments.racing:
        racing(arguments.racing)
    elif arguments.data:
        cost(arguments)
    else:
        parser.error("--data or --racing is needed")


if __name__ == "__main__":
    main()

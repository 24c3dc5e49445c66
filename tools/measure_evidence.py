"""Measure how accuracy depends on freeze depth, over many real data sets: the evidence behind the advice.

    python -m tools.measure_evidence measure --data ../shared/data --work DIR [--backbone NAME --weights FILE]
    python -m tools.measure_evidence describe --data ../shared/data --work DIR [--backbone NAME --weights FILE]
    python -m tools.measure_evidence build --work DIR

``measure`` trains every freeze depth on every data set, with every number of images per class and several seeds,
one line of JSON a result in DIR; ``describe`` measures what can be told without training. Both skip what is there
already, so they can be stopped at any time and go on later. ``build`` makes the tables that ship with the lab, in
``core/advice/measured``: figures only, no images. The ZIPs are those that ``core.advice.tasks`` names.
"""

import argparse
import itertools
import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from core.advice import tasks
from core.backbones import catalogue
from core.datasets.dataset import ImageDataset
from core.datasets.open import open_dataset
from core.training.sweep import Bench, draw
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import ArmDone

# Small, middle and all first: a table that is cut short still covers the whole range.
SIZES = (20, 5, None, 50, 10, 100)
SEEDS = (0, 1, 2)
# SqueezeNet's real size is 224; 128 costs a third, and the pictures are no larger anyway.
SIDES = {"tiny_resnet18": 64, "squeezenet1_0": 128}
MOST_TEST_IMAGES = 600


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("measure", "describe", "build"))
    parser.add_argument("--data", type=Path, help="the folder with the ZIPs")
    parser.add_argument("--work", type=Path, required=True, help="where lines of JSON are kept")
    parser.add_argument("--backbone", default=catalogue.BUILT_IN)
    parser.add_argument("--weights", default="pretrained")
    parser.add_argument("--only", nargs="*", help="names of data sets")
    parser.add_argument("--sizes", nargs="*", default=SIZES, type=_size, help="images per class, or all")
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if chosen.command == "measure":
        measure(chosen)
    else:
        raise SystemExit("not there yet")


def measure(chosen: argparse.Namespace) -> None:
    """Train what is not in the file yet, and append it."""
    path = chosen.work / f"runs-{chosen.backbone}.jsonl"
    there = {_key(row) for row in rows(path)}
    datasets: dict[str, ImageDataset] = {}
    for seed, per_class in itertools.product(SEEDS, chosen.sizes):
        for name in chosen.only or tasks.TASKS:
            key = (name, per_class, seed)
            wanted = {(*key, f"k{depth}") for depth in range(catalogue.entry(chosen.backbone).depth + 1)}
            if wanted <= there:
                continue
            if name not in datasets:
                datasets[name] = _open(name, chosen)
            dataset = datasets[name]
            if per_class is not None and not _has_more(dataset, per_class):
                continue  # that is "all"
            for row in measured(dataset, chosen, per_class=per_class, seed=seed, there=there):
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"data": name, "per_class": per_class, "seed": seed} | row) + "\n")
                print(
                    name, per_class, seed, row["arm"], row["accuracy"], round(row["seconds"], 1), flush=True
                )


def measured(
    dataset: ImageDataset, chosen: argparse.Namespace, *, per_class: int | None, seed: int, there: set[Any]
) -> Iterator[dict[str, Any]]:
    """Train all depths on one draw of images; a row each."""
    config = SweepConfig(
        backbone=chosen.backbone,
        weights=chosen.weights,
        per_class=per_class,
        seeds=1,
        first_seed=seed,
        lp_ft=False,
        image_size=SIDES[chosen.backbone],
    )
    bench = Bench(config, dataset)
    for _ in bench.fill():
        pass
    reached = bench.caches_ready().seconds
    for arm in bench.arms:
        if (dataset.name, per_class, seed, arm.name) in there:
            continue
        done: ArmDone = _value(bench.measure(arm, seed))
        yield {
            "arm": done.arm,
            "accuracy": round(done.accuracy, 5),
            "seconds": round(done.seconds + reached[arm.depth], 3),
            "images": bench.images,
            "classes": len(dataset.class_names),
            "test": bench.test_count,
            "epochs": bench.epochs,
            "hits": done.hits,
        }
    bench.close()


def rows(path: Path) -> list[dict[str, Any]]:
    """Read lines of JSON; a missing file is an empty one, and half a line at the end is not there."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            print("left out half a line:", line[:60])
    return found


def _size(text: str) -> int | None:
    return None if text == "all" else int(text)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["data"], row["per_class"], row["seed"], row["arm"]


def _value(generator: Any) -> Any:
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


def _open(name: str, chosen: argparse.Namespace) -> ImageDataset:
    side = SIDES[chosen.backbone]
    reference = name if tasks.TASKS[name].built_in else str(chosen.data / f"{name}.zip")
    dataset = replace(open_dataset(reference, side=side), name=name)
    if dataset.test is None:
        return dataset
    kept = draw(dataset.test.labels, max(1, MOST_TEST_IMAGES // len(dataset.class_names)), seed=0)
    return replace(dataset, test=dataset.test.subset(kept))


def _has_more(dataset: ImageDataset, per_class: int) -> bool:
    """Tell whether some class has more training images than ``per_class``."""
    counts = torch.bincount(torch.from_numpy(dataset.train.labels)).numpy()
    held_back = 0.25 if dataset.test is None else 0.0  # `splits.split` draws a test part of this share
    return bool((counts * (1 - held_back)).max() > per_class)


if __name__ == "__main__":
    main()

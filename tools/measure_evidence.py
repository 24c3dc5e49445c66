"""Measure how accuracy depends on freeze depth, over many real data sets: the evidence behind the advice.

    python -m tools.measure_evidence measure --data ../shared/data --work DIR [--backbone NAME --weights FILE]
    python -m tools.measure_evidence describe --data ../shared/data --work DIR [--backbone NAME --weights FILE]
    python -m tools.measure_evidence build --work DIR
    python -m tools.measure_evidence update --work DIR --because TEXT

``measure`` trains every freeze depth on every data set, with every number of images per class and several seeds,
one line of JSON a result in DIR; ``describe`` measures what can be told without training. Both skip what is there
already, so they can be stopped at any time and go on later. ``build`` makes the tables that ship with the lab, in
``core/advice/measured``: figures only, no images. ``update`` replaces accuracies of what ships by those in DIR, where
every seed and depth of a case is there, and keeps the rest: seconds, measures, other cases. The ZIPs are those that
``core.advice.tasks`` names.
"""

import argparse
import datetime
import itertools
import json
import math
import os
import platform
import statistics
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.advice import evidence, record, similarity, tasks
from core.advice.report import Measures
from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.datasets.dataset import ImageDataset
from core.datasets.open import open_dataset
from core.training import precision
from core.training.sweep import Bench, draw, parts
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import ArmDone

SIZES = (20, 5, 50, 10, None, 100)  # the most telling first, so that a table can be cut short; None: all
SEEDS = (0, 1, 2)
# Real sizes are 224; 112 and 128 cost a quarter and a third, and most of the pictures are no larger anyway.
SIDES = {"efficientnet_lite0": 112, "tiny_resnet18": 64, "squeezenet1_0": 128}
MOST_TEST_IMAGES = 600
FEWEST = 8  # data sets, below which nothing is learned from them that would hold for another


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("measure", "describe", "build", "update"))
    parser.add_argument("--data", type=Path, help="the folder with the ZIPs")
    parser.add_argument("--work", type=Path, required=True, help="where lines of JSON are kept")
    parser.add_argument("--backbone", default=catalogue.DEFAULT)
    parser.add_argument("--weights", default="pretrained")
    parser.add_argument("--because", default="", help="what has changed since the rest was measured")
    parser.add_argument("--only", nargs="*", help="names of data sets")
    parser.add_argument("--sizes", nargs="*", default=SIZES, type=_size, help="images per class, or all")
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if chosen.command == "measure":
        measure(chosen)
    elif chosen.command == "describe":
        describe(chosen)
    elif chosen.command == "build":
        build(chosen)
    else:
        update(chosen)


def measure(chosen: argparse.Namespace) -> None:
    """Train what is not in the file yet, and append it."""
    path = chosen.work / f"runs-{chosen.backbone}.jsonl"
    there = {_key(row) for row in rows(path)}
    datasets: dict[str, ImageDataset] = {}
    for per_class, seed in itertools.product(chosen.sizes, SEEDS):
        for name in chosen.only or tasks.TASKS:
            key = (name, per_class, seed)
            wanted = {(*key, f"k{depth}") for depth in range(catalogue.entry(chosen.backbone).depth + 1)}
            if wanted <= there:
                continue
            if name not in datasets:
                datasets[name] = open_task(name, data=chosen.data, side=SIDES[chosen.backbone])
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


def describe(chosen: argparse.Namespace) -> None:
    """Measure what can be told before training, on the very images that `measure` trains on."""
    path = chosen.work / f"measures-{chosen.backbone}.jsonl"
    there = {(row["data"], row["per_class"], row["seed"]) for row in rows(path)}
    trained = {
        (row["data"], row["per_class"], row["seed"])
        for row in rows(chosen.work / f"runs-{chosen.backbone}.jsonl")
    }
    backbone = stages.build(chosen.backbone)
    weights.load_pretrained(backbone, chosen.weights)
    left = sorted(
        (key for key in trained if key not in there and key[0] in (chosen.only or tasks.TASKS)), key=str
    )
    for name, keys in itertools.groupby(left, key=lambda key: key[0]):
        dataset = open_task(name, data=chosen.data, side=SIDES[chosen.backbone])  # once for all its rows
        for _, per_class, seed in keys:
            if per_class is None and dataset.test is not None and seed != SEEDS[0]:
                continue  # "all" are the same pictures with every seed, where no test part is drawn from them
            row = described(backbone, dataset, per_class, seed)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(name, per_class, seed, row["measures"]["seconds"], flush=True)


def described(backbone: Backbone, dataset: ImageDataset, per_class: int | None, seed: int) -> dict[str, Any]:
    """Measure one draw of images, at the side that `measure` trains at; a row."""
    pool, test = parts(dataset, seed)
    numbers = draw(pool.labels, per_class, seed=seed)
    measures = similarity.measure(
        backbone,
        pool.images[numbers],
        pool.labels[numbers],
        dataset.class_names,
        probe=True,
        seed=seed,
    )
    return {
        "data": dataset.name,
        "per_class": per_class,
        "seed": seed,
        "chance": float(np.bincount(test.labels).max() / len(test)),
        "measures": evidence.measures_to_json(measures),
    }


def build(chosen: argparse.Namespace) -> None:
    """Put the lines together to what ships."""
    measured_rows = rows(chosen.work / f"runs-{chosen.backbone}.jsonl")
    described = rows(chosen.work / f"measures-{chosen.backbone}.jsonl")
    chance = {row["data"]: row["chance"] for row in described}
    by_cell: dict[tuple[str, int | None], list[dict[str, Any]]] = defaultdict(list)
    for row in measured_rows:
        by_cell[row["data"], row["per_class"]].append(row)
    if not described:
        raise SystemExit("Nothing to build yet: run measure and describe first.")
    entry = catalogue.entry(chosen.backbone)
    arms = [f"k{depth}" for depth in range(entry.depth + 1)]
    cells = []
    for (name, per_class), found in sorted(by_cell.items(), key=str):
        accuracy = {(row["arm"], row["seed"]): row["accuracy"] for row in found}
        seeds = [seed for seed in SEEDS if all((arm, seed) in accuracy for arm in arms)]
        if not seeds or name not in chance:
            continue
        cells.append(
            evidence.Cell(
                task=name,
                per_class=per_class,
                images=found[0]["images"],
                classes=found[0]["classes"],
                chance=round(chance[name], 4),
                test_images=found[0]["test"],
                epochs=found[0]["epochs"],
                accuracy={arm: tuple(accuracy[arm, seed] for seed in seeds) for arm in arms},
                seconds={
                    arm: round(statistics.median(row["seconds"] for row in found if row["arm"] == arm), 2)
                    for arm in arms
                },
            )
        )
    tasks_there = {cell.task for cell in cells}
    if len(tasks_there) < FEWEST:
        raise SystemExit(
            f"Only {len(tasks_there)} data sets are measured and described; advice needs {FEWEST} at least. Go on "
            "with measure and describe."
        )
    measures: dict[tuple[str, int | None], list[dict[int, Measures]]] = defaultdict(list)
    for row in described:
        measures[row["data"], row["per_class"]].append(
            {row["seed"]: evidence.measures_from_json(row["measures"])}
        )
    made = evidence.Evidence(
        backbone=chosen.backbone,
        stages=tuple(stage.name for stage in entry.stages),
        image_size=SIDES[chosen.backbone],
        made={
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "torch": torch.__version__,
            "processor": f"{os.cpu_count()} cores, {platform.machine()}",
            "precision": str(precision.autocast_type(torch.device("cpu")) or torch.float32),
            "most_test_images": MOST_TEST_IMAGES,
        },
        cells=tuple(cells),
        measures={
            (cell.task, cell.per_class): tuple(
                one for each in measures[cell.task, cell.per_class] for one in each.values()
            )
            for cell in cells
            if (cell.task, cell.per_class) in measures
        },
        pace=_pace(measured_rows, arms),
    )
    _write(made)
    print(f"{len(cells)} cells, {made.runs} runs, fewest seeds {min(cell.seeds for cell in cells)}")


def update(chosen: argparse.Namespace) -> None:
    """Put accuracies that were measured anew into what ships, and say where they moved."""
    shipped = evidence.load(chosen.backbone)
    if shipped is None:
        raise SystemExit("Nothing ships for this network yet: build it first.")
    found = {_key(row): row["accuracy"] for row in rows(chosen.work / f"runs-{chosen.backbone}.jsonl")}
    cells, sizes, largest = [], set(), 0.0
    for cell in shipped.cells:
        keys = [(cell.task, cell.per_class, seed) for seed in SEEDS]
        if all((*key, arm) in found for key in keys for arm in shipped.arms):
            sizes.add(cell.per_class)
            accuracy = {arm: tuple(found[*key, arm] for key in keys) for arm in shipped.arms}
            moved = {arm: 100 * (statistics.mean(accuracy[arm]) - cell.mean(arm)) for arm in shipped.arms}
            print(
                cell.task, cell.per_class, " ".join(f"{arm} {points:+.1f}" for arm, points in moved.items())
            )
            largest = max(largest, *map(abs, moved.values()))
            cell = replace(cell, accuracy=accuracy)  # noqa: PLW2901
        cells.append(cell)
    anew = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "because": chosen.because,
        "per_class": sorted(sizes, key=lambda size: size or math.inf),
        "most_points_moved": round(largest, 1),
    }
    _write(replace(shipped, cells=tuple(cells), made={**shipped.made, "accuracies": anew}))


def _write(made: evidence.Evidence) -> None:
    """Write the table that ships, and the record that is worked out from it."""
    evidence.FOLDER.mkdir(exist_ok=True)
    text = json.dumps(evidence.to_json(made), separators=(",", ":"))
    # A line a cell: changes can be read.
    text = text.replace('{"task"', '\n{"task"')
    (evidence.FOLDER / f"evidence-{made.backbone}.json").write_text(text + "\n", encoding="utf-8")
    evidence.load.cache_clear()
    loaded = evidence.load(made.backbone)
    assert loaded is not None
    record.write(loaded)  # from what was written: it is rounded


def _pace(measured_rows: list[dict[str, Any]], arms: list[str]) -> dict[str, float]:
    """Seconds that one image costs in one epoch at each depth, in units of a plain pass (a probe's row is one)."""
    plain = {
        (row["data"], row["per_class"], row["seed"]): row["seconds"] / (row["images"] + row["test"])
        for row in measured_rows
        if row["arm"] == arms[-1]
    }
    found: dict[str, list[float]] = defaultdict(list)
    for row in measured_rows:
        key = (row["data"], row["per_class"], row["seed"])
        if key in plain:
            passes = plain[key] * (row["images"] + row["test"])
            seen = row["images"] * row["epochs"]
            found[row["arm"]].append(max(row["seconds"] - passes, 0.0) / plain[key] / seen)
    return {arm: round(statistics.median(found[arm]), 3) for arm in arms}


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


def open_task(name: str, *, data: Path, side: int, most_test_images: int = MOST_TEST_IMAGES) -> ImageDataset:
    """Open a data set of `core.advice.tasks`, with at most so many test images, the same number of each class."""
    reference = name if tasks.TASKS[name].built_in else str(data / f"{name}.zip")
    dataset = replace(open_dataset(reference, side=side), name=name)
    if dataset.test is None:
        return dataset
    kept = draw(dataset.test.labels, max(1, most_test_images // len(dataset.class_names)), seed=0)
    return replace(dataset, test=dataset.test.subset(kept))


def _has_more(dataset: ImageDataset, per_class: int) -> bool:
    """Tell whether some class has more training images than ``per_class``."""
    counts = torch.bincount(torch.from_numpy(dataset.train.labels)).numpy()
    held_back = 0.25 if dataset.test is None else 0.0  # `splits.split` draws a test part of this share
    return bool((counts * (1 - held_back)).max() > per_class)


if __name__ == "__main__":
    main()

"""Few steps: does BatchNorm lag behind, and how long should a small set be trained? The study behind the defaults.

    python -m tools.study_few_steps measure --data ../shared/data --work DIR [--seeds 0 1] [--budgets epochs 50 100]
    python -m tools.study_few_steps table --work DIR
    python -m tools.study_few_steps build --work DIR     # what ships: core/training/measured/few_steps.json

Every data set of the evidence, 5 and 20 images a class, from scratch, everything trained, and half frozen. One
training serves three ways to judge it, since BatchNorm in training normalises by its batch whatever its running
statistics are: the statistics **as they run** (momentum 0.1), with a **momentum that fits** the number of steps (so
that 1 % of the start is left at the end), and **computed anew** over the training images after every epoch (precise
BatchNorm, Wu & Johnson 2021, arXiv 2105.07576). For each, the epoch with the best validation accuracy is tested.
Budgets: ten epochs, twice as many, or as many as give at least so many steps. Skips what is there; stop and go on at
any time.
"""

import argparse
import dataclasses
import datetime
import itertools
import json
import os
import statistics
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from core.advice import tasks
from core.backbones import catalogue, stages
from core.backbones.backbone import Backbone
from core.datasets.dataset import ImageDataset
from core.datasets.splits import split
from core.freezing.apply import freeze
from core.metrics.classification import mean_interval
from core.metrics.report import Interval
from core.training import few_steps, memory, optimisers, strategies
from core.training.cache import CachedFeatures
from core.training.config import FinetuneConfig
from core.training.loop import Loop, evaluate
from core.training.steps import measure, steps_per_epoch
from core.training.views import views_of
from tools import measure_evidence

SIZES = (5, 20)
HALF = 3  # of the built-in network's five stages
ARMS = {"scratch": ("scratch", 0), "full": ("full", 0), "half": ("freeze_to_depth", HALF)}
WAYS = ("as it runs", "momentum fits", "computed anew")
EPOCHS, TWICE = "epochs", "twice"  # ten epochs, however few steps these are, and twice as many
MOMENTUM = 0.1  # torch's own
MOST_TEST_IMAGES = 150
SIDE = 64


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("measure", "table", "build"))
    parser.add_argument("--data", type=Path, help="the folder with the ZIPs")
    parser.add_argument("--work", type=Path, required=True, help="where lines of JSON are kept")
    parser.add_argument("--seeds", nargs="*", type=int, default=range(5))
    parser.add_argument("--budgets", nargs="*", default=(EPOCHS, "50", "100"))
    parser.add_argument("--arms", nargs="*", default=tuple(ARMS))
    parser.add_argument("--only", nargs="*", help="names of data sets")
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if chosen.command == "measure":
        measure_all(chosen)
    elif chosen.command == "table":
        table(chosen)
    else:
        build(chosen)


def measure_all(chosen: argparse.Namespace) -> None:
    """Train what is not in the files yet, and append it to this process's own."""
    path = chosen.work / f"few-steps-{'-'.join(map(str, chosen.seeds))}.jsonl"
    key = ("data", "per_class", "seed", "arm", "budget")
    there = {tuple(row[name] for name in key) for row in _rows(chosen.work)}
    datasets: dict[str, ImageDataset] = {}
    for seed, budget, per_class, name in itertools.product(
        chosen.seeds, chosen.budgets, chosen.sizes, chosen.only or tasks.TASKS
    ):
        for arm in chosen.arms:
            if (name, per_class, seed, arm, budget) in there:
                continue
            if name not in datasets:
                datasets[name] = measure_evidence.open_task(
                    name, data=chosen.data, side=SIDE, most_test_images=MOST_TEST_IMAGES
                )
            row = train(datasets[name], arm, per_class=per_class, seed=seed, budget=budget)
            if not row:
                continue
            row = {"data": name, "per_class": per_class, "seed": seed, "arm": arm, "budget": budget} | row
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(row, flush=True)


def train(dataset: ImageDataset, arm: str, *, per_class: int, seed: int, budget: str) -> dict[str, Any]:
    """Train once; test the best epoch of each way to judge it."""
    strategy, depth = ARMS[arm]
    config = FinetuneConfig(
        strategy=strategy,  # type: ignore[arg-type]
        freeze_depth=depth if strategy == "freeze_to_depth" else None,
        per_class=per_class,
        seed=seed,
    )
    splits = split(dataset, per_class=per_class, seed=seed)
    steps = steps_per_epoch(len(splits.train), config.batch_size)
    epochs = {EPOCHS: 10, TWICE: 20}.get(budget) or -(-int(budget) // steps)
    if epochs < 10:
        return {}  # ten epochs are as many steps
    backbone = strategies.start(config, None)
    config = FinetuneConfig(**{**config.to_json(), "epochs": epochs}).resolved(
        stages=backbone.depth, image_size=SIDE
    )
    stages.new_head(backbone, len(dataset.class_names), seed=seed)
    backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    device = torch.device("cpu")
    frozen = tuple(stage.name for stage in backbone.table)[:depth]
    reading = memory.MicroBatch(size=16, smallest=1)
    parts = {
        name: CachedFeatures(
            backbone,
            views_of(part, normalisation=stages.normalisation(backbone.name), size=SIDE, device=device),
            depth=depth,
            micro=reading,
            cached=True,
        )
        for name, part in vars(splits).items()
    }
    backbone.eval()
    for features in parts.values():
        if features.lacks(0):
            list(features.fill(0))
    loop = Loop(
        config=config,
        backbone=backbone,
        optimiser=optimisers.build_optimiser(config, backbone),
        micro=memory.MicroBatch(size=config.batch_size, smallest=2),
        segments=[epochs],
    )
    fitted = _Fitted(backbone, steps=epochs * steps)
    best: dict[str, tuple[float, float, int, dict[str, Tensor]]] = {}
    for epoch in range(epochs):
        freeze(backbone, frozen)
        with fitted:
            list(loop.epoch(epoch, parts["train"]))
        running = {name: value.clone() for name, value in backbone.state_dict().items()}
        for way in WAYS:
            if way == "momentum fits":
                if fitted.momentum == MOMENTUM:
                    continue  # enough steps: it is the same as above
                fitted.write()
            elif way == "computed anew":
                freeze(backbone, frozen)
                loop.recompute_statistics(parts["train"], 0, frozen=frozen)
            scores = measure(
                torch.cat(list(evaluate(backbone, parts["validation"], micro=reading))),
                parts["validation"].labels,
            )
            if way not in best or (scores.accuracy, -scores.loss) > best[way][:2]:
                state = {name: value.clone() for name, value in backbone.state_dict().items()}
                best[way] = (scores.accuracy, -scores.loss, epoch + 1, state)
        backbone.load_state_dict(running)
    found: dict[str, Any] = {"classes": len(dataset.class_names), "steps": epochs * steps, "epochs": epochs}
    found["test_images"], found["validation_images"] = len(splits.test), len(splits.validation)
    for way, (accuracy, _, epoch, state) in best.items():
        backbone.load_state_dict(state)
        scores = measure(
            torch.cat(list(evaluate(backbone, parts["test"], micro=reading))), parts["test"].labels
        )
        found[way] = [round(accuracy, 5), round(scores.accuracy, 5), epoch]
    for features in parts.values():
        features.close()
    found.setdefault("momentum fits", found["as it runs"])
    return found


class _Fitted:
    """Running statistics with a momentum that leaves 1 % of the start after ``steps``, kept beside the real ones."""

    def __init__(self, backbone: Backbone, *, steps: int) -> None:
        self.momentum = max(MOMENTUM, 1 - 0.01 ** (1 / steps))
        self._layers = [module for module in backbone.modules() if isinstance(module, _BatchNorm)]
        self._real = [self._copies(layer) for layer in self._layers]
        self._own = [self._copies(layer) for layer in self._layers]

    @staticmethod
    def _copies(layer: _BatchNorm) -> list[Tensor]:
        assert layer.running_mean is not None
        assert layer.running_var is not None
        return [layer.running_mean.clone(), layer.running_var.clone()]

    def __enter__(self) -> None:
        self._real = [self._copies(layer) for layer in self._layers]
        self._hooks = [
            layer.register_forward_hook(lambda *_, place=place: self._follow(place))
            for place, layer in enumerate(self._layers)
            if layer.training
        ]

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _follow(self, place: int) -> None:
        now = self._copies(self._layers[place])
        for number, value in enumerate(now):
            batch = (value - (1 - MOMENTUM) * self._real[place][number]) / MOMENTUM
            self._own[place][number].lerp_(batch, self.momentum)
        self._real[place] = now

    def write(self) -> None:
        """Put the fitted statistics into the network."""
        for layer, (mean, variance) in zip(self._layers, self._own, strict=True):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(variance)


def table(chosen: argparse.Namespace) -> None:
    """Print validation and test accuracy by arm, size, budget and way: means over data sets and seeds."""
    rows = _rows(chosen.work)
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["per_class"], row["arm"], row["budget"]].append(row)
    print(
        "| a class | arm | budget | steps (median) | "
        + " | ".join(f"{way}: val / test" for way in WAYS)
        + " | n |"
    )
    print("|---" * (5 + len(WAYS)) + "|")
    for (per_class, arm, budget), members in sorted(groups.items(), key=str):
        means = [100 * np.mean([row[way][:2] for row in members], axis=0) for way in WAYS]
        cells = [f"{validation:.1f} / {test:.1f}" for validation, test in means]
        steps = statistics.median(row["steps"] for row in members)
        print(f"| {per_class} | {arm} | {budget} | {steps:g} | " + " | ".join(cells) + f" | {len(members)} |")


def build(chosen: argparse.Namespace) -> None:
    """Write what ships: what recomputed statistics bring, and from scratch what twice as many epochs bring then."""
    rows = {
        (row["per_class"], row["arm"], row["budget"], row["data"], row["seed"]): row
        for row in _rows(chosen.work)
    }
    differences: dict[tuple[Any, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (per_class, arm, budget, name, seed), row in rows.items():
        test = {way: row[way][1] for way in WAYS}
        if budget == EPOCHS:
            pair = ("recomputed", test["computed anew"], test["as it runs"])
        elif budget == TWICE:
            pair = (
                "twice",
                test["computed anew"],
                rows[per_class, arm, EPOCHS, name, seed]["computed anew"][1],
            )
        else:
            continue
        differences[pair[0], arm, per_class][name].append(100 * (pair[1] - pair[2]))
    gains = [
        {
            "what": what,
            "arm": arm,
            "per_class": per_class,
            "points": _rounded(mean_interval([float(np.mean(values)) for values in by_set.values()])),
            "sets": len(by_set),
            "seeds": max(len(values) for values in by_set.values()),
        }
        for (what, arm, per_class), by_set in sorted(differences.items())
        if len(by_set) == len(tasks.TASKS)  # means over other data sets could not be compared
    ]
    made = {
        "date": datetime.date.today().isoformat(),
        "torch": torch.__version__,
        "network": catalogue.BUILT_IN,
    }
    few_steps.FILE.parent.mkdir(exist_ok=True)
    few_steps.FILE.write_text(json.dumps({"made": made, "gains": gains}, indent=1) + "\n", encoding="utf-8")
    for gain in gains:
        print(gain)


def _rounded(interval: Interval) -> dict[str, float]:
    return {name: round(value, 2) for name, value in dataclasses.asdict(interval).items()}


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("few-steps-*.jsonl")) for row in measure_evidence.rows(path)]


if __name__ == "__main__":
    main()

"""The measured evidence that ships with the lab: accuracy by freeze depth, and what could be told before. Torch-free.

Made by ``tools/measure_evidence.py``: real data sets, several numbers of images per class, several seeds, every
freeze depth of a few networks. Figures only. `Cell.accuracy` is that of the last epoch on held-out test images.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.advice.report import Measures, StageMeasures
from core.backbones import catalogue
from core.metrics.report import Interval

FOLDER = Path(__file__).parent / "measured"
# Whose evidence speaks for networks that have none of their own: the first that was measured. Those that learned from
# ImageNet come first, as all but one of the catalogue did.
STAND_INS = (catalogue.DEFAULT, "squeezenet1_0", catalogue.BUILT_IN)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One data set with one number of images per class: every arm, every seed."""

    task: str  # of `tasks.TASKS`
    per_class: int | None  # None: all
    images: int  # training images
    classes: int
    chance: float  # accuracy of always naming the most frequent test class
    test_images: int
    epochs: int
    accuracy: dict[str, tuple[float, ...]]  # by `Arm.name`: one of each seed, 0-1
    seconds: dict[str, float]  # by `Arm.name`: median over seeds, on the machine that measured

    @property
    def per_class_mean(self) -> float:
        """Training images of a class, on average."""
        return self.images / self.classes

    def mean(self, arm: str) -> float:
        """Accuracy of ``arm`` over seeds."""
        return sum(self.accuracy[arm]) / len(self.accuracy[arm])

    @property
    def means(self) -> dict[str, float]:
        """Accuracy of every arm over seeds."""
        return {arm: self.mean(arm) for arm in self.accuracy}

    @property
    def seeds(self) -> int:
        """How often every arm was trained."""
        return min(len(values) for values in self.accuracy.values())


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that was measured with one network."""

    backbone: str
    stages: tuple[str, ...]
    image_size: int  # pixels that the network saw
    made: dict[str, Any]  # provenance: versions, processor, date
    cells: tuple[Cell, ...]
    measures: dict[tuple[str, int | None], tuple[Measures, ...]]  # by (task, per class): one of each seed
    # Seconds that training one image once takes at each depth, in units of a plain pass through the network.
    pace: dict[str, float]

    @property
    def runs(self) -> int:
        """How many networks were trained."""
        return sum(len(values) for cell in self.cells for values in cell.accuracy.values())

    @property
    def arms(self) -> tuple[str, ...]:
        """The depths, from nothing to everything frozen."""
        return tuple(f"k{depth}" for depth in range(len(self.stages) + 1))


def measured_networks() -> tuple[str, ...]:
    """Name the networks that have evidence of their own."""
    return tuple(sorted(path.stem.removeprefix("evidence-") for path in FOLDER.glob("evidence-*.json")))


@cache
def load(backbone: str) -> Evidence | None:
    """Read the evidence of ``backbone``; None where nothing was measured with it."""
    path = FOLDER / f"evidence-{backbone}.json"
    if not path.is_file():
        return None
    return from_json(json.loads(path.read_text(encoding="utf-8")))


def speaks_for(backbone: str) -> Evidence | None:
    """Read the evidence that advice on ``backbone`` rests on: its own, else a stand-in's; None where there is none."""
    return next((found for name in (backbone, *STAND_INS) if (found := load(name)) is not None), None)


def side(backbone: str) -> int:
    """At which side (pixels) pictures are measured so that they compare: the evidence's, else that of runs."""
    found = load(backbone)
    return catalogue.entry(backbone).finetune_size if found is None else found.image_size


def from_json(values: dict[str, Any]) -> Evidence:
    """Rebuild what `to_json` wrote."""
    return Evidence(
        backbone=values["backbone"],
        stages=tuple(values["stages"]),
        image_size=values["image_size"],
        made=values["made"],
        cells=tuple(
            Cell(**(one | {"accuracy": {arm: tuple(found) for arm, found in one["accuracy"].items()}}))
            for one in values["cells"]
        ),
        measures={
            (one["task"], one["per_class"]): tuple(measures_from_json(each) for each in one["seeds"])
            for one in values["measures"]
        },
        pace=values["pace"],
    )


def to_json(evidence: Evidence) -> dict[str, Any]:
    """Plain values, ready for ``json.dumps``."""
    return {
        "backbone": evidence.backbone,
        "stages": list(evidence.stages),
        "image_size": evidence.image_size,
        "made": evidence.made,
        "pace": evidence.pace,
        "cells": [
            {name: getattr(cell, name) for name in Cell.__dataclass_fields__} for cell in evidence.cells
        ],
        "measures": [
            {"task": task, "per_class": per_class, "seeds": [measures_to_json(one) for one in seeds]}
            for (task, per_class), seeds in evidence.measures.items()
        ],
    }


_MEASURED = ("frechet", "neighbours", "logme", "h_score", "probe")


def measures_to_json(measures: Measures) -> dict[str, Any]:
    """Plain values with four digits; an interval is [value, low, high]."""
    plain = {
        name: getattr(measures, name)
        for name in Measures.__dataclass_fields__
        if name not in ("stages", "seconds")
    }
    return plain | {
        "seconds": {name: round(value, 3) for name, value in measures.seconds.items()},
        "stages": [
            {"stage": one.stage} | {name: _triple(getattr(one, name)) for name in _MEASURED}
            for one in measures.stages
        ],
    }


def measures_from_json(values: dict[str, Any]) -> Measures:
    """Rebuild what `measures_to_json` wrote."""
    return Measures(
        **(
            values
            | {
                "stages": tuple(
                    StageMeasures(
                        **{"stage": one["stage"]} | {name: _interval(one[name]) for name in _MEASURED}
                    )
                    for one in values["stages"]
                )
            }
        )
    )


def _triple(one: Interval | None) -> list[float] | None:
    return None if one is None else [round(value, 4) for value in (one.value, one.low, one.high)]


def _interval(values: list[float] | None) -> Any:
    return None if values is None else Interval(value=values[0], low=values[1], high=values[2])

"""How much better or worse than the others each freeze depth is expected to be: a ridge regression. Torch-free.

It learned from the measured cases what the number of images, the answers of a description and the readings behind
every stage say about the depths. A regression lets all cases speak of how a trend goes on, where an average over the
nearest few hears only these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from core.advice.evidence import Cell
from core.advice.nearness import ORDER, Query, above_chance
from core.advice.report import Description, Measures
from core.advice.tasks import DIFFERENCES, IMAGINGS, TASKS
from core.arrays import Floats

# Of the squared weights, per case; features have unit variance. The mean regret of described tasks, leave one data set
# out, hardly depends on it: 0.1, 0.2, 0.4 and 0.8 give 0.99, 0.99, 0.87 and 0.82 points for tiny_resnet18, and 1.20,
# 1.19, 1.14 and 1.20 for SqueezeNet.
RIDGE = 0.4
SIZES = 3  # features that say how many images and classes there are, before all others


@dataclass(frozen=True, kw_only=True)
class Leads:
    """What is expected of every arm, in the order of its depths."""

    value: Floats  # (arms,) expected accuracy minus that of the arms' average
    doubt: Floats  # (arms,) standard error of each arm's difference to the best


def leads(query: Query, cells: Sequence[Cell], known: Sequence[Sequence[Measures]], table: Floats) -> Leads:
    """Regress what the arms of ``cells`` lead by, and read it at ``query``.

    ``known`` are the measures of each cell, one of each seed; ``table`` (cells, arms) the mean accuracies.
    """
    asked = np.array(_of_query(query))
    rows = np.array([_of_cell(cell, each, query) for cell, each in zip(cells, known, strict=True)])
    # A trend goes on as far as it was measured: nothing tells what a straight line would do with more images than that.
    asked[:SIZES] = np.clip(asked[:SIZES], rows[:, :SIZES].min(axis=0), rows[:, :SIZES].max(axis=0))
    heard = ~np.isnan(asked)  # what nobody answered takes no part
    rows = rows[:, heard]
    mean, spread = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
    spread[spread == 0] = np.inf  # what is the same everywhere says nothing

    def scaled(values: Floats) -> Floats:
        return np.asarray(np.nan_to_num((values - mean) / spread))  # a case that was not measured: as usual

    design = scaled(rows)  # (cells, features)
    here = scaled(asked[heard])
    lead = table - table.mean(axis=1, keepdims=True)
    gram = design.T @ design + RIDGE * len(cells) * np.eye(design.shape[1])
    weights = np.linalg.solve(gram, design.T @ (lead - lead.mean(axis=0)))  # (features, arms)
    value = lead.mean(axis=0) + here @ weights
    residuals = lead - lead.mean(axis=0) - design @ weights
    best = int(value.argmax())
    variance = np.square(residuals - residuals[:, [best]]).mean(axis=0)
    # Cells of one data set err alike, so they count as one.
    alike = len(cells) / len({cell.task for cell in cells})
    leverage = 1 / len(cells) + float(here @ np.linalg.solve(gram, here))
    return Leads(value=value, doubt=np.sqrt(variance * alike * leverage))


def _of_query(query: Query) -> list[float]:
    readings = [] if query.measures is None else _readings(query.measures, probed=query.probed)
    return [*_size(query.per_class, query.classes), *_answers(query.description), *readings]


def _of_cell(cell: Cell, known: Sequence[Measures], query: Query) -> list[float]:
    task = TASKS[cell.task]
    said = Description(
        per_class=2,
        classes=2,
        similarity=task.similarity,
        difference=task.difference,
        imaging=task.imaging,
    )
    readings: list[float] = []
    if query.measures is not None:
        each = [_readings(one, probed=query.probed) for one in known]
        readings = [np.nan] * len(query.measures.stages) if not each else list(np.mean(each, axis=0))
    return [*_size(cell.per_class_mean, cell.classes), *_answers(said), *readings]


def _size(per_class: float, classes: int) -> list[float]:
    """Encode how many images and classes there are: `SIZES` numbers."""
    return [log2(per_class), log2(classes), log2(per_class * classes)]


def _answers(said: Description | None) -> list[float]:
    """Encode the answers as numbers: one for similarity, one for every possible answer of the others."""
    similarity = None if said is None else said.similarity
    values = [np.nan if similarity is None else float(ORDER[similarity])]
    for given, possible in (
        (None if said is None else said.difference, DIFFERENCES),
        (None if said is None else said.imaging, IMAGINGS),
    ):
        values += [np.nan if given is None else float(given == one) for one in possible]
    return values


def _readings(measures: Measures, *, probed: bool) -> list[float]:
    name = "probe" if probed else "neighbours"
    return [above_chance(stage, name, measures.chance) for stage in measures.stages]

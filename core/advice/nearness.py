"""How near a task is to each task that was measured: what the advice leans on. Torch-free.

Every difference is a distance in units in which 1 is "a different kind of task"; the squares add up, and a measured
task counts by ``exp(-d² / 2)``. The units below were set by hand before the first leave-one-out table was looked at,
except where a comment says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log2

from core.advice.evidence import Cell
from core.advice.report import Description, Measures, StageMeasures
from core.advice.tasks import TASKS
from core.metrics.report import Interval

DOUBLINGS = 2.0  # of the images per class that make one unit
CLASS_DOUBLINGS = 3.0
SIMILARITY_STEP = 1.0  # similar – between – different are one unit apart each
MISMATCH = {"difference": 0.7, "imaging": 0.7}
UNKNOWN = 0.5  # of a mismatch's square, where a person does not know: as if half of all tasks differed
READING_UNIT = 0.15  # of accuracy above chance, root mean square over stages
FRECHET_UNIT = 0.7  # of the logarithm of the distance, root mean square over stages

ORDER = {"similar": 0, "between": 1, "different": 2}


@dataclass(frozen=True, kw_only=True)
class Query:
    """A task as the advisor sees it: what a person said, what was measured, or both."""

    per_class: float
    classes: int
    description: Description | None = None
    measures: Measures | None = None
    probed: bool = False  # use the probes among the measures, too


def distance(query: Query, cell: Cell, measures: Sequence[Measures]) -> float:
    """Distance of ``query`` to a measured ``cell``, whose own measures (one of each seed) are ``measures``."""
    square = (log2(query.per_class / cell.per_class_mean) / DOUBLINGS) ** 2
    square += (log2(query.classes / cell.classes) / CLASS_DOUBLINGS) ** 2
    if query.measures is not None and measures:
        square += sum(_measured(query.measures, one, probed=query.probed) for one in measures) / len(measures)
    elif query.description is not None:
        square += _described(query.description, cell)
    return float(square**0.5)


def weights(distances: Sequence[float]) -> list[float]:
    """Weights that add up to 1, by a Gaussian in units of distance; the nearest always counts."""
    nearest = min(distances)
    raw = [exp(-(one**2 - nearest**2) / 2) for one in distances]
    total = sum(raw)
    return [one / total for one in raw]


def _described(said: Description, cell: Cell) -> float:
    task = TASKS[cell.task]
    if said.similarity is None:
        square = UNKNOWN * SIMILARITY_STEP**2
    else:
        square = (SIMILARITY_STEP * (ORDER[said.similarity] - ORDER[task.similarity])) ** 2
    for name, unit in MISMATCH.items():
        given = getattr(said, name)
        share = UNKNOWN if given is None else float(given != getattr(task, name))
        square += share * unit**2
    return square


def _measured(a: Measures, b: Measures, *, probed: bool) -> float:
    square = _readings(a, b, "probe" if probed else "neighbours")
    distances = [
        log((_value(one.frechet) + 1e-3) / (_value(two.frechet) + 1e-3))
        for one, two in zip(a.stages, b.stages, strict=True)
        if one.frechet is not None and two.frechet is not None
    ]
    if distances:
        square += sum(one**2 for one in distances) / len(distances) / FRECHET_UNIT**2
    return square


def _readings(a: Measures, b: Measures, name: str) -> float:
    gaps = [
        above_chance(one, name, a.chance) - above_chance(two, name, b.chance)
        for one, two in zip(a.stages, b.stages, strict=True)
    ]
    return sum(gap**2 for gap in gaps) / len(gaps) / READING_UNIT**2


def above_chance(stage: StageMeasures, name: str, chance: float) -> float:
    """Read ``name`` ("neighbours" or "probe") on a scale from 0, chance, to 1; votes where nobody probed."""
    found: Interval | None = getattr(stage, name)
    if found is None:
        found = stage.neighbours
    return (found.value - chance) / (1 - chance)


def _value(one: Interval) -> float:
    return max(one.value, 0.0)

"""From measured tasks to a forecast for a new one: expected accuracy of every freeze depth, and how sure. Torch-free.

The depths are compared by a regression over all measured tasks (`depths`); how accurate they are on the whole is a
weighted mean over them, the nearer the heavier. That starts from a plain k-NN vote on the target's own images where
there is one, since that already knows how hard the task is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import log

import numpy as np

from core.advice import evidence as shipped
from core.advice.depths import leads
from core.advice.evidence import Cell, Evidence
from core.advice.nearness import Query, distance, weights
from core.advice.report import Basis, Description, Measures, Neighbour
from core.advice.tasks import TASKS
from core.arrays import Floats

COVERAGE = 0.80  # of the stated ranges
EVERYBODY = 0.15  # share of the weight that all measured tasks have in common, however far they are
# How wide "near" is, in units of distance. Chosen on the leave-one-data-set-out table itself, out of 0.25 to 1.5, so
# its figures are a little better than a fresh data set's would be.
BANDWIDTH = {"described": 0.5, "measured": 1.0}
SMALL_LOSS = 0.0005  # of accuracy: a cheaper depth that is expected to lose less than this is taken
ANSWERS = ("similarity", "difference", "imaging")  # of a description
DOUBT = 1.0  # standard errors: depths closer than this to the best cannot be told from it


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is expected of every arm of a network, in the order of its depths."""

    arms: tuple[str, ...]
    lead: Floats  # (arms,) expected accuracy minus that of the arms' average
    doubt: Floats  # (arms,) standard error of each arm's difference to the best
    spread: Floats  # (arms, 2) weighted 10 % and 90 % quantiles of how much less than the best arm
    level: float  # expected accuracy of the arms' average, on the logit scale
    best_share: Floats  # (arms,) weight of tasks in which the arm was within `SMALL_LOSS` of the best
    neighbours: tuple[Neighbour, ...]
    nearest: float  # distance

    @property
    def best(self) -> int:
        """The depth with the highest expected accuracy."""
        return int(self.lead.argmax())

    @property
    def indistinguishable(self) -> tuple[int, ...]:
        """Depths that are not expected to be worse than the best, given what the measured tasks can tell."""
        behind = self.lead.max() - self.lead
        return tuple(int(one) for one in np.flatnonzero(behind <= np.maximum(self.doubt * DOUBT, 1e-12)))

    @property
    def chosen(self) -> int:
        """The cheapest depth among those that cannot be told from the best and lose next to nothing."""
        behind = self.lead.max() - self.lead
        return max(one for one in self.indistinguishable if behind[one] <= SMALL_LOSS)


def forecast(query: Query, evidence: Evidence, *, without: Collection[str] = ()) -> Forecast:
    """Forecast for ``query`` from the measured tasks, leaving out those named in ``without``."""
    cells = [cell for cell in evidence.cells if cell.task not in without]
    known_of: list[Sequence[Measures]] = [
        () if query.measures is None else evidence.measures.get((cell.task, cell.per_class), ())
        for cell in cells
    ]
    away = [distance(query, cell, known) for cell, known in zip(cells, known_of, strict=True)]
    width = BANDWIDTH["described" if query.measures is None else "measured"]
    near = np.array(weights([one / width for one in away]))
    share = (1 - EVERYBODY) * near + EVERYBODY / len(cells)  # (cells,)
    table = np.array([[cell.mean(arm) for arm in evidence.arms] for cell in cells])  # (cells, arms)
    found = leads(query, cells, known_of, table)
    behind = table.max(axis=1, keepdims=True) - table
    offsets = np.array(
        [
            _logit(cell, float(row.mean())) - _start(cell.classes, known)
            for cell, row, known in zip(cells, table, known_of, strict=True)
        ]
    )
    start = _start(query.classes, () if query.measures is None else (query.measures,))
    order = np.argsort(-near)
    return Forecast(
        arms=evidence.arms,
        lead=found.value,
        doubt=found.doubt,
        spread=np.array([_quantiles(behind[:, arm], share, (0.1, 0.9)) for arm in range(table.shape[1])]),
        level=start + float(share @ offsets),
        best_share=share @ (behind <= SMALL_LOSS),
        neighbours=tuple(
            Neighbour(task=cells[one].task, per_class=cells[one].per_class, weight=float(near[one]))
            for one in order
        ),
        nearest=min(away),
    )


def queries(evidence: Evidence, cell: Cell, basis: Basis, said: Collection[str] = ANSWERS) -> list[Query]:
    """Ask about a measured cell as if it were new: one query, or one with each seed's measures.

    ``said`` names the answers that a description gives; to the other questions it says "I don't know".
    """
    task = TASKS[cell.task]
    description = Description(
        per_class=max(2, round(cell.per_class_mean)),
        classes=cell.classes,
        similarity=task.similarity if "similarity" in said else None,
        difference=task.difference if "difference" in said else None,
        imaging=task.imaging if "imaging" in said else None,
    )
    query = Query(per_class=cell.per_class_mean, classes=cell.classes, description=description)
    if basis == "described":
        return [query]
    return [
        replace(query, measures=one, probed=basis == "probed")
        for one in evidence.measures.get((cell.task, cell.per_class), ())
    ]


@cache
def typical(
    backbone: str, basis: Basis, without: str = "", said: tuple[str, ...] = ANSWERS
) -> tuple[float, float]:
    """How far off forecasts are: (80 % quantile of errors on the logit scale, median distance to the nearest task).

    Every measured task is forecast from the others; ``without`` names a task that must not be seen at all.
    """
    evidence = shipped.load(backbone)
    assert evidence is not None
    errors, distances = [], []
    for cell in evidence.cells:
        if cell.task == without:
            continue
        for query in queries(evidence, cell, basis, said):
            found = forecast(query, evidence, without={cell.task, without})
            mean = sum(cell.means.values()) / len(cell.means)
            errors.append(abs(_logit(cell, mean) - found.level))
            distances.append(found.nearest)
    # The finite-sample quantile of conformal prediction: Vovk et al. 2005; Angelopoulos & Bates 2021, arXiv 2107.07511.
    place = min(1.0, COVERAGE * (1 + 1 / len(errors)))
    return float(np.quantile(errors, place)), float(np.median(distances))


def accuracy(logit: float) -> float:
    """Back from the logit scale to 0-1."""
    return float(1 / (1 + np.exp(-logit)))


def _logit(cell: Cell, share: float) -> float:
    """Log odds of being right, with half an image added on either side so that 100 % is a number."""
    hits = share * cell.test_images
    return log((hits + 0.5) / (cell.test_images - hits + 0.5))


def _start(classes: int, measures: Sequence[Measures]) -> float:
    """What is known of a task's difficulty beforehand: its best k-NN vote, else its chance level."""
    if not measures:
        return log(1 / max(classes - 1, 1))
    return sum(_votes(one) for one in measures) / len(measures)


def _votes(measures: Measures) -> float:
    best = max(stage.neighbours.value for stage in measures.stages)
    hits = best * measures.images
    return log((hits + 0.5) / (measures.images - hits + 0.5))


def _quantiles(values: Floats, share: Floats, places: tuple[float, ...]) -> tuple[float, ...]:
    order = np.argsort(values)
    reached = np.cumsum(share[order]) / share.sum()
    return tuple(float(values[order][np.searchsorted(reached, place)]) for place in places)

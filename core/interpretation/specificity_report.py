"""General to specific: the figures of one network on one data set, stage by stage, and what they say. Torch-free."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.interpretation.quartiles import Quartiles
from core.metrics.classification import wilson
from core.metrics.comparison import paired_difference
from core.metrics.report import Difference, Interval
from core.metrics.verdict import judged, turned, written
from core.words import interval, percent

Measure = Literal["probe", "neighbours"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """How many images were named rightly out of some features; ``right`` (N,) bool, in the sample's order."""

    right: NDArray[np.bool_]

    @property
    def accuracy(self) -> Interval:
        """Share of right images with its Wilson interval.

        Each image counts once, as predicted by a classifier that has not seen it. The interval says how much the
        share would vary with other test images; that the classifiers would differ, too, is not in it (Bates,
        Hastie & Tibshirani 2021, arXiv 2104.00673). So it is too narrow: over 200 simulated data sets each
        (Gaussian classes; 60 to 600 images) it held the expected accuracy 83 to 93 % of the time instead of 95 %.
        A t interval over repeated folds would be worse: it shrinks with every repetition without a new image.
        """
        return wilson(int(self.right.sum()), len(self.right))


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The same features, read in both ways."""

    probe: Reading
    neighbours: Reading

    def by(self, measure: Measure) -> Reading:
        """Look up one of the two."""
        return self.probe if measure == "probe" else self.neighbours


@dataclass(frozen=True, kw_only=True)
class StageReading:
    """One stage of the network, and of the same architecture with random weights.

    ``selectivity`` has quartiles over the channels; ``shuffled`` is the same with labels dealt out at random;
    None where no channel answers at all. ``cka_random`` compares the two networks' features.
    """

    name: str
    channels: int
    trained: Readings
    random: Readings
    selectivity: Quartiles | None
    shuffled: Quartiles | None
    cka_random: float | None


@dataclass(frozen=True, kw_only=True)
class SpecificityReport:
    """All stages, from the input. ``cka`` is [stage][stage], debiased; ``chance`` names the commonest class."""

    stages: tuple[StageReading, ...]
    cka: tuple[tuple[float | None, ...], ...]
    images: int
    classes: int
    chance: float
    voters: int  # nearest neighbours that vote
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ClassicalReading:
    """Features that nobody trained on photographs: their name, length and readings."""

    name: str
    size: int
    readings: Readings


def peak(report: SpecificityReport, measure: Measure = "probe") -> int:
    """Number of the stage that most images are named by; of equals the first."""
    return int(np.argmax([stage.trained.by(measure).right.sum() for stage in report.stages]))


def against_last(report: SpecificityReport, measure: Measure = "probe") -> Difference | None:
    """The best stage minus the last on the same images; None where the last is the best."""
    best = peak(report, measure)
    if best == len(report.stages) - 1:
        return None
    first, last = report.stages[best], report.stages[-1]
    return paired_difference(
        first.trained.by(measure).right,
        last.trained.by(measure).right,
        (first.name, last.name),
        comparisons=len(report.stages),
    )


def findings(
    report: SpecificityReport, classical: Sequence[ClassicalReading] = (), measure: Measure = "probe"
) -> tuple[str, ...]:
    """Say in one to three sentences what was found. Markdown: bold is the only markup.

    A stage that was picked because it is the best has had as many tries as there are stages, so the intervals of its
    differences are made wider by that number (Bonferroni) before one is claimed.
    """
    tries = len(report.stages)
    best = report.stages[peak(report, measure)].trained.by(measure).right
    said = [_where(report, measure)]
    control = max(report.stages, key=lambda stage: int(stage.random.by(measure).right.sum()))
    random = control.random.by(measure)
    gap = paired_difference(best, random.right, comparisons=tries * tries).difference
    value = f"{percent(random.accuracy.value)} (after {control.name})"
    found = judged(gap)
    if found == "no difference":
        said.append(f"Random weights reach {value}: **no difference seen** ({written(gap)}).")
    elif found == "helps":
        said.append(f"Random weights reach {value} at best: **learning gave {_size(gap)}**.")
    else:
        said.append(f"Random weights reach {value}: **here they beat what was learned, by {_size(gap)}**.")
    if classical:
        top = max(classical, key=lambda one: int(one.readings.by(measure).right.sum()))
        other = top.readings.by(measure)
        gap = paired_difference(best, other.right, comparisons=tries * len(classical)).difference
        value = percent(other.accuracy.value)
        found = judged(gap)
        if found == "no difference":
            said.append(
                f"{top.name}, without any learned filter, reaches {value}: **no difference seen** ({written(gap)})."
            )
        elif found == "helps":
            said.append(f"{top.name}, without any learned filter, reaches {value}: {_size(gap)} less.")
        else:
            said.append(
                f"**{top.name} wins with {value}**, without any learned filter: {_size(gap)} more than the best "
                "stage."
            )
    return tuple(said)


def _where(report: SpecificityReport, measure: Measure) -> str:
    best, last = report.stages[peak(report, measure)], report.stages[-1]
    accuracy = best.trained.by(measure).accuracy
    start = (
        f"These classes are read best after **{best.name}**: {percent(accuracy.value)} "
        f"{interval(accuracy.low, accuracy.high)}"
    )
    lead = against_last(report, measure)
    if lead is None:
        return f"{start}. It is the last stage: nothing they need is lost on the way."
    if judged(lead.difference) == "helps":
        return f"{start}, **{_size(lead.difference)} more than after the last stage**, {last.name}."
    return (
        f"{start}, but **not better than the last stage**, {last.name}, beyond chance: best of "
        f"{len(report.stages)}, {written(lead.difference)}."
    )


def _size(gap: Interval) -> str:
    """Write the size of a difference with its interval, whichever way it points."""
    return written(gap if gap.value > 0 else turned(gap), sign=False)

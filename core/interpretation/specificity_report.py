"""General to specific: the figures of one network on one data set, stage by stage, and what they say. Torch-free."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.interpretation.quartiles import Quartiles
from core.metrics.classification import wilson
from core.metrics.comparison import ALPHA, paired_difference
from core.metrics.report import Difference, Interval
from core.words import interval, percent, points

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
        first.trained.by(measure).right, last.trained.by(measure).right, (first.name, last.name)
    )


def findings(
    report: SpecificityReport, classical: Sequence[ClassicalReading] = (), measure: Measure = "probe"
) -> tuple[str, ...]:
    """Say in one to three sentences what was found. Markdown: bold is the only markup.

    A stage that was picked because it is the best has had as many tries as there are stages, so its p-values are
    multiplied by that number (Bonferroni) before a difference is claimed.
    """
    tries = len(report.stages)
    best = report.stages[peak(report, measure)]
    said = [_where(report, measure, tries)]
    control = max(report.stages, key=lambda stage: int(stage.random.by(measure).right.sum()))
    gap = paired_difference(best.trained.by(measure).right, control.random.by(measure).right)
    value = f"{percent(control.random.by(measure).accuracy.value)} (after {control.name})"
    if not _real(gap, tries * tries):
        said.append(f"Random weights reach {value}: **no difference that these images could show**.")
    elif gap.difference.value > 0:
        said.append(f"Random weights reach {value} at best: **learning gave {_points(gap)}**.")
    else:
        said.append(f"Random weights reach {value}: **here they beat what was learned, by {_points(gap)}**.")
    if classical:
        top = max(classical, key=lambda one: int(one.readings.by(measure).right.sum()))
        gap = paired_difference(best.trained.by(measure).right, top.readings.by(measure).right)
        value = percent(top.readings.by(measure).accuracy.value)
        if not _real(gap, tries * len(classical)):
            said.append(f"{top.name}, without any learned filter, reaches {value}: **too close to call**.")
        elif gap.difference.value > 0:
            said.append(f"{top.name}, without any learned filter, reaches {value}: {_points(gap)} less.")
        else:
            said.append(
                f"**{top.name} wins with {value}**, without any learned filter: {_points(gap)} more than the best "
                "stage."
            )
    return tuple(said)


def _where(report: SpecificityReport, measure: Measure, tries: int) -> str:
    best, last = report.stages[peak(report, measure)], report.stages[-1]
    accuracy = best.trained.by(measure).accuracy
    start = (
        f"These classes are read best after **{best.name}**: {percent(accuracy.value)} "
        f"{interval(accuracy.low, accuracy.high)}"
    )
    gap = against_last(report, measure)
    if gap is None:
        return f"{start}. It is the last stage: nothing they need is lost on the way."
    if _real(gap, tries):
        return f"{start}, **{_points(gap)} more than after the last stage**, {last.name}."
    if gap.difference.low > 0:  # one comparison would pass, the best of several does not
        return f"{start}. **Too close to call** against the last stage, {last.name}: {_signed(gap)}, best of {tries}."
    return f"{start}, but **not better than the last stage**, {last.name}, beyond chance ({_signed(gap)})."


def _real(gap: Difference, tries: int) -> bool:
    """Whether a difference stands after ``tries`` attempts at finding one."""
    outside = gap.difference.low > 0 or gap.difference.high < 0
    return outside and (gap.p_value is None or gap.p_value * tries < ALPHA)


def _points(gap: Difference) -> str:
    """Write the size of a difference with its interval, whichever way it points."""
    low, high = sorted((abs(gap.difference.low), abs(gap.difference.high)))
    return f"{points(abs(gap.difference.value), sign=False)} {interval(low, high)}"


def _signed(gap: Difference) -> str:
    return f"{points(gap.difference.value)} {interval(gap.difference.low, gap.difference.high)}"

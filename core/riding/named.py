"""The names of what learning curves show, each with its meaning in plain words and how it is measured here."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from core.metrics.report import Interval
from core.riding.experiment_report import GOAL, RiderCurve, RidingReport, mean, median

TORREY = "Torrey & Shavlik 2009, “Transfer Learning”, Handbook of Research on Machine Learning Applications"
MCCLOSKEY = "McCloskey & Cohen 1989, Psychology of Learning and Motivation 24"
LAST_TESTS = 6  # averaged for the asymptote: from 200 updates on, one every 20


@dataclass(frozen=True, kw_only=True)
class Term:
    """One name."""

    name: str  # as in addresses
    title: str
    meaning: str  # one sentence
    source: str


TERMS: dict[str, Term] = {
    one.name: one
    for one in (
        Term(
            name="jump_start",
            title="Jump-start",
            meaning="You begin better, before any practice.",
            source=TORREY,
        ),
        Term(
            name="slope",
            title="Slope",
            meaning="You improve faster: how many points of survival each update adds, until 90 % are reached.",
            source=TORREY,
        ),
        Term(
            name="asymptote", title="Asymptote", meaning="Where you end, with practice enough.", source=TORREY
        ),
        Term(
            name="negative_transfer",
            title="Negative transfer",
            meaning="What you learned before stands in your way: you need more updates to 90 % than a beginner.",
            source=TORREY,
        ),
        Term(
            name="forgetting",
            title="Forgetting",
            meaning="Learning the new costs some of the old.",
            source=MCCLOSKEY,
        ),
    )
}


def jump_start(report: RidingReport, arm: str = "bicycle") -> Interval:
    """Survival before practice, ``arm`` minus scratch: seed by seed, averaged."""
    return mean(report.curve(arm).at(0) - report.curve("scratch").at(0))


def slope(curve: RiderCurve) -> tuple[int, float] | None:
    """Read the average curve: (updates until the goal, survival gained in each); None if it gets nowhere.

    A curve that begins at the goal has nothing to gain: (0, 0).
    """
    average = curve.survival.mean(axis=0)
    reached = np.flatnonzero(average >= GOAL)
    if not len(reached):
        return None
    updates = curve.updates[int(reached[0])]
    return updates, float(average[reached[0]] - average[0]) / updates if updates else 0.0


def asymptote(long: RidingReport, arm: str) -> Interval:
    """Average survival over the last `LAST_TESTS` tests, and over seeds."""
    return mean(long.curve(arm).survival[:, -LAST_TESTS:].mean(axis=1))


def asymptote_gain(long: RidingReport, arm: str = "bicycle") -> Interval:
    """Compare `asymptote`, ``arm`` minus scratch: seed by seed, averaged."""
    ends = [long.curve(name).survival[:, -LAST_TESTS:].mean(axis=1) for name in (arm, "scratch")]
    return mean(ends[0] - ends[1])


def more_updates(report: RidingReport, arm: str = "reversed") -> Interval | None:
    """Count the updates until the goal beyond what scratch needed, seed by seed: their median.

    Positive is negative transfer. None while too few have got there to tell.
    """
    own, scratch = (report.curve(name).until_goal() for name in (arm, "scratch"))
    known = np.isfinite(scratch)
    if not known.any():
        return None
    found = median(own[known] - scratch[known])
    return found if isfinite(found.value) else None


def forgetting(forgot: RidingReport, arm: str = "bicycle") -> Interval:
    """Survival on the bicycle before practising the motorcycle, minus after: seed by seed, averaged."""
    survival = forgot.curve(arm).survival
    return mean(survival[:, 0] - survival[:, -1])

"""What an experiment found: learning curves over seeds, and the numbers read from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import errors
from core.metrics.report import Interval

GOAL = 0.9  # "learned": nine of ten test rides upright to the end
RESAMPLES = 4000
BOOTSTRAP = f"95 % percentile bootstrap over seeds, {RESAMPLES:,} resamples"


@dataclass(frozen=True, kw_only=True)
class RiderCurve:
    """One arm's learning, test by test."""

    arm: str
    updates: tuple[int, ...]  # (tests,) how many updates of practice came before
    survival: NDArray[np.float64]  # (seeds, tests), 0-1
    seconds: NDArray[np.float64]  # (seeds, tests) upright, of `rides.TEST_SECONDS`

    def at(self, update: int) -> NDArray[np.float64]:
        """Survival of every seed after ``update`` updates; `SettingsError` if there was no test then."""
        errors.one_of("update", update, self.updates)
        found: NDArray[np.float64] = self.survival[:, self.updates.index(update)]
        return found

    def until_goal(self, goal: float = GOAL) -> NDArray[np.float64]:
        """Updates until the first test with at least ``goal`` upright, per seed; infinite where none had."""
        reached = self.survival >= goal
        first = np.array(self.updates, dtype=np.float64)[reached.argmax(axis=1)]
        return np.where(reached.any(axis=1), first, inf)

    def to_json(self) -> dict[str, Any]:
        """Plain values, rounded finer than the 96 rides of a test can tell."""
        return {
            "arm": self.arm,
            "updates": list(self.updates),
            "survival": np.round(self.survival, 4).tolist(),
            "seconds": np.round(self.seconds, 3).tolist(),
        }

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> "RiderCurve":
        """Read what `to_json` wrote."""
        return cls(
            arm=read["arm"],
            updates=tuple(read["updates"]),
            survival=np.array(read["survival"], dtype=np.float64),
            seconds=np.array(read["seconds"], dtype=np.float64),
        )


def mean(values: NDArray[np.float64]) -> Interval:
    """Average over seeds, (seeds,), with its interval (`BOOTSTRAP`)."""
    low, high = np.percentile(_resampled(values).mean(axis=1), [2.5, 97.5])
    return Interval(value=float(values.mean()), low=float(low), high=float(high))


def median(values: NDArray[np.float64]) -> Interval:
    """Take the median over seeds, (seeds,), with its interval; some values may be infinite."""
    medians = _middle(_resampled(values))
    low, high = np.percentile(medians, [2.5, 97.5], method="inverted_cdf")
    return Interval(value=float(_middle(values[None])[0]), low=float(low), high=float(high))


def band(survival: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Average (seeds, tests) over seeds, and bound it test by test (`BOOTSTRAP`): mean, low, high, (tests,) each."""
    seeds = len(survival)
    low, high = np.percentile(_shares(seeds) @ survival, [2.5, 97.5], axis=0)
    return survival.mean(axis=0), low, high


def _resampled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[_choices(len(values))]


@cache
def _choices(seeds: int) -> NDArray[np.int64]:
    """Which seeds each resample drew: (`RESAMPLES`, seeds)."""
    return np.random.default_rng(0).integers(0, seeds, (RESAMPLES, seeds))


@cache
def _shares(seeds: int) -> NDArray[np.float64]:
    """How much of each resample every seed makes up: (`RESAMPLES`, seeds)."""
    counts = np.zeros((RESAMPLES, seeds))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], _choices(seeds)), 1.0)
    return counts / seeds


def _middle(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each row; the mean of the two middle values, infinite if one of them is."""
    ordered = np.sort(values, axis=1)
    n = ordered.shape[1]
    middle: NDArray[np.float64] = (ordered[:, (n - 1) // 2] + ordered[:, n // 2]) / 2
    return middle


@dataclass(frozen=True, kw_only=True)
class RidingReport:
    """All arms of one experiment on one machine."""

    target: str  # a machine's name
    seeds: tuple[int, ...]
    curves: tuple[RiderCurve, ...]

    def curve(self, arm: str) -> RiderCurve:
        """Find an arm's curve; `SettingsError` if it took no part."""
        by_name = {one.arm: one for one in self.curves}
        errors.one_of("arm", arm, by_name)
        return by_name[arm]

    def has(self, arms: Sequence[str]) -> bool:
        """Did all ``arms`` take part?"""
        return set(arms) <= {one.arm for one in self.curves}

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "target": self.target,
            "seeds": list(self.seeds),
            "curves": [one.to_json() for one in self.curves],
        }

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> "RidingReport":
        """Read what `to_json` wrote."""
        return cls(
            target=read["target"],
            seeds=tuple(read["seeds"]),
            curves=tuple(RiderCurve.from_json(one) for one in read["curves"]),
        )

"""What a ride is, for every rider and every machine alike: how it starts, what pushes, what counts as a fall.

The numbers are this lab's own experiment, chosen once and then measured; the page shows them as its conditions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.riding.dynamics import Array, discretise, state_matrices
from core.riding.machines import Machine

DT = 0.02  # s: one step
SPEEDS = (3.0, 3.5, 4.0)  # m/s; below every machine's stable range, so that nobody stays up by himself
PRACTICE_SECONDS = 4.0
TEST_SECONDS = 6.0
TEST_STARTS = 96  # rides a test, as many at each speed

START = np.array([0.1, 0.05, 0.2, 0.2, 0.1, 1.0])  # a start lies within ± this, in the units of the state
GUST = 0.06  # a gust's standard deviation in each step, in parts of m·g·h, the torque of lying flat
FALL = np.array([0.5, 1.0])  # rad of roll (29°) and of steer (57°): beyond either, it has fallen
MOST_TORQUE = 50.0  # N·m on every machine: the same arms

# What counts as much of each state; the policy sees the state in these units.
TYPICAL = np.array([0.1, 0.1, 0.5, 1.0, 0.2, 1.0])
FALLEN_COST = 8.0  # of every step on the ground, and the most that any step costs


@dataclass(frozen=True, kw_only=True)
class Track:
    """One machine at the three `SPEEDS`: its exact steps, and how hard gusts push it."""

    a: Array  # (speeds, 6, 6)
    b: Array  # (speeds, 6), for each N·m of the hands
    g: Array  # (speeds, 6), for each N·m of a gust
    gust: float  # N·m, standard deviation


def track(machine: Machine, *, reversed: bool = False) -> Track:
    """Prepare ``machine`` for riding, with the handlebar ``reversed`` or not."""
    steps = [discretise(*state_matrices(machine, v, reversed), DT) for v in SPEEDS]
    a, b, g = (np.stack(parts) for parts in zip(*steps, strict=True))
    return Track(a=a, b=b, g=g, gust=GUST * machine.mass * machine.gravity * machine.height)


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Where rides start and how they are pushed; the same for whoever rides under them."""

    starts: NDArray[np.float32]  # (..., speeds, rides, 6)
    gusts: NDArray[np.float32]  # (steps, ..., speeds, rides), in standard deviations


def draw(random: np.random.Generator, *, rides: int, seconds: float) -> Conditions:
    """Draw ``rides`` at each speed: starts uniform within ± `START`, gusts normal and new in every step."""
    steps = round(seconds / DT)
    return Conditions(
        starts=(random.uniform(-1, 1, (len(SPEEDS), rides, 6)) * START).astype(np.float32),
        gusts=random.standard_normal((steps, len(SPEEDS), rides)).astype(np.float32),
    )


def exam() -> Conditions:
    """Draw the rides of the test: the same for everybody, always."""
    return draw(np.random.default_rng(20070), rides=TEST_STARTS // len(SPEEDS), seconds=TEST_SECONDS)

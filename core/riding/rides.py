"""What a ride is, for every rider and every machine alike: how it starts, what pushes, what counts as a fall.

The numbers are this lab's own experiment, chosen once and then measured; the page shows them as its conditions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.arrays import Floats
from core.riding.dynamics import discretise, state_matrices
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

# As much as a ride has of each state; the rider feels the state in these units.
TYPICAL = np.array([0.1, 0.1, 0.5, 1.0, 0.2, 1.0])
# A step costs more the less it is upright, straight ahead and on the line: q = Σ WEIGHT·(x/TYPICAL)², counted
# as q / (1 + q / FALLEN_COST), which never exceeds the cost of a step on the ground.
WEIGHT = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
FALLEN_COST = 8.0


@dataclass(frozen=True, kw_only=True)
class Track:
    """A machine at each of `SPEEDS`: one exact step of `DT`."""

    step: Floats  # (speeds, 7, 6): [x, u] @ step is the next x, u in N·m
    gust: Floats  # (speeds, 6): what a gust of one standard deviation adds to x


def gust_torque(machine: Machine) -> float:
    """Say how hard gusts push ``machine``: their standard deviation in N·m."""
    return GUST * machine.mass * machine.gravity * machine.height


def track(machine: Machine, *, reversed: bool = False) -> Track:
    """Prepare ``machine`` for riding, with the handlebar ``reversed`` or not."""
    steps = [discretise(*state_matrices(machine, v, reversed), DT) for v in SPEEDS]
    return Track(
        step=np.stack([np.vstack([a.T, b]) for a, b, _ in steps]),
        gust=np.stack([gust_torque(machine) * g for _, _, g in steps]),
    )


@dataclass(frozen=True, kw_only=True)
class StartsAndGusts:
    """Where rides start and how they are pushed; the same for whoever rides under them."""

    starts: NDArray[np.float32]  # (speeds, rides, 6), or (riders, speeds, rides, 6)
    # in standard deviations: (steps, speeds, rides), or (steps, riders, speeds, rides)
    gusts: NDArray[np.float32]


def draw(random: np.random.Generator, *, rides: int, seconds: float) -> StartsAndGusts:
    """Draw ``rides`` at each speed: starts uniform within ± `START`, gusts normal and new in every step."""
    steps = round(seconds / DT)
    return StartsAndGusts(
        starts=(random.uniform(-1, 1, (len(SPEEDS), rides, 6)) * START).astype(np.float32),
        gusts=random.standard_normal((steps, len(SPEEDS), rides)).astype(np.float32),
    )


def exam() -> StartsAndGusts:
    """Draw the rides of the test: the same for everybody, always."""
    return draw(np.random.default_rng(20070), rides=TEST_STARTS // len(SPEEDS), seconds=TEST_SECONDS)

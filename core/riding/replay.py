"""Rides to look at: what the shipped riders do in the test, step by step."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core import errors
from core.riding import measured, policy, rides
from core.riding.machines import SHARP_1971
from core.riding.simulate import Simulation, Tracks

SPEED_PLACE = 1  # the middle one of `rides.SPEEDS`
SPEED = rides.SPEEDS[SPEED_PLACE]
RIDES = rides.TEST_STARTS // len(rides.SPEEDS)  # test rides at that speed
ARMS = ("scratch", "bicycle", "reversed")


@dataclass(frozen=True, kw_only=True)
class Replay:
    """One rider on the motorcycle in one test ride."""

    arm: str
    states: NDArray[np.float32]  # (steps + 1, 6); where he fell, he stays
    seconds: float  # upright
    fell: bool


@dataclass(frozen=True, kw_only=True)
class _Test:
    states: NDArray[np.float32]  # (steps + 1, arms, RIDES, 6)
    count: NDArray[np.int64]  # (arms, RIDES), steps upright
    survived: tuple[int, ...]  # per arm, of all `rides.TEST_STARTS`


def updates() -> tuple[int, ...]:
    """List after how much practice there are riders to look at."""
    return tuple(sorted({int(name.split(".")[1]) for name in measured.riders()}))


def replay(ride: int, *, update: int = 0) -> tuple[Replay, ...]:
    """Let the riders of `ARMS` ride test ride ``ride`` (from 0) after ``update`` updates of practice."""
    errors.within("ride", ride, 0, RIDES - 1)
    errors.one_of("update", update, updates())
    test = _test(update)
    steps = len(test.states) - 1
    return tuple(
        Replay(
            arm=arm,
            states=test.states[:, place, ride],
            seconds=float(rides.DT * test.count[place, ride]),
            fell=bool(test.count[place, ride] < steps),
        )
        for place, arm in enumerate(ARMS)
    )


def survived(update: int = 0) -> dict[str, int]:
    """Count in how many of all `rides.TEST_STARTS` test rides each of these riders stays up."""
    errors.one_of("update", update, updates())
    return dict(zip(ARMS, _test(update).survived, strict=True))


def telling() -> int:
    """Find the first ride that shows what is typical: only who comes from the bicycle stays up, after a wobble."""
    for ride in range(RIDES):
        scratch, bicycle, turned = replay(ride)
        if scratch.fell and turned.fell and not bicycle.fell and turned.seconds < scratch.seconds:
            return ride
    return 0


@cache
def _test(update: int) -> _Test:
    riders = policy.together([measured.riders()[f"{arm}.{update}"] for arm in ARMS])
    conditions = rides.exam()
    steps = len(conditions.gusts)
    simulation = Simulation(len(ARMS), RIDES, steps, recorded=True)
    count = simulation.run(riders, Tracks.of([rides.track(SHARP_1971)], len(ARMS)), conditions)
    here = slice(SPEED_PLACE * RIDES, (SPEED_PLACE + 1) * RIDES)
    return _Test(
        states=simulation.recording().states[:, :, here].copy(),
        count=count[:, here],
        survived=tuple(int(one) for one in (count == steps).sum(axis=1)),
    )

"""What riders say while they learn, beside `core.events`. Torch-free."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.events import Event
from core.riding.experiment_report import RiderCurve, RidingReport


@dataclass(frozen=True, kw_only=True)
class RidersStarted(Event):
    """Who learns what; ``tests`` are the updates after which all are tested, the last one ends it."""

    kind: ClassVar[str] = "riders"
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    target: str  # a machine's name
    tests: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RidersTested(Event):
    """A test of all riders after ``update`` updates."""

    kind: ClassVar[str] = "tested"
    update: int
    survival: NDArray[np.float64] = field(repr=False)  # (arms, seeds), 0-1
    seconds: NDArray[np.float64] = field(repr=False)  # (arms, seeds) upright, of `rides.TEST_SECONDS`


EVENTS: tuple[type[Event], ...] = (RidersStarted, RidersTested)


def report(events: Iterable[Event]) -> RidingReport | None:
    """Lay all tests so far behind each other; None before the first one."""
    started: RidersStarted | None = None
    tests: list[RidersTested] = []
    for event in events:
        if isinstance(event, RidersStarted):
            started, tests = event, []
        elif isinstance(event, RidersTested):
            tests.append(event)
    if started is None or not tests:
        return None
    return RidingReport(
        target=started.target,
        seeds=started.seeds,
        curves=tuple(
            RiderCurve(
                arm=arm,
                updates=tuple(test.update for test in tests),
                survival=np.stack([test.survival[place] for test in tests], axis=1),
                seconds=np.stack([test.seconds[place] for test in tests], axis=1),
            )
            for place, arm in enumerate(started.arms)
        ),
    )

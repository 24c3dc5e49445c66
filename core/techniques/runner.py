"""The frame of an experiment: its seeds, one after the other, and how far the whole of it is. Torch-free."""

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from core.events import Event, Progress
from core.techniques.report import Report
from core.techniques.technique import Settings

T = TypeVar("T")
Events = Generator[Event, None, None]


def each_seed(
    settings: Settings,
    one_seed: Callable[[int], Events],
    report: Report | None = None,
    *,
    begin: float = 0.0,
    end: float = 1.0,
) -> Events:
    """Run ``one_seed(seed)``, whose `Progress` goes from 0 to 1, for every seed: "Seed 2 of 5: DANN".

    All seeds together are the part ``begin`` to ``end`` (0-1) of the experiment. ``report`` takes every event before
    it is passed on, so that what is said at the end can be computed from it.
    """
    for number, seed in enumerate(settings.every_seed):
        first, last = (begin + (end - begin) * place / settings.seeds for place in (number, number + 1))
        prefix = f"Seed {number + 1} of {settings.seeds}: "
        for event in within(first, last, one_seed(seed), prefix):
            if report is not None:
                report.take(event)
            yield event


def within(
    begin: float, end: float, events: Generator[Event, None, T], prefix: str = ""
) -> Generator[Event, None, T]:
    """Pass ``events`` on, and return what they return; their `Progress` (0-1) is the part ``begin`` to ``end``.

    ``prefix`` goes before what each `Progress` says.
    """
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if isinstance(event, Progress):
            # Not begin + (end - begin) * share: rounded, that may end behind where the next part begins.
            done = begin * (1 - event.share) + end * event.share
            event = Progress(phase=prefix + event.phase, done=done)
        yield event


def working(phase: str, shares: Iterable[float]) -> Generator[Progress, None, None]:
    """Say ``phase`` for each of the ``shares`` (0-1) that a training has done."""
    for share in shares:
        yield Progress(phase=phase, done=share)

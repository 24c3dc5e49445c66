"""Riders who learn a machine, with and without what they learned on another one. Torch-free."""

import time
from collections.abc import Iterator
from math import isfinite
from typing import Any, ClassVar

from core import errors
from core.events import Ended, Event
from core.riding import events as riding_events
from core.riding import experiment
from core.riding.config import RidingConfig
from core.riding.experiment_report import RidingReport, median
from core.runs.kinds.kind import Kind, Shown, Work
from core.runs.kinds.lanes import RIDES, Lane

FORMAT = 1  # of result.json; raised when a field changes its meaning


class RidersShown(Shown):
    """What riders have learned so far, test by test."""

    event_types: ClassVar[tuple[type[Event], ...]] = riding_events.EVENTS

    def __init__(self) -> None:
        super().__init__()
        self._told: list[Event] = []

    @property
    def report(self) -> RidingReport | None:
        """All tests so far; None before the first one."""
        return riding_events.report(self._told)

    def learned(self, event: Event, at: float | None) -> None:
        """Take in who rides, or a test of all riders."""
        self._told.append(event)

    def resumed(self, epoch: int) -> None:
        """Begin anew."""
        super().resumed(epoch)
        self._told = []


class Riding(Kind):
    """One run of `core.riding.experiment.run`."""

    name: ClassVar[str] = "riding"
    lane: ClassVar[Lane] = RIDES
    imports: ClassVar[tuple[str, ...]] = ("core.riding.experiment", "scipy.linalg")

    def read_config(self, values: dict[str, Any]) -> RidingConfig:
        """Rebuild what was asked."""
        return RidingConfig.from_json(values)

    def title(self, config: RidingConfig, data: str) -> str:
        """Name the machine, and how many riders learn it."""
        return f"Riders learn the motorcycle · {len(config.seeds)} each"

    def events(self, work: Work) -> Iterator[Event]:
        """Let them practise."""
        began = time.monotonic()
        config: RidingConfig = work.config
        yield from experiment.run(config.arms, config.seeds, target=config.target, tests=config.tests)
        yield Ended(seconds=time.monotonic() - began)

    def shown(self, config: RidingConfig) -> RidersShown:
        """Begin with nothing told."""
        return RidersShown()

    def result(self, title: str, shown: RidersShown) -> dict[str, Any]:
        """Gather every rider's test rides."""
        report = _whole(shown)
        return {
            "format": FORMAT,
            "kind": self.name,
            "title": title,
            "seconds": shown.seconds,
            **report.to_json(),
        }

    def summary(self, shown: RidersShown) -> dict[str, Any]:
        """Say after how many updates each group had learned it."""
        says = []
        for curve in _whole(shown).curves:
            updates = median(curve.until_goal()).value
            learned = f"learned after {updates:.0f} updates" if isfinite(updates) else "not learned"
            says.append(f"{experiment.ARMS[curve.arm].short}: {learned}")
        return {"kind": self.name, "says": "; ".join(says), "seconds": shown.seconds}


def _whole(shown: RidersShown) -> RidingReport:
    report = shown.report
    if report is None:
        raise errors.RunError("Nothing has been measured yet; wait a moment.")
    return report

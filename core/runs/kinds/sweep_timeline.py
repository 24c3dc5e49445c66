"""A sweep's log read into what a page draws: what is measured, where it is, the time left. Torch-free.

Feed it what `service.events` returns, poll after poll.
"""

from collections.abc import Iterable
from statistics import median
from typing import Any

from core.training import sweep_events
from core.training.sweep_log import SweepLog
from core.training.sweep_report import SweepReport, report


class SweepTimeline:
    """Everything that a page of a sweep shows; grows by `absorb`."""

    def __init__(self) -> None:
        self.log = SweepLog()
        self.progress: dict[str, Any] | None = None  # the last `Progress` event, None once an arm is done
        self.notes: list[str] = []
        self._report: SweepReport | None = None

    def absorb(self, events: Iterable[dict[str, Any]]) -> None:
        """Take in further lines of the log, in order."""
        for line in events:
            event = sweep_events.read(line)
            if event is not None:
                self.log.absorb(event)
                self.progress = self._report = None
            elif line["event"] == "progress":
                self.progress = line
            elif line["event"] == "resumed":
                self.progress = None
            elif line["event"] == "note" and line["message"] not in self.notes:
                self.notes.append(line["message"])

    @property
    def report(self) -> SweepReport | None:
        """What is known so far, worked out once after each arm; None before the sweep has begun."""
        if self._report is None and self.log.started is not None:
            self._report = report(self.log)
        return self._report

    @property
    def arm(self) -> tuple[str, int] | None:
        """Which (arm, seed) is being measured; None before the first and after the last."""
        if self.progress is None or self.progress["phase"] not in self.log.done:
            return None
        name = self.progress["phase"]
        return next((one for one in self.log.missing if one[0] == name), None)

    @property
    def done(self) -> float:
        """The share of the work that is done, 0-1: the pass that fills the caches counts as one arm."""
        if self.log.finished is not None:
            return 1.0
        if self.log.started is None:
            return 0.0
        measured = len(self.log.arms_done)
        total = 1 + measured + len(self.log.missing)
        filled = 1.0 if self.log.caches is not None and self._phase != "features" else 0.0
        return min(1.0, (filled + measured + self._share) / total)

    @property
    def seconds_left(self) -> float | None:
        """How long what is missing takes at the pace of what was measured; None while an arm's pace is not known."""
        pace = {
            name: median(one.seconds for one in seeds.values())
            for name, seeds in self.log.done.items()
            if seeds
        }
        missing = self.log.missing
        if self.log.finished is not None or not missing or any(name not in pace for name, _ in missing):
            return None
        begun = pace[self.arm[0]] * self._share if self.arm else 0.0
        return max(0.0, sum(pace[name] for name, _ in missing) - begun)

    @property
    def _phase(self) -> str:
        return "" if self.progress is None else str(self.progress["phase"])

    @property
    def _share(self) -> float:
        """How much of the present arm, or of the pass, is done."""
        if self.progress is None or not self.progress["total"]:
            return 0.0
        if self._phase != "features" and self._phase not in self.log.done:
            return 0.0
        return min(1.0, float(self.progress["done"]) / float(self.progress["total"]))

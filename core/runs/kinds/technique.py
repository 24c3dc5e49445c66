"""A technique's experiment: a method of the field beside its baseline and its control, seed by seed. Torch-free."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from core.events import Ended, Event, Note
from core.runs.kinds.kind import Kind, Shown, Work
from core.runs.kinds.lanes import EXPERIMENTS, Lane
from core.techniques import catalogue
from core.techniques.config import ExperimentConfig
from core.techniques.events import EVENTS

if TYPE_CHECKING:
    from core.techniques.report import Report
    from core.techniques.technique import Technique

FORMAT = 1  # of result.json; raised when a field changes its meaning


class ExperimentShown(Shown):
    """What an experiment has found so far."""

    event_types: ClassVar[tuple[type[Event], ...]] = EVENTS

    def __init__(self, technique: "Technique", seeds: int) -> None:
        super().__init__()
        self.report = _nothing_yet(technique, seeds)

    def take(self, event: Event, at: float | None = None) -> None:
        """Take in one more event; what an experiment notes is part of its report."""
        super().take(event, at)
        if isinstance(event, Note):
            self.report.take(event)

    def learned(self, event: Event, at: float | None) -> None:
        """Take in a score or a panel."""
        self.report.take(event)

    def resumed(self, epoch: int) -> None:
        """Begin anew."""
        super().resumed(epoch)
        self.report = _nothing_yet(self.report.technique, self.report.seeds)


class Experiment(Kind):
    """One run of `core.techniques.technique.Technique.run`."""

    name: ClassVar[str] = "technique"
    lane: ClassVar[Lane] = EXPERIMENTS

    @property
    def imports(self) -> tuple[str, ...]:  # type: ignore[override]
        """Every experiment's own file."""
        known = catalogue.techniques().values()
        return ("torch", *(f"{entry.package}.{entry.module}" for entry in known))

    def read_config(self, values: dict[str, Any]) -> ExperimentConfig:
        """Rebuild what was asked, from before a setting existed, too."""
        return ExperimentConfig.from_json(values)

    def title(self, config: ExperimentConfig, data: str) -> str:
        """Name the technique, and how often everything is repeated."""
        return f"{config.entry.title} · {config.settings.seeds} seeds"

    def events(self, work: Work) -> Iterator[Event]:
        """Run the experiment."""
        began = time.monotonic()
        yield from work.config.entry.run(work.config.settings)
        yield Ended(seconds=time.monotonic() - began)

    def shown(self, config: ExperimentConfig) -> ExperimentShown:
        """Begin with nothing told."""
        return ExperimentShown(config.entry, config.settings.seeds)

    def result(self, title: str, shown: ExperimentShown) -> dict[str, Any]:
        """Gather means, intervals, verdict and remarks, and every single score."""
        return {
            "format": FORMAT,
            "kind": self.name,
            "title": title,
            "seconds": shown.seconds,
            **shown.report.to_json(),
            "scores": [score.to_json() for score in shown.report.scores],
        }

    def summary(self, shown: ExperimentShown) -> dict[str, Any]:
        """Pick the verdict."""
        return {"kind": self.name, "says": shown.report.verdict.sentence, "seconds": shown.seconds}


def _nothing_yet(technique: "Technique", seeds: int) -> "Report":
    from core.techniques.report import Report  # SciPy's statistics take a while

    return Report(technique=technique, seeds=seeds)

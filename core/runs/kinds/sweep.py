"""A sweep: every freeze depth of one network on one data set, with several seeds. Torch-free."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

from core import codec
from core.backbones import catalogue
from core.events import Event, OnProgress
from core.runs.kinds import pretrained
from core.runs.kinds.kind import Kind, Shown, Work
from core.runs.kinds.lanes import TRAINING, Lane
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import EVENTS, ArmDone, SweepFinished, SweepStarted
from core.training.sweep_log import SweepLog
from core.training.sweep_report import SweepReport, report

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone

FORMAT = 1  # of result.json; raised when a field changes its meaning


class SweepShown(Shown):
    """Everything that a page shows of a sweep: what is measured, where it is, the time left."""

    event_types: ClassVar[tuple[type[Event], ...]] = EVENTS

    def __init__(self) -> None:
        super().__init__()
        self.log = SweepLog()
        self._report: SweepReport | None = None

    def learned(self, event: Event, at: float | None) -> None:
        """Take in an event of a sweep's own."""
        self.log.absorb(event)
        self.progress = self._report = None
        self.seconds = self.log.finished.seconds if self.log.finished is not None else None

    @property
    def report(self) -> SweepReport | None:
        """What is known so far, worked out once after each arm; None before the sweep has begun."""
        if self._report is None and self.log.started is not None:
            self._report = report(self.log)
        return self._report

    @property
    def arm(self) -> tuple[str, int] | None:
        """Which (arm, seed) is being measured; None before the first and after the last."""
        if self.progress is None or self.progress.phase not in self.log.done:
            return None
        name = self.progress.phase
        return next((missing for missing in self.log.missing if missing[0] == name), None)

    @property
    def done(self) -> float:
        """The share of the work that is done, 0-1: the pass that fills the caches counts as one arm."""
        if self.over:
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
            name: median(done.seconds for done in seeds.values())
            for name, seeds in self.log.done.items()
            if seeds
        }
        missing = self.log.missing
        if self.over or not missing or any(name not in pace for name, _ in missing):
            return None
        begun = pace[self.arm[0]] * self._share if self.arm else 0.0
        return max(0.0, sum(pace[name] for name, _ in missing) - begun)

    @property
    def _phase(self) -> str:
        return "" if self.progress is None else self.progress.phase

    @property
    def _share(self) -> float:
        """How much of the present arm, or of the pass, is done."""
        if self.progress is None or (self._phase != "features" and self._phase not in self.log.done):
            return 0.0
        return self.progress.share


class Sweep(Kind):
    """A sweep, as `core.training.sweep.sweep` does it. What its log holds is the checkpoint."""

    name: ClassVar[str] = "sweep"
    lane: ClassVar[Lane] = TRAINING
    pictures: ClassVar[bool] = True
    imports: ClassVar[tuple[str, ...]] = ("sklearn.linear_model", "core.training.sweep")
    last: ClassVar[type[Event]] = SweepFinished
    milestones: ClassVar[tuple[type[Event], ...]] = (ArmDone,)

    def read_config(self, values: dict[str, Any]) -> SweepConfig:
        """Rebuild settings, from before one of them existed, too."""
        return SweepConfig.from_json(values)

    def check(self, config: SweepConfig) -> None:
        """Refuse a network that does not exist."""
        catalogue.entry(config.backbone)

    def title(self, config: SweepConfig, data: str) -> str:
        """Name the data."""
        return f"All freeze depths · {data}"

    def prepare(self, config: SweepConfig, progress: OnProgress) -> None:
        """Download the pretrained weights, where they are not here yet."""
        pretrained.fetch(config, progress)

    def starting_network(self, config: SweepConfig) -> "Backbone | None":
        """Load the pretrained network for a node of a cluster."""
        return pretrained.network(config)

    def events(self, work: Work) -> Iterator[Event]:
        """Measure all arms that an earlier part has not; all where settings or data are no longer the same."""
        from core.training.sweep import sweep

        assert work.dataset is not None
        log = SweepLog(work.earlier or ())
        same = log.goes_on(work.config.to_json(), work.dataset.fingerprint)
        done = log.arms_done if same else ()
        yield from sweep(work.config, work.dataset, done=done, backbone=work.backbone)

    def earlier(self, directory: Path, shown: Shown) -> tuple[Event, ...]:
        """Read from the log what is measured, and with which settings on which data."""
        assert isinstance(shown, SweepShown)
        return (shown.log.started, *shown.log.arms_done) if shown.log.started is not None else ()

    def went_on(self, earlier: Any, event: Event) -> Any:
        """Add what was measured."""
        return (*earlier, event) if isinstance(event, SweepStarted | ArmDone) else earlier

    def epoch_of(self, earlier: Any) -> None:
        """A sweep's log goes on by itself."""
        return

    def shown(self, config: SweepConfig) -> SweepShown:
        """Begin with nothing told."""
        return SweepShown()

    def result(self, title: str, shown: SweepShown) -> dict[str, Any]:
        """Gather what was asked, what it was measured on, every single measurement, and what follows from them."""
        assert shown.log.started is not None
        assert shown.log.finished is not None
        return {
            "format": FORMAT,
            "kind": self.name,
            "title": title,
            **codec.plain(shown.log.started),
            **codec.plain(shown.log.finished),
            "report": codec.plain(shown.report),
            "measurements": codec.plain(shown.log.arms_done),
            "notes": shown.notes,
        }

    def summary(self, shown: SweepShown) -> dict[str, Any]:
        """Pick the best arm's accuracy with its interval (0-1), and the cheapest that is as good."""
        report, started, finished = shown.report, shown.log.started, shown.log.finished
        assert report is not None
        assert started is not None
        assert finished is not None
        best = report.of(str(report.best))
        assert best is not None
        return {
            "kind": self.name,
            "accuracy": best.accuracy.value,
            "low": best.accuracy.low,
            "high": best.accuracy.high,
            "best": report.best,
            "as_good": report.as_good,
            "cheapest": report.cheapest,
            "seconds": finished.seconds,
            "epochs": started.epochs,
            "caveats": report.caveats,
        }

"""What every kind of run is: settings, a generator of events, a reducer to what is shown, a result. Torch-free.

A new kind is one file beside this one, and one entry in `core.runs.kinds.table`; how it is drawn, one in
`widgets/runs/kinds.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core import events
from core.events import CheckpointReady, Ended, Event, Note, OnProgress, Progress, Resumed
from core.runs.kinds.lanes import Lane
from core.runs.spec import RunConfig, RunSpec

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone
    from core.datasets.dataset import ImageDataset, Splits


class Shown(ABC):
    """Everything that a page shows of a run, while it goes and afterwards; grows by `absorb`, event by event.

    A run that goes on from a checkpoint, or begins anew, says `Resumed`; what came after that point is forgotten,
    since it is about to be told again.
    """

    event_types: ClassVar[tuple[type[Event], ...]]  # of events, beside `core.events.COMMON`

    def __init__(self) -> None:
        self.progress: Progress | None = None  # the last one, None once something was measured after it
        self.notes: list[str] = []
        self.last_at: float | None = None  # time of the last event, seconds since 1970
        self.seconds: float | None = None  # that it took in all; None before its end

    def absorb(self, lines: Iterable[dict[str, Any]]) -> None:
        """Take in further lines of the run's log, in order; of an event that nobody knows (any more), nothing."""
        for line in lines:
            event = events.read(line, self.event_types)
            if event is not None:
                self.take(event, line.get("at"))

    def take(self, event: Event, at: float | None = None) -> None:
        """Take in one more event, which was written ``at``."""
        self.last_at = at if at is not None else self.last_at
        if isinstance(event, Progress):
            self.progress = event
        elif isinstance(event, Note):
            if event.message not in self.notes:
                self.notes.append(event.message)
        elif isinstance(event, Resumed):
            self.progress = None
            self.resumed(event.epoch)
        elif isinstance(event, Ended):
            self.seconds = event.seconds
        else:
            self.learned(event, at)

    @abstractmethod
    def learned(self, event: Event, at: float | None) -> None:
        """Take in an event of the kind's own."""

    def resumed(self, epoch: int) -> None:
        """Forget what came after ``epoch``; 0 is the beginning."""
        self.seconds = None
        if epoch == 0:
            self.notes = []

    @property
    def over(self) -> bool:
        """Whether the last event has come."""
        return self.seconds is not None

    @property
    def done(self) -> float:
        """The share of the work that is done, 0-1."""
        return 1.0 if self.over else 0.0 if self.progress is None else self.progress.share

    @property
    def seconds_left(self) -> float | None:
        """How long what remains takes at the present pace; None while that is not known."""
        return None


class RunFiles:
    """What a run leaves on the disk beside log, checkpoint and result; most kinds leave nothing."""

    def take(self, event: Event, shown: Shown) -> None:
        """Write down what belongs to an event before the log tells of it."""

    def flush(self) -> None:
        """Write what belongs to a checkpoint that is about to be written."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a generator of events is given: on this machine, on a node of a cluster, from the command line."""

    config: Any  # the kind's settings
    dataset: "ImageDataset | None" = None  # of a kind that needs pictures
    splits: "Splits | None" = None  # its parts, where they are drawn already
    earlier: Any = None  # what an earlier part of the run has left, as `Kind.earlier` reads it
    backbone: "Backbone | None" = None  # the pretrained network, where the machine lacks its weights' file


class Kind(ABC):
    """One kind of run."""

    name: ClassVar[str]  # in stored specifications
    lane: ClassVar[Lane]
    pictures: ClassVar[bool] = False  # whether it learns from a data set, which the specification then names
    imports: ClassVar[tuple[str, ...]] = ()  # what its worker loads beforehand, so that a click finds it warm
    last: ClassVar[type[Event]] = Ended  # its last word
    passing: ClassVar[tuple[type[Event], ...]] = (Progress,)  # events that come often: the log keeps some
    # after one, it is begun again further on
    milestones: ClassVar[tuple[type[Event], ...]] = (CheckpointReady,)

    # Before it runs

    @abstractmethod
    def read_config(self, values: dict[str, Any]) -> RunConfig:
        """Rebuild settings from their JSON; `SettingsError` for those that are none."""

    def check(self, config: Any) -> None:
        """Refuse settings that cannot be run, before they wait in the queue for nothing; a `SettingsError`."""
        return

    @abstractmethod
    def title(self, config: Any, data: str) -> str:
        """Say in a few words what is run; ``data`` is the title of its data set, if it has one."""

    def control(self, spec: RunSpec) -> RunSpec | None:
        """Describe the run to compare it with, if there is one."""
        return None

    # While it runs

    def prepare(self, config: Any, progress: OnProgress) -> None:
        """Fetch what has to be fetched first, saying how far it is."""
        return

    def starting_network(self, config: Any) -> "Backbone | None":
        """Load the pretrained network for a node of a cluster, which lacks its file; None where none is needed."""
        return None

    @abstractmethod
    def events(self, work: Work) -> Iterator[Event]:
        """Run. Stateless: no file is written, and whoever drives it may stop between two events."""

    def earlier(self, directory: Path, shown: Shown) -> Any:
        """Read what an earlier part of the run has left to go on from; ``shown`` holds its log."""
        return None

    def went_on(self, earlier: Any, event: Event) -> Any:
        """What a run could go on from after ``event``."""
        return earlier

    def epoch_of(self, earlier: Any) -> int | None:
        """After which epoch ``earlier`` goes on; None where nothing is ever told again."""
        return 0

    # What it leaves

    @abstractmethod
    def shown(self, config: Any) -> Shown:
        """Begin with nothing told."""

    def files(self, directory: Path, resumed_from: int) -> RunFiles:
        """Begin to keep its files; those after the epoch ``resumed_from`` are about to come again."""
        return RunFiles()

    @abstractmethod
    def result(self, title: str, shown: Any) -> dict[str, Any]:
        """Gather a finished run's figures as plain values: the file that a visitor may take home."""

    @abstractmethod
    def summary(self, shown: Any) -> dict[str, Any]:
        """Pick the few figures that a list of runs shows."""

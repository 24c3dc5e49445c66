"""What a finished run leaves behind, typed, and its JSON form: the download "the run as JSON". Torch-free."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import codec
from core.freezing.report import StageAudit
from core.images.to_rgb import PictureReading
from core.metrics.report import ClassificationReport
from core.runs.kinds.finetuning_timeline import EpochFigures, Timeline

FORMAT = 1  # of result.json; raised when a field changes its meaning


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """Settings (resolved), data, figures, audit and cost of one finished run."""

    title: str
    config: dict[str, Any]
    data_name: str
    data_fingerprint: str
    class_names: tuple[str, ...]
    images: dict[str, int]  # {"train": …, "validation": …, "test": …}
    stages: tuple[str, ...]
    frozen_stages: tuple[str, ...]
    trainable_parameters: int
    total_parameters: int
    device: str
    precision: str
    segments: tuple[int, ...]  # epochs as first planned, then those of each extension
    epochs: tuple[EpochFigures, ...]
    notes: tuple[str, ...]
    test: ClassificationReport
    best_epoch: int
    epochs_done: int
    validation_accuracy: float
    stopped_early: bool
    # the sentence that says so, where training diverged and the run ended for that
    diverged: str | None = None
    audit: tuple[StageAudit, ...]
    seconds: float
    seconds_by_phase: dict[str, float]
    images_per_second: float
    peak_memory_bytes: int
    # `PictureReading.to_json`; {} in results from before it
    reading: dict[str, Any] = field(default_factory=dict)

    @property
    def rule(self) -> PictureReading:
        """How the run's pictures were read, and new ones are to be."""
        return PictureReading.from_json(self.reading) if self.reading else PictureReading()

    @classmethod
    def of(cls, title: str, timeline: Timeline) -> "RunResult":
        """Gather a finished run's figures from its events."""
        started, finished = timeline.started, timeline.finished
        assert started is not None
        assert finished is not None
        gathered = {field.name for field in dataclasses.fields(cls)}
        figures = {
            field.name: getattr(event, field.name)
            for event in (started, finished)
            for field in dataclasses.fields(event)
            if field.name in gathered
        }
        return cls(
            title=title,
            segments=tuple(timeline.segments),
            epochs=tuple(timeline.epochs),
            notes=tuple(timeline.notes),
            **figures,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``."""
        return {"format": FORMAT, **codec.plain(self)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "RunResult":
        """Rebuild from what `to_json` gave, after a round trip through JSON."""
        return codec.read(cls, values)

    def summary(self) -> dict[str, Any]:
        """Pick the figures that a list of runs shows: accuracy with its interval (0-1), seconds, epochs."""
        accuracy = self.test.accuracy
        return {
            "accuracy": accuracy.value,
            "low": accuracy.low,
            "high": accuracy.high,
            "seconds": self.seconds,
            "epochs": self.epochs_done,
            "caveats": self.test.caveats,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class TestImages:
    """The test set as kept with the run: small copies (N, side, side, 3) uint8, labels (N,), scores (N, C).

    ``files`` are the names of the N files, or none. Of an upload that is gone there are no copies any more: ``images``
    is (0, side, side, 3), and there are no names.
    """

    __test__ = False  # not a pytest class

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]  # softmax probabilities
    files: tuple[str, ...] = ()

    @property
    def pictures_deleted(self) -> bool:
        """Whether the upload that they came from was deleted or has expired: labels and scores are left."""
        return len(self.labels) > 0 and not len(self.images)

"""What a fine-tuning says while it goes, beside what everything says (`core.events`). Torch-free."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.events import Event
from core.freezing.report import StageAudit
from core.metrics.report import ClassificationReport


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """The resolved settings, and what they mean for this data set."""

    kind: ClassVar[str] = "started"
    config: dict[str, Any]
    data_name: str
    data_fingerprint: str
    class_names: tuple[str, ...]
    images: dict[str, int]  # {"train": …, "validation": …, "test": …}
    stages: tuple[str, ...]
    frozen_stages: tuple[str, ...]  # at the start; gradual unfreezing thaws more
    trainable_parameters: int
    total_parameters: int
    device: str
    precision: str  # "float32" or "bfloat16"
    reading: dict[str, Any] = field(default_factory=dict)  # of pictures: `PictureReading.to_json`


@dataclass(frozen=True, kw_only=True)
class BatchDone(Event):
    """One optimiser step."""

    kind: ClassVar[str] = "batch"
    step: int  # from 1, over the whole run
    steps: int
    loss: float
    learning_rate: float
    images_per_second: float


@dataclass(frozen=True, kw_only=True)
class EpochDone(Event):
    """One pass over the training images. A converged probe says one epoch."""

    kind: ClassVar[str] = "epoch"
    epoch: int  # from 1
    epochs: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    frozen_depth: int
    seconds: float  # since the run began, earlier parts of a resumed run included


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The result. The test set was touched once, with the epoch that was best on validation."""

    kind: ClassVar[str] = "finished"
    test: ClassificationReport
    best_epoch: int
    epochs_done: int
    validation_accuracy: float
    stopped_early: bool
    # where training diverged and the run ended for that: the sentence that says so
    diverged: str | None = None
    audit: tuple[StageAudit, ...]
    seconds: float
    seconds_by_phase: dict[str, float]
    images_per_second: float
    peak_memory_bytes: int
    scores: Any = field(
        default=None, metadata={"json": False}, repr=False
    )  # (N_test, classes) float32 numpy, softmax
    labels: Any = field(default=None, metadata={"json": False}, repr=False)  # (N_test,) int64 numpy
    test_images: Any = field(
        default=None, metadata={"json": False}, repr=False
    )  # (N_test, side, side, 3) uint8
    test_files: tuple[str, ...] = field(
        default=(), metadata={"json": False}, repr=False
    )  # N_test names, or none
    # name -> CPU tensor, best epoch
    weights: dict[str, Any] = field(default_factory=dict, metadata={"json": False}, repr=False)

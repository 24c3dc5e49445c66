"""What a run says while it goes: typed events. Whoever drives the generator reads the same ones. Torch-free."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.freezing.report import StageAudit
from core.metrics.report import ClassificationReport


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base. ``kind`` is the ``"event"`` of its JSON; fields marked ``json=False`` (tensors) are left out of it."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``."""
        shown = {
            f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.metadata.get("json", True)
        }
        return {"event": self.kind, **{name: _plain(value) for name, value in shown.items()}}


def _plain(value: Any) -> Any:
    """Turn dataclasses into dicts, inside lists and tuples too."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


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
class Progress(Event):
    """Work that is no epoch: reading features, solving a probe, evaluating."""

    kind: ClassVar[str] = "progress"
    phase: str  # "features", "probe", "evaluate"
    done: int
    total: int
    images_per_second: float | None = None


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """Something that a person should know, in one sentence (batch halved, stopped early, …)."""

    kind: ClassVar[str] = "note"
    message: str


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
class CheckpointReady(Event):
    """All that a run needs to go on: a nested dict of tensors and plain values, for ``torch.save``."""

    kind: ClassVar[str] = "checkpoint"
    epoch: int
    state: dict[str, Any] = field(metadata={"json": False}, repr=False)


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """A driver's word, not training's: from here on, what came after the checkpoint of ``epoch`` is told again.

    ``epoch`` is 0 where the run begins anew.
    """

    kind: ClassVar[str] = "resumed"
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The result. The test set was touched once, with the epoch that was best on validation."""

    kind: ClassVar[str] = "finished"
    test: ClassificationReport
    best_epoch: int
    epochs_done: int
    validation_accuracy: float
    stopped_early: bool
    diverged: str | None = (
        None  # where training diverged and the run ended for that: the sentence that says so
    )
    audit: tuple[StageAudit, ...]
    seconds: float
    seconds_by_phase: dict[str, float]
    images_per_second: float
    peak_memory_bytes: int
    scores: Any = field(metadata={"json": False}, repr=False)  # (N_test, classes) float32 numpy, softmax
    labels: Any = field(metadata={"json": False}, repr=False)  # (N_test,) int64 numpy
    weights: dict[str, Any] = field(metadata={"json": False}, repr=False)  # name -> CPU tensor, best epoch

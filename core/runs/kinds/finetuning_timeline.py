"""A fine-tuning's events gathered into what a page draws: curves so far, pace, time left. Torch-free."""

import math
from dataclasses import dataclass
from typing import ClassVar

from core.events import Event
from core.runs.kinds.kind import Shown
from core.training.events import BatchDone, EpochDone, Finished, RunStarted

_PACE_OVER = 20  # batch lines (5 s at 4 lines a second) that the pace is averaged over


@dataclass(frozen=True, kw_only=True)
class EpochFigures:
    """One epoch of the learning curves; None where a loss diverged."""

    epoch: int  # from 1
    train_loss: float | None
    train_accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    frozen_depth: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class BatchTold:
    """A batch of the log, which keeps some of them: when it was told, and the last whole epoch before it."""

    event: BatchDone
    at: float
    after_epoch: int


class Timeline(Shown):
    """Everything that a page shows of a fine-tuning."""

    event_types: ClassVar[tuple[type[Event], ...]] = (RunStarted, BatchDone, EpochDone, Finished)

    def __init__(self) -> None:
        super().__init__()
        self.started: RunStarted | None = None
        self.segments: list[int] = []  # epochs as first planned, then those of extensions
        self.epochs: list[EpochFigures] = []
        self.batches: list[BatchTold] = []
        self.finished: Finished | None = None

    def learned(self, event: Event, at: float | None) -> None:
        """Take in an event of a fine-tuning's own."""
        match event:
            case RunStarted():
                self.started = event
                more = event.config["epochs"] - sum(self.segments)
                self.segments += [more] if more > 0 else []
            case BatchDone():
                self.batches.append(BatchTold(event=event, at=at or 0.0, after_epoch=self._last_epoch))
                self.progress = None
            case EpochDone():
                self.epochs.append(_figures(event))
            case Finished():
                self.finished, self.seconds = event, event.seconds

    def resumed(self, epoch: int) -> None:
        """Forget what came after ``epoch``."""
        super().resumed(epoch)
        if epoch == 0:  # no checkpoint: the run begins anew, with one schedule over all its epochs
            self.segments = []
        self.epochs = [figures for figures in self.epochs if figures.epoch <= epoch]
        self.batches = [batch for batch in self.batches if batch.after_epoch < epoch]
        self.finished = None

    @property
    def images_per_second(self) -> float | None:
        """The pace that was last reported, or None."""
        for event in (self.progress, self.batches[-1].event if self.batches else None):
            if event is not None and event.images_per_second:
                return event.images_per_second
        return None

    @property
    def done(self) -> float:
        """The share of the work that is done, 0-1: of the steps, or of the phase before them."""
        if not self.over and self.progress is None and self.batches and self.batches[-1].event.steps:
            last = self.batches[-1].event
            return min(1.0, last.step / last.steps)
        return super().done

    @property
    def seconds_left(self) -> float | None:
        """How long the remaining steps take at the pace of the last ones; None while that is not known."""
        recent = self.batches[-_PACE_OVER:]
        if self.over or len(recent) < 2:
            return None
        first, last = recent[0], recent[-1]
        steps, seconds = last.event.step - first.event.step, last.at - first.at
        if steps <= 0 or seconds <= 0:
            return None
        return max(0.0, (last.event.steps - last.event.step) * seconds / steps)

    @property
    def _last_epoch(self) -> int:
        return self.epochs[-1].epoch if self.epochs else 0


def _figures(event: EpochDone) -> EpochFigures:
    def known(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return EpochFigures(
        epoch=event.epoch,
        train_loss=known(event.train_loss),
        train_accuracy=known(event.train_accuracy),
        validation_loss=known(event.validation_loss),
        validation_accuracy=known(event.validation_accuracy),
        frozen_depth=event.frozen_depth,
        seconds=event.seconds,
    )

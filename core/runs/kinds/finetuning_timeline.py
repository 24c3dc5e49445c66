"""A run's event log read into what a page draws: curves so far, phase, pace, time left. Torch-free.

Feed it what `service.events` returns, poll after poll. A run that went on from a checkpoint writes ``resumed``
into its log; what came after that checkpoint is then forgotten, since it is about to be told again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from core.runs.kinds.finetuning_result import EpochFigures

_EPOCH_FIELDS = tuple(EpochFigures.__dataclass_fields__)
_PACE_OVER = 20  # batch lines (5 s at 4 lines a second) that the pace is averaged over


@dataclass(kw_only=True)
class Timeline:
    """Everything that a running page shows, as plain values; grows by `absorb`."""

    started: dict[str, Any] | None = None  # the `RunStarted` event
    segments: list[int] = field(default_factory=list)  # epochs as first planned, then those of extensions
    epochs: list[EpochFigures] = field(default_factory=list)
    batches: list[dict[str, Any]] = field(default_factory=list)  # thinned `BatchDone` events with "at"
    progress: dict[str, Any] | None = None  # the last `Progress` event, None once batches flow again
    notes: list[str] = field(default_factory=list)
    finished: dict[str, Any] | None = None  # the `Finished` event
    last_at: float | None = None  # time of the last event, seconds since 1970

    def absorb(self, events: Iterable[dict[str, Any]]) -> None:
        """Take in further lines of the log, in order."""
        for event in events:
            self.last_at = event.get("at", self.last_at)
            match event["event"]:
                case "started":
                    self.started = event
                    more = event["config"]["epochs"] - sum(self.segments)
                    self.segments += [more] if more > 0 else []
                case "resumed":
                    self._forget_after(event["epoch"])
                case "batch":
                    self.batches.append(event)
                    self.progress = None
                case "epoch":
                    self.epochs.append(EpochFigures(**{name: event[name] for name in _EPOCH_FIELDS}))
                case "progress":
                    self.progress = event
                case "note":
                    if event["message"] not in self.notes:
                        self.notes.append(event["message"])
                case "finished":
                    self.finished = event

    def _forget_after(self, epoch: int) -> None:
        if epoch == 0:  # no checkpoint: the run begins anew, with one schedule over all its epochs
            self.segments = []
        self.epochs = [one for one in self.epochs if one.epoch <= epoch]
        self.batches = [one for one in self.batches if one["after_epoch"] < epoch]
        self.progress = None
        self.finished = None

    @property
    def images_per_second(self) -> float | None:
        """The pace that was last reported, or None."""
        for event in (self.progress, self.batches[-1] if self.batches else None):
            if event is not None and event.get("images_per_second"):
                return float(event["images_per_second"])
        return None

    @property
    def done(self) -> float:
        """The share of the work that is done, 0-1: of the steps, or of the phase before them."""
        if self.finished is not None:
            return 1.0
        if self.progress is not None and self.progress["total"]:
            return min(1.0, float(self.progress["done"]) / float(self.progress["total"]))
        if self.batches and self.batches[-1]["steps"]:
            return min(1.0, float(self.batches[-1]["step"]) / float(self.batches[-1]["steps"]))
        return 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the remaining steps take at the pace of the last ones; None while that is not known."""
        recent = self.batches[-_PACE_OVER:]
        if self.finished is not None or len(recent) < 2:
            return None
        steps = recent[-1]["step"] - recent[0]["step"]
        seconds = recent[-1]["at"] - recent[0]["at"]
        if steps <= 0 or seconds <= 0:
            return None
        return max(0.0, float((recent[-1]["steps"] - recent[-1]["step"]) * seconds / steps))

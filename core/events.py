"""What everything that runs says while it goes: one family of typed events. Torch-free.

Each room adds its own kinds: `core.training.events`, `core.training.sweep_events`, `core.techniques.events`,
`core.riding.events`. `core.codec` writes them as plain values and reads them back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from core import codec

OnProgress = Callable[[int, int], None]  # called with what is done and of how many: bytes, pictures


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base. ``kind`` is the ``"event"`` of its JSON; fields marked ``json=False`` (tensors) are left out of it."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``."""
        values: dict[str, Any] = codec.plain(self)
        return {"event": self.kind, **values}


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """How far the work in hand is: reading features, the second of five seeds, a rider's practice."""

    kind: ClassVar[str] = "progress"
    phase: str  # a name that a page has words for ("features", a sweep's arm), or a sentence: "Seed 2 of 5: DANN"
    done: float
    total: float = 1.0
    images_per_second: float | None = None

    @property
    def share(self) -> float:
        """How much is done, 0-1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total else 0.0


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """Something that a person should know, in one sentence (batch halved, what a comparison came to, …)."""

    kind: ClassVar[str] = "note"
    message: str


@dataclass(frozen=True, kw_only=True)
class CheckpointReady(Event):
    """All that a run needs to go on: a nested dict of tensors and plain values, for ``torch.save``."""

    kind: ClassVar[str] = "checkpoint"
    epoch: int
    state: dict[str, Any] = field(default_factory=dict, metadata={"json": False}, repr=False)


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """A driver's word: from here on, what came after the checkpoint of ``epoch`` is told again.

    ``epoch`` is 0 where the run begins anew.
    """

    kind: ClassVar[str] = "resumed"
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Ended(Event):
    """Everything is done: the last word of a run whose kind has no last event of its own."""

    kind: ClassVar[str] = "ended"
    seconds: float


COMMON: tuple[type[Event], ...] = (Progress, Note, CheckpointReady, Resumed, Ended)


def read(values: dict[str, Any], kinds: tuple[type[Event], ...] = ()) -> Event | None:
    """Rebuild an event from its JSON, whatever else a log adds; None where it is neither common nor of ``kinds``."""
    kind = next((kind for kind in (*COMMON, *kinds) if kind.kind == values["event"]), None)
    return None if kind is None else codec.read(kind, values)

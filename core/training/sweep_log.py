"""A sweep's events gathered as they come: what is measured so far. Torch-free."""

from collections.abc import Iterable
from typing import Any

from core.events import Event
from core.training.sweep_events import ArmDone, ArmDropped, CachesReady, SweepFinished, SweepStarted


class SweepLog:
    """A sweep's events, read up to the last: what was resumed goes on, what began anew is forgotten."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.started: SweepStarted | None = None
        self.caches: CachesReady | None = None
        self.finished: SweepFinished | None = None
        self.done: dict[str, dict[int, ArmDone]] = {}  # by arm, then by seed
        self.dropped: dict[str, ArmDropped] = {}
        for event in events:
            self.absorb(event)

    def absorb(self, event: Event) -> None:
        """Take in one more event; those of other kinds pass by."""
        if isinstance(event, SweepStarted):
            same = self.goes_on(event.config, event.data_fingerprint)
            self.done = {name: self.done.get(name, {}) if same else {} for name in event.arms}
            self.started, self.finished, self.dropped = event, None, {}
        elif isinstance(event, CachesReady):
            self.caches = event
        elif isinstance(event, ArmDone):
            self.done[event.arm][event.seed] = event
        elif isinstance(event, ArmDropped):
            self.dropped[event.arm] = event
        elif isinstance(event, SweepFinished):
            self.finished = event

    def goes_on(self, config: dict[str, Any], data_fingerprint: str) -> bool:
        """Whether a sweep with these settings on these data goes on with what is here, not anew."""
        return self.started is not None and (self.started.config, self.started.data_fingerprint) == (
            config,
            data_fingerprint,
        )

    @property
    def arms_done(self) -> tuple[ArmDone, ...]:
        """All that is measured: what `sweep` takes to go on."""
        return tuple(one for seeds in self.done.values() for one in seeds.values())

    @property
    def complete(self) -> tuple[int, ...]:
        """Which seeds every arm is measured with, of those that racing has left in."""
        if self.started is None:
            return ()
        return tuple(
            seed
            for seed in self.started.seeds
            if all(seed in seeds for name, seeds in self.done.items() if name not in self.dropped)
        )

    @property
    def missing(self) -> tuple[tuple[str, int], ...]:
        """Which (arm, seed) are still to come."""
        if self.started is None:
            return ()
        return tuple(
            (name, seed)
            for seed in self.started.seeds
            for name, seeds in self.done.items()
            if seed not in seeds and name not in self.dropped
        )

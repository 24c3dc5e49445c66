"""A run's events, written down: the log, checkpoints, the result, and what its kind leaves beside them.

What runs never writes: whoever drives its generator of events, a worker process of this machine, hands every one to a
`Recorder`.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.events import CheckpointReady, Event, Progress, Resumed
from core.runs.files import artefacts, checkpoint
from core.runs.kinds.kind import Kind
from core.runs.spec import RunSpec

LINES_PER_SECOND = 4  # of events that come often; all others are kept
# A checkpoint of a large network takes longer to write than an epoch on cached features takes to run. So
# writing may take a fifth of the time at most; the newest checkpoint waits in memory meanwhile.
_REST_PER_WRITE = 4.0
_SHORTEST_REST = 1.0  # seconds


class Recorder:
    """Write one run into ``directory``.

    ``earlier`` is what an earlier part of the run has left to go on from, and ``summary`` what a list of runs shows,
    once it has finished. ``on_milestone`` is called whenever a run that is begun again would begin further on.
    """

    def __init__(
        self,
        directory: Path,
        kind: Kind,
        spec: RunSpec,
        *,
        on_milestone: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self.summary: dict[str, Any] | None = None
        self._kind = kind
        self._title = spec.title
        self._on_milestone = on_milestone
        self._clock = clock
        artefacts.sweep(directory)
        lines = artefacts.whole_log(directory / artefacts.EVENTS)
        self._log = artefacts.EventLog(directory / artefacts.EVENTS)
        # What earlier parts of a resumed run wrote, up to the checkpoint, is part of its result.
        self.shown = kind.shown(spec.config)
        self.shown.absorb(lines)
        self.earlier = kind.earlier(directory, self.shown)
        epoch = kind.epoch_of(self.earlier)
        self._files = kind.files(directory, epoch or 0)
        self._last_passing = -1.0
        self._pending: CheckpointReady | None = None
        self._rest_until = 0.0
        # The log is only ever appended to, since readers remember how far they are.
        if lines and epoch is not None:
            self._append(Resumed(epoch=epoch))

    def write(self, event: Event) -> None:
        """Write one event down, with all that belongs to it on disk before the log tells of it."""
        if isinstance(event, self._kind.passing) and not self._kept(event):
            return
        if isinstance(event, self._kind.last):
            self.flush()
        self._files.take(event, self.shown)
        if isinstance(event, CheckpointReady):
            self._pending = event
            if self._clock() >= self._rest_until:
                self.flush()
            return
        self._append(event)

    def flush(self) -> None:
        """Write the newest checkpoint, if it is not on disk yet, and before it what belongs to it."""
        if self._pending is None:
            return
        event, self._pending = self._pending, None
        began = self._clock()
        self._files.flush()
        checkpoint.write(self.directory, event)
        self._rest_until = self._clock() + max(_SHORTEST_REST, _REST_PER_WRITE * (self._clock() - began))
        self._append(event)

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def _append(self, event: Event) -> None:
        at = round(self._clock(), 3)
        self.shown.take(event, at)
        if isinstance(event, self._kind.last):
            # The result's file says that all is there, so it comes after the others and before the log's last word.
            artefacts.write_json(
                self.directory / artefacts.RESULT, self._kind.result(self._title, self.shown)
            )
            self.summary = self._kind.summary(self.shown)
        self._log.append({**event.to_json(), "at": at})
        if isinstance(event, self._kind.milestones):
            self._on_milestone()

    def _kept(self, event: Event) -> bool:
        """Whether the log keeps one of the events that come often: some, and the last of a phase."""
        complete = isinstance(event, Progress) and event.done >= event.total
        if not complete and abs(self._clock() - self._last_passing) < 1 / LINES_PER_SECOND:
            return False
        self._last_passing = self._clock()
        return True

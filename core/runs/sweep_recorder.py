"""A sweep's events, written down. What the log holds is the checkpoint: a sweep goes on after its last arm.

As with `recorder.Recorder`: the training room never writes; whoever drives a sweep hands every event over.
"""

import time
from collections.abc import Callable
from pathlib import Path

from core.events import Event, Progress
from core.runs.files import artefacts
from core.runs.kinds.sweep_result import SweepResult, build_result
from core.runs.kinds.sweep_timeline import SweepTimeline
from core.runs.recorder import LINES_PER_SECOND
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import ArmDone, SweepFinished


class SweepRecorder:
    """Write one sweep into ``directory``; ``on_arm`` is called after each arm that is in the log."""

    def __init__(
        self,
        directory: Path,
        *,
        title: str = "",
        on_arm: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self.result: SweepResult | None = None
        self._title = title
        self._on_arm = on_arm
        self._clock = clock
        self._last_thinned = -1.0
        artefacts.sweep(directory)
        self._log = artefacts.EventLog(directory / artefacts.EVENTS)
        self._timeline = SweepTimeline()
        self._timeline.absorb(artefacts.whole_log(directory / artefacts.EVENTS))

    def done(self, config: SweepConfig, data_fingerprint: str) -> tuple[ArmDone, ...]:
        """What an earlier part of this sweep measured; nothing where settings or data are no longer the same."""
        log = self._timeline.log
        return log.arms_done if log.goes_on(config.to_json(), data_fingerprint) else ()

    def write(self, event: Event) -> None:
        """Write one event down; before the log tells of the end, the result is on disk."""
        if isinstance(event, Progress):
            complete = event.done >= event.total
            if not complete and abs(self._clock() - self._last_thinned) < 1 / LINES_PER_SECOND:
                return
            self._last_thinned = self._clock()
        line = artefacts.finite({**event.to_json(), "at": round(self._clock(), 3)})
        self._timeline.absorb([line])
        if isinstance(event, SweepFinished):
            self.result = build_result(self._title, self._timeline.log, tuple(self._timeline.notes))
            artefacts.write_json(self.directory / artefacts.RESULT, self.result.to_json())
        self._log.append(line)
        if isinstance(event, ArmDone):
            self._on_arm()

    def flush(self) -> None:
        """Do nothing: every event is in the log already."""

    def close(self) -> None:
        """Close the log."""
        self._log.close()

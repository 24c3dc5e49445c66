"""A run's events, written down: the log, checkpoints, snapshots, weights, test images and the result.

The training room never writes; a worker is stateless; whoever drives one (a local worker process, the
command line, later a cluster's driver) hands every event to a `Recorder`.
"""

import io
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.dataset import LabelledImages
from core.events import CheckpointReady, Event, Progress
from core.runs.files import artefacts
from core.runs.files.snapshots import Snapshots
from core.runs.kinds.finetuning_result import RunResult
from core.runs.kinds.finetuning_timeline import Timeline
from core.training.events import BatchDone, Finished, RunStarted

if TYPE_CHECKING:
    from torch import Tensor

_log = logging.getLogger(__name__)

LINES_PER_SECOND = 4  # of batch and progress events; all other events are kept
THUMBNAIL_SIDE = 128  # pixels; larger test images are kept at this size
TEST_IMAGE_BYTES = 200_000_000  # beyond this, test images are kept smaller still
_SMALLEST_SIDE = 24
# A checkpoint of a large network takes longer to write than an epoch on cached features takes to run. So
# writing may take a fifth of the time at most; the newest checkpoint waits in memory meanwhile.
_REST_PER_WRITE = 4.0
_SHORTEST_REST = 1.0  # seconds


class Recorder:
    """Write one run into ``directory``; ``resumed_from`` is the epoch of the checkpoint that it goes on from.

    ``on_checkpoint`` is called after each checkpoint on disk.
    """

    def __init__(
        self,
        directory: Path,
        *,
        title: str = "",
        resumed_from: int = 0,
        on_checkpoint: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self.result: RunResult | None = None
        self._title = title
        self._on_checkpoint = on_checkpoint
        self._clock = clock
        artefacts.sweep(directory)
        self._snapshots = Snapshots(directory, resumed_from=resumed_from)
        earlier = artefacts.whole_log(directory / artefacts.EVENTS)
        self._log = artefacts.EventLog(directory / artefacts.EVENTS)
        # What earlier parts of a resumed run wrote, up to the checkpoint, is part of its result.
        self._timeline = Timeline()
        self._timeline.absorb([*earlier, {"event": "resumed", "epoch": resumed_from}])
        self._started: RunStarted | None = None
        self._test: NDArray[np.uint8] | None = None
        self._last_thinned = -1.0
        self._pending: CheckpointReady | None = None
        self._rest_until = 0.0
        if earlier:  # the log is only ever appended to, since readers remember how far they are
            self._append({"event": "resumed", "epoch": resumed_from})

    def keep_test_images(self, test: LabelledImages) -> None:
        """Hand over the test part before the run's `Finished` event, which it is stored with."""
        self._test = thumbnails(test.images)

    def write(self, event: Event) -> None:
        """Write one event down, with all that belongs to it on disk before the log tells of it."""
        if isinstance(event, BatchDone | Progress):
            self._thinned(event)
            return
        if isinstance(event, CheckpointReady):
            self._pending = event
            self._snapshots.add(event.epoch, event.state["weights"], untouched=self._untouched())
            if self._clock() >= self._rest_until:
                self.flush()
            return
        if isinstance(event, RunStarted):
            self._started = event
        elif isinstance(event, Finished):
            self.flush()
            self._finish(event)
        self._append(event.to_json())

    def flush(self) -> None:
        """Write the newest checkpoint, if it is not on disk yet, and before it the snapshots up to it."""
        if self._pending is None:
            return
        import torch

        event, self._pending = self._pending, None
        began = self._clock()
        self._snapshots.flush()
        content = {"epoch": event.epoch, "state": event.state}
        artefacts.write_sealed(self.directory / artefacts.CHECKPOINT, lambda file: torch.save(content, file))
        self._rest_until = self._clock() + max(_SHORTEST_REST, _REST_PER_WRITE * (self._clock() - began))
        self._append(event.to_json())
        self._on_checkpoint()

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def _untouched(self) -> tuple[str, ...]:
        """Name the stages that no epoch so far has trained: a frozen prefix never grows, it only thaws."""
        epochs = self._timeline.epochs
        if self._started is None or not epochs:
            return ()
        return self._started.stages[: epochs[-1].frozen_depth]

    def _append(self, values: dict[str, Any]) -> None:
        line = artefacts.finite({**values, "at": round(self._clock(), 3)})
        self._log.append(line)
        if values["event"] not in ("batch", "progress"):
            self._timeline.absorb([line])

    def _thinned(self, event: BatchDone | Progress) -> None:
        complete = isinstance(event, Progress) and event.done >= event.total
        if complete or abs(self._clock() - self._last_thinned) >= 1 / LINES_PER_SECOND:
            self._last_thinned = self._clock()
            epochs = self._timeline.epochs
            after = {"after_epoch": epochs[-1].epoch if epochs else 0} if isinstance(event, BatchDone) else {}
            self._append({**event.to_json(), **after})

    def _finish(self, event: Finished) -> None:
        """Write scores and test images, weights, and last the result, whose file says that all is there."""
        if self._started is None or self._test is None:
            raise RuntimeError("A run cannot finish before it has started and its test images are known.")
        images = self._test
        artefacts.write_atomically(
            self.directory / artefacts.TEST,
            lambda file: np.savez(
                file,
                images=images,
                labels=np.asarray(event.labels, dtype=np.int64),
                scores=np.asarray(event.scores, dtype=np.float32),
            ),
        )
        write_weights(self.directory / artefacts.WEIGHTS, self._started, event)
        self.result = build_result(self._title, self._started, self._timeline, event)
        artefacts.write_json(self.directory / artefacts.RESULT, self.result.to_json())


def read_checkpoint(directory: Path) -> tuple[int, dict[str, Any]] | None:
    """Read (epoch, state) of a run's checkpoint; None if there is none, or none that can be read."""
    path = directory / artefacts.CHECKPOINT
    if not path.exists():
        return None
    import torch

    try:
        whole = io.BytesIO(artefacts.read_sealed(path))
        content = torch.load(whole, map_location="cpu", weights_only=True)
        return int(content["epoch"]), dict(content["state"])
    except Exception:  # whatever is wrong with the file, the run can begin anew
        _log.exception("The checkpoint %s cannot be read; the run begins anew.", path)
        return None


def build_result(title: str, started: RunStarted, timeline: Timeline, finished: Finished) -> RunResult:
    """Gather a run's figures from its events; ``timeline`` has absorbed all of them but the last."""
    return RunResult(
        title=title,
        config=started.config,
        data_name=started.data_name,
        data_fingerprint=started.data_fingerprint,
        class_names=started.class_names,
        images=started.images,
        stages=started.stages,
        frozen_stages=started.frozen_stages,
        trainable_parameters=started.trainable_parameters,
        total_parameters=started.total_parameters,
        device=started.device,
        precision=started.precision,
        reading=started.reading,
        segments=tuple(timeline.segments),
        epochs=tuple(timeline.epochs),
        notes=tuple(timeline.notes),
        test=finished.test,
        best_epoch=finished.best_epoch,
        epochs_done=finished.epochs_done,
        validation_accuracy=finished.validation_accuracy,
        stopped_early=finished.stopped_early,
        diverged=finished.diverged,
        audit=finished.audit,
        seconds=finished.seconds,
        seconds_by_phase=finished.seconds_by_phase,
        images_per_second=finished.images_per_second,
        peak_memory_bytes=finished.peak_memory_bytes,
    )


def write_weights(path: Path, started: RunStarted, finished: Finished, *, private: bool = True) -> None:
    """Write the finished network as safetensors; the header names its backbone and classes.

    Equal runs give equal bytes. ``private`` as for `artefacts.write_atomically`.
    """
    content = to_safetensors(
        finished.weights,
        metadata={
            "format": "pt",
            "backbone": str(started.config["backbone"]),
            "classes": json.dumps(started.class_names, ensure_ascii=False),
        },
    )
    artefacts.write_atomically(path, lambda file: file.write(content), private=private)


def to_safetensors(weights: Mapping[str, "Tensor"], metadata: dict[str, str]) -> bytes:
    """Encode tensors, the same ones always to the same bytes: the library's own order of ``metadata`` is random."""
    from safetensors.torch import save

    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    length = int.from_bytes(content[:8], "little")
    header = {"__metadata__": metadata, **json.loads(content[8 : 8 + length])}
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)  # so that tensors begin at a multiple of 8 bytes
    return b"".join((len(encoded).to_bytes(8, "little"), encoded, content[8 + length :]))


def thumbnails(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink images (N, side, side, 3) to at most `THUMBNAIL_SIDE` pixels, or to what fits the disk budget."""
    count, side = images.shape[:2]
    fits = int((TEST_IMAGE_BYTES / max(1, count) / 3) ** 0.5)
    small = max(_SMALLEST_SIDE, min(THUMBNAIL_SIDE, fits))
    if side <= small:
        return np.ascontiguousarray(images)
    from PIL import Image

    shrunk = np.empty((count, small, small, 3), dtype=np.uint8)
    for number in range(count):
        picture = Image.fromarray(images[number]).resize((small, small), Image.Resampling.BILINEAR)
        shrunk[number] = np.asarray(picture)
    return shrunk

"""What a fine-tuning leaves on the disk: snapshots of its weights, the finished network, its test images."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.events import CheckpointReady, Event
from core.runs.files import artefacts
from core.runs.files.snapshots import Snapshots
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.kinds.kind import RunFiles, Shown
from core.training.events import Finished, RunStarted

if TYPE_CHECKING:
    from torch import Tensor

THUMBNAIL_SIDE = 128  # pixels; larger test images are kept at this size
TEST_IMAGE_BYTES = 200_000_000  # beyond this, test images are kept smaller still
_SMALLEST_SIDE = 24


class FinetuningFiles(RunFiles):
    """The files of the run in ``directory``; snapshots after ``resumed_from`` are about to come again."""

    def __init__(self, directory: Path, resumed_from: int) -> None:
        self._directory = directory
        self._snapshots = Snapshots(directory, resumed_from=resumed_from)

    def take(self, event: Event, shown: Shown) -> None:
        """Keep a checkpoint's weights for a snapshot; write the finished network and its test images."""
        assert isinstance(shown, Timeline)
        if isinstance(event, CheckpointReady):
            self._snapshots.add(event.epoch, event.state["weights"], untouched=_untouched(shown))
        elif isinstance(event, Finished):
            assert shown.started is not None
            _write_test_images(self._directory / artefacts.TEST, event)
            write_weights(self._directory / artefacts.WEIGHTS, shown.started, event)

    def flush(self) -> None:
        """Write the snapshots up to the checkpoint."""
        self._snapshots.flush()


def _untouched(timeline: Timeline) -> tuple[str, ...]:
    """Name the stages that no epoch so far has trained: a frozen prefix never grows, it only thaws."""
    if timeline.started is None or not timeline.epochs:
        return ()
    return timeline.started.stages[: timeline.epochs[-1].frozen_depth]


def _write_test_images(path: Path, event: Finished) -> None:
    arrays = {
        "images": event.test_images,
        "labels": np.asarray(event.labels, dtype=np.int64),
        "scores": np.asarray(event.scores, dtype=np.float32),
        "files": np.asarray([PurePosixPath(name).name for name in event.test_files], dtype=np.str_),
    }
    artefacts.write_atomically(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


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
    artefacts.write_bytes(path, content, private=private)


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

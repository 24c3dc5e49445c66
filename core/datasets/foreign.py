"""A stranger's archive, read in a process of its own, for a server that has other things to do.

The process (this very module, run) lists the ZIP, unpacks it and has its pictures decoded as `own_images` does; the
process that asked gets the squares, or one sentence. Programs that do nothing else call `own_images` themselves.
"""

import contextlib
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core import errors, isolated, isolation
from core.datasets import own_images
from core.datasets.dataset import ImageDataset, ImportReport, LabelledImages
from core.errors import DataError
from core.images import decoding
from core.images.decoding import DEFAULT_LIMITS, ReadingLimits
from core.images.to_rgb import PictureReading

# Of the process itself: its pictures are decoded, and limited, elsewhere.
_MEMORY = 500_000_000  # the listing of the longest archive, and a few pictures; beside archives in it, and the squares
_SECONDS, _SECONDS_PER_BYTE = 60.0, 1e-7
_PATIENCE = 300.0  # on the clock, between two signs of life
_TOO_MUCH = (
    "The archive takes more time or memory to read than one is given; bring fewer pictures, or make it again."
)
_BROKE_DOWN = "The archive broke its reader down, so it is damaged or meant to harm; make it again."
_archives = isolation.Pool("core.datasets.foreign", most=3, warm=1, niceness=5)
_TEXTS = ("name", "title", "fingerprint", "about", "citation", "licence")


def warm_up() -> None:
    """Start the process that reads the next archive. Raises `OSError`."""
    _archives.warm_up()


def from_zip(
    path: Path,
    *,
    side: int,
    fit: str = "crop",
    name: str | None = None,
    limits: ReadingLimits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> ImageDataset:
    """Read a ZIP of class folders as `own_images.from_zip` does; raises `DataError`, one sentence."""
    request = {"path": str(path.resolve()), "side": side, "fit": fit, "name": name, "limits": asdict(limits)}
    squares: list[np.ndarray[Any, np.dtype[np.uint8]]] = []

    def room(answer: isolation.Message) -> memoryview:
        count = len(answer["labels"])
        if count > limits.max_images or count * side * side * 3 > limits.max_decoded_bytes:
            raise ValueError("more than was asked for")
        squares.append(np.empty((count, side, side, 3), dtype=np.uint8))
        return squares[0].reshape(-1).data

    def heard(said: isolation.Message) -> None:
        if progress is not None:
            progress(int(said["done"]), int(said["total"]))

    try:
        with _archives.child() as child:
            answer = child.ask(request, patience=_PATIENCE, into=room, heard=heard)
        if "refused" in answer:
            raise DataError(str(answer["refused"]))
        return _dataset(answer, squares[0])
    except isolation.OverLimit:
        raise DataError(_TOO_MUCH) from None
    except (isolation.BrokeDown, KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(_BROKE_DOWN) from error


def _dataset(answer: isolation.Message, images: np.ndarray[Any, np.dtype[np.uint8]]) -> ImageDataset:
    labels = np.array(answer["labels"], dtype=np.int64)
    cut, files = int(answer["training"]), tuple(map(str, answer["files"]))
    if len(files) != len(labels):
        raise ValueError("names of other pictures")

    def part(of: slice) -> LabelledImages:
        return LabelledImages(images=images[of], labels=labels[of], files=files[of])

    report = {name: _tuples(value) for name, value in answer["report"].items()}
    return ImageDataset(
        class_names=tuple(map(str, answer["class_names"])),
        train=part(slice(None, cut)),
        test=part(slice(cut, None)) if cut < len(labels) else None,
        report=ImportReport(**report),
        reading=PictureReading.from_json(answer["reading"]),
        **{name: str(answer[name]) for name in _TEXTS},
    )


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


# --- in the process of its own -----------------------------------------------------------------------------


def _main() -> None:
    service = isolated.Service()
    isolated.limit(written=0)
    with contextlib.suppress(OSError):  # no room for a process now: the first picture tries again
        decoding.warm_up(sets=True)
    for request, _ in service.requests():
        try:
            answer, parts = _read(service, request)
            service.answer(answer, parts)
        except errors.LabError as error:
            service.answer({"refused": str(error)})
        except MemoryError:
            service.answer({"refused": _TOO_MUCH})
        isolated.limit(seconds=0)


def _read(
    service: isolated.Service, request: isolation.Message
) -> tuple[isolation.Message, list[memoryview]]:
    path, side, limits = Path(request["path"]), request["side"], ReadingLimits(**request["limits"])
    size = os.path.getsize(path)
    isolated.limit(
        memory=_MEMORY
        + min(limits.max_nested_bytes, int(limits.max_ratio * size))
        + 2 * min(limits.max_decoded_bytes, limits.max_images * side * side * 3),
        seconds=_SECONDS + _SECONDS_PER_BYTE * size,
    )
    data = own_images.from_zip(
        path,
        side=side,
        fit=request["fit"],
        name=request["name"],
        limits=limits,
        progress=lambda done, total: service.say(done=done, total=total),
    )
    parts = [data.train, *([data.test] if data.test is not None else [])]
    answer = {
        "class_names": data.class_names,
        "labels": [int(label) for part in parts for label in part.labels],
        "files": [name for part in parts for name in part.files],
        "training": len(data.train),
        "report": asdict(data.report),
        "reading": data.reading.to_json(),
        **{name: getattr(data, name) for name in _TEXTS},
    }
    return answer, [np.ascontiguousarray(part.images).reshape(-1).data for part in parts]


if __name__ == "__main__":
    _main()

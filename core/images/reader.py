"""The process in which pictures are decoded: ``python -m core.images.reader``, asked by `decoding`.

One picture after the other, each with memory for its own size and seconds for its own bytes.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import isolated, isolation
from core.errors import DataError, LabError
from core.images import forms, kinds
from core.images.decoding import TOO_DEAR, Limits
from core.images.to_rgb import (
    PictureReading,
    UnreadableError,
    deep_values,
    draft,
    is_deep,
    open_picture,
    rgb_square,
)

# Beyond what the process has taken: what every picture may take, and what it may for its bytes and pixels. The dearest
# that is read takes 25 bytes a pixel: 16 bits of four channels.
_MEMORY, _MEMORY_PER_BYTE, _MEMORY_PER_PIXEL = 150_000_000, 3, 32
_LARGE = 8_000_000  # pixels that are decoded: a gigabyte for the largest, so that there is one at a time
_USUAL_SCANS = 10  # of a progressive JPEG; every one costs a pass over all of the picture


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """One picture; ``square`` is None where only its ``extremes`` were asked for. ``pixels`` were decoded."""

    square: NDArray[np.uint8] | None = None
    source: str | None
    outside: float
    pixels: int
    extremes: tuple[bool, float, float] | None = None


def read(
    content: bytes,
    side: int,
    limits: Limits,
    reading: PictureReading | None,
    *,
    measure: bool = False,
    opened: Callable[[int, int], None] = lambda _all, _decoded: None,
) -> Found:
    """Decode a picture, or, where it has more than 8 bits and that is to be measured, find its extremes only.

    ``opened`` is told, before the pixels are decoded, how many there are, and how many will be. Raises `DataError`.
    """
    why = forms.refusal(content) or kinds.refusal(content)
    if why is not None:
        raise DataError(why)
    try:
        with open_picture(content) as picture:
            width, height = picture.size
            if width * height > limits.max_pixels:
                raise DataError(_too_large(f" ({width} × {height})", limits))
            source = kinds.conversion(picture, content)
            outside = 1 - min(width, height) / max(width, height)
            pixels, passes = draft(picture, content, side), 1
            if "progressive" in picture.info:  # a reduced scale saves nothing: all coefficients are kept
                pixels, passes = width * height, 1 + forms.scans(content) // (_USUAL_SCANS + 1)
            opened(width * height, pixels)
            pixels *= passes
            if measure and is_deep(picture):
                deep = deep_values(picture, content)
                extremes = deep.extremes() if deep is not None else None
                return Found(source=source, outside=outside, pixels=pixels, extremes=extremes)
            small = np.asarray(rgb_square(picture, content, side, reading))
            return Found(square=small, source=source, outside=outside, pixels=pixels)
    except (LabError, MemoryError):
        raise
    except UnreadableError as error:
        raise DataError(str(error)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(_too_large("", limits)) from None
    except Exception as error:  # hostile bytes make a decoder raise anything
        raise DataError(kinds.undecodable(content, error)) from error


def _too_large(size: str, limits: Limits) -> str:
    return f"The picture has more than {limits.max_pixels / 1e6:g} million pixels{size}; scale it down and try again."


def _main() -> None:
    warnings.simplefilter("ignore")  # Pillow's, about damaged EXIF blocks and large sizes
    service = isolated.Service()
    isolated.limit(written=0)
    for request, content in service.requests():
        side, lengths = request["side"], request["lengths"]
        squares = np.zeros((len(lengths), side, side, 3), dtype=np.uint8)
        isolated.limit(seconds=Limits(**request["limits"]).seconds(len(content)))
        said, start = [], 0
        for square, length in zip(squares, lengths, strict=True):
            said.append(_said(service, request, content[start : start + length], square))
            start += length
        isolated.limit(seconds=0)
        service.answer({"pictures": said}, [squares.reshape(-1).data])


def _said(
    service: isolated.Service, request: isolation.Message, content: bytes, square: NDArray[np.uint8]
) -> isolation.Message:
    """Decode a picture into ``square``, and say what there is to say."""
    began = time.process_time()
    try:
        found = _read(service, request, content)
        answer: isolation.Message = {
            "source": found.source,
            "outside": found.outside,
            "pixels": found.pixels,
            "measured": found.square is None,
            "extremes": found.extremes,
        }
        if found.square is not None:
            square[...] = found.square
    except DataError as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": TOO_DEAR}
    return answer | {"seconds": time.process_time() - began}


def _read(service: isolated.Service, request: isolation.Message, content: bytes) -> Found:
    reading = PictureReading.from_json(request["reading"]) if request["reading"] else None
    own = _MEMORY + _MEMORY_PER_BYTE * len(content)
    isolated.limit(memory=own)

    def opened(pixels: int, decoded: int) -> None:
        if pixels > 1_000_000:
            isolated.limit(memory=own + _MEMORY_PER_PIXEL * pixels)
        if decoded > _LARGE:
            service.say(large=True)

    return read(
        content,
        request["side"],
        Limits(**request["limits"]),
        reading,
        measure=request["measure"],
        opened=opened,
    )


if __name__ == "__main__":
    Image.init()
    _main()

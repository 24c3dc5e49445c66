"""The process in which pictures are decoded: ``python -m core.images.reader``, asked by `decoding`.

One picture after the other, each with memory for its own size and seconds for its own bytes.
"""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import isolated, isolation
from core.errors import DataError, LabError
from core.images import forms, kinds
from core.images.decoding import TOO_DEAR, ReadingLimits
from core.images.to_rgb import (
    PictureReading,
    UnreadableError,
    decoded,
    deep_values,
    draft,
    is_deep,
    open_picture,
    upright_square,
)

# Beyond what the process has taken: what every picture may take, and what it may for its bytes and pixels. The dearest
# that is read takes 25 bytes a pixel: 16 bits of four channels.
_MEMORY, _MEMORY_PER_BYTE, _MEMORY_PER_PIXEL = 150_000_000, 3, 32
_LARGE = 8_000_000  # pixels that are decoded: a gigabyte for the largest, so that there is one at a time
_USUAL_SCANS = 10  # of a progressive JPEG; every one costs a pass over all of the picture


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedPicture:
    """One picture: ``squares`` by side, none where only its ``extremes`` were asked for. ``pixels`` were decoded."""

    squares: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    source: str | None
    outside: float
    pixels: int
    extremes: tuple[bool, float, float] | None = None


def read(
    content: bytes,
    sides: Sequence[int],
    limits: ReadingLimits,
    reading: PictureReading | None,
    *,
    measure: bool = False,
    opened: Callable[[int, int], None] = lambda _all, _decoded: None,
) -> DecodedPicture:
    """Decode a picture to a square of every size in ``sides``.

    Its pixels are decoded once; those of a JPEG once for every scale that its squares want. A picture of more than 8
    bits that is to be ``measure``d gives its extremes only. ``opened`` is told, before pixels are decoded, how many
    there are, and how many will be. Raises `DataError`.
    """
    why = forms.refusal(content) or kinds.refusal(content)
    if why is not None:
        raise DataError(why)
    try:
        return _squares(
            content, sides, limits, reading=reading or PictureReading(), measure=measure, opened=opened
        )
    except (LabError, MemoryError):
        raise
    except UnreadableError as error:
        raise DataError(str(error)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(_too_large("", limits)) from None
    except Exception as error:  # hostile bytes make a decoder raise anything
        raise DataError(kinds.undecodable(content, error)) from error


def _squares(
    content: bytes,
    sides: Sequence[int],
    limits: ReadingLimits,
    *,
    reading: PictureReading,
    measure: bool,
    opened: Callable[[int, int], None],
) -> DecodedPicture:
    squares: dict[int, NDArray[np.uint8]] = {}
    source, outside, at_scale, pixels = None, 0.0, 0, 0
    for side in sorted(sides):
        with open_picture(content) as picture:
            width, height = picture.size
            if width * height > limits.max_pixels:
                raise DataError(_too_large(f" ({width} × {height})", limits))
            if not squares:
                source = kinds.conversion(picture, content)
                outside = 1 - min(width, height) / max(width, height)
            scaled = draft(picture, content, side)
            if scaled != at_scale:  # for the next larger square, a JPEG may have to be decoded less coarsely
                at_scale, passes = scaled, 1
                if "progressive" in picture.info:  # a reduced scale saves nothing: all coefficients are kept
                    scaled, passes = width * height, 1 + forms.scans(content) // (_USUAL_SCANS + 1)
                opened(width * height, scaled)
                pixels += scaled * passes
                if measure and is_deep(picture):
                    deep = deep_values(picture, content)
                    extremes = deep.extremes() if deep is not None else None
                    return DecodedPicture(source=source, outside=outside, pixels=pixels, extremes=extremes)
                stored, turn = decoded(picture, content, reading)
            squares[side] = np.asarray(upright_square(stored, turn, side, reading.fit))
    return DecodedPicture(squares=squares, source=source, outside=outside, pixels=pixels)


def _too_large(size: str, limits: ReadingLimits) -> str:
    return f"The picture has more than {limits.max_pixels / 1e6:g} million pixels{size}; scale it down and try again."


def _main() -> None:
    warnings.simplefilter("ignore")  # Pillow's, about damaged EXIF blocks and large sizes
    service = isolated.Service()
    isolated.limit(written=0)
    for request, content in service.requests():
        sides, lengths = request["sides"], request["lengths"]
        squares = np.zeros((len(lengths), sum(3 * side**2 for side in sides)), dtype=np.uint8)
        isolated.limit(seconds=ReadingLimits(**request["limits"]).seconds(len(content)))
        said, start = [], 0
        for into, length in zip(squares, lengths, strict=True):
            said.append(_said(service, request, content[start : start + length], into))
            start += length
        isolated.limit(seconds=0)
        service.answer({"pictures": said}, [squares.reshape(-1).data])


def _said(
    service: isolated.Service, request: isolation.Message, content: bytes, into: NDArray[np.uint8]
) -> isolation.Message:
    """Decode a picture's squares ``into`` a row of bytes, one after the other, and say what there is to say."""
    began = time.process_time()
    try:
        picture = _read(service, request, content)
        answer: isolation.Message = {
            "source": picture.source,
            "outside": picture.outside,
            "pixels": picture.pixels,
            "measured": not picture.squares,
            "extremes": picture.extremes,
        }
        if picture.squares:
            into[...] = np.concatenate([picture.squares[side].reshape(-1) for side in request["sides"]])
    except DataError as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": TOO_DEAR}
    return answer | {"seconds": time.process_time() - began}


def _read(service: isolated.Service, request: isolation.Message, content: bytes) -> DecodedPicture:
    reading = PictureReading.from_json(request["reading"]) if request["reading"] else None
    own = _MEMORY + _MEMORY_PER_BYTE * len(content)
    isolated.limit(memory=own)
    turn_taken = False

    def opened(pixels: int, scaled: int) -> None:
        nonlocal turn_taken
        if pixels > 1_000_000:
            isolated.limit(memory=own + _MEMORY_PER_PIXEL * pixels)
        if scaled > _LARGE and not turn_taken:
            service.say(large=True)
            turn_taken = True

    return read(
        content,
        request["sides"],
        ReadingLimits(**request["limits"]),
        reading,
        measure=request["measure"],
        opened=opened,
    )


if __name__ == "__main__":
    Image.init()
    _main()

"""Bytes of a picture -> a uint8 RGB square, under limits.

Whatever came from outside goes through here: size is checked before pixels are, JPEGs are decoded at
a reduced scale where that is enough, large pictures are decoded one at a time, and every refusal is one
sentence for the person who chose the file.
"""

import contextlib
import os
import re
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import DataError, LabError
from core.images import kinds
from core.images.to_rgb import (
    PictureReading,
    UnreadableError,
    deep_values,
    draft,
    is_deep,
    open_picture,
    rgb_square,
    rule,
    square,
)

# Pillow warns about damaged EXIF blocks and large sizes. Both are dealt with here, so that nobody's picture
# writes into the log of the server.
warnings.filterwarnings("ignore", module=r"PIL\.")

_JPEG_SIGNATURE = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"  # a marker (ITU T.81, B.1.1.3): compressed data never contain it
_JPEG_END = b"\xff\xd9"
_JPEG_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")  # with a length: no stuffed zero, no restart
_MANY_SEGMENTS = 10_000
_USUAL_SCANS = 10  # of a progressive JPEG; every one costs a pass over all of the picture
_MAX_SCANS = 50
_MAX_THREADS = 8  # each holds one undecoded and one decoded picture

_ALMOST_BLACK = 24  # of 255: where all but a hundredth of a picture is darker

# A large picture takes up to 16 bytes a pixel on its way (32 bits of grey): a gigabyte for the largest, so that there
# is one at a time, whoever's it is.
_LARGE = 8_000_000
_one_large = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much is read from outside before it is refused; the defaults suit a shared server.

    Pictures: ``max_bytes`` and ``max_pixels`` each (64 million pixels: beyond today's usual phone cameras).
    Archives and folders: entries of any kind, pictures, classes, unpacked bytes, how many times larger than
    its packed form a member may unpack (photographs hardly shrink; a bomb reaches 1,000), bytes of archives
    inside the archive (they are held in memory), and the memory
    that the decoded squares may take. All pictures together: pixels to decode (what a JPEG skips by being decoded
    at a reduced scale does not count), since few bytes can hold pixels for hours of work.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 64_000_000
    max_entries: int = 150_000
    max_images: int = 60_000
    max_classes: int = 1_000
    max_class_name: int = 100
    max_unpacked_bytes: int = 4_000_000_000
    max_ratio: float = 200.0
    max_nested_bytes: int = 500_000_000
    max_decoded_bytes: int = 3_000_000_000
    max_pixels_in_all: int = 10_000_000_000


DEFAULT_LIMITS = Limits()


class _TooMuch(DataError):
    """All pictures together are too many pixels: no sentence about one of them, but the end of reading."""


class _Allowance:
    """Counts the pixels that are decoded for one reading, from several threads."""

    def __init__(self, limits: Limits) -> None:
        self._all = self._left = limits.max_pixels_in_all
        self._lock = threading.Lock()

    def take(self, pixels: int) -> None:
        """Use up so many, or end the reading."""
        with self._lock:
            self._left -= pixels
            if self._left < 0:
                raise _TooMuch(
                    f"The pictures have more than {self._all / 1e6:,.0f} million pixels together; "
                    "scale them down, or keep fewer."
                )


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """Many pictures at once: what decoded, and what there is to say about the others.

    ``squares`` (M, side, side, 3) uint8 in the order asked for; ``numbers`` (M,) int64 are their places in
    that order; ``failed`` and ``converted`` hold one sentence or word by place. ``reading`` is the rule by which all
    of them were read, ``outside`` (M,) float64 the share of each picture that lies outside its centred square;
    ``dark`` of those with more than 8 bits came out almost black.
    """

    squares: NDArray[np.uint8]
    numbers: NDArray[np.int64]
    failed: dict[int, str]
    converted: dict[int, str]
    reading: PictureReading
    outside: NDArray[np.float64]
    dark: int


def decode(
    content: bytes, side: int, limits: Limits = DEFAULT_LIMITS, reading: PictureReading | None = None
) -> tuple[NDArray[np.uint8], str | None]:
    """Decode one picture to (``side``, ``side``, 3) uint8 RGB.

    Turned upright as its EXIF orientation says; brought to a square and to 8 bits by ``reading``, the rule of the set
    that it belongs to, or as a set of its own: the shorter side resized to ``side`` (bilinear, antialiased), the
    centre cropped, which is torchvision's ``Resize`` and ``CenterCrop`` in one step. Of an animation the first
    picture is taken; transparent parts become white.

    Returns the square, and what it was converted from ("CMYK", "16-bit", …) or None.
    Raises `DataError`, one sentence, for what cannot be used.
    """
    found = _decode(content, side, limits, _Allowance(limits), reading)
    assert found.square is not None
    return found.square, found.source


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """One picture; ``square`` is None where only its ``extremes`` were asked for."""

    square: NDArray[np.uint8] | None = None
    source: str | None
    outside: float
    extremes: tuple[bool, float, float] | None = None


def _decode(
    content: bytes,
    side: int,
    limits: Limits,
    allowance: _Allowance | None,
    reading: PictureReading | None,
    *,
    measure: bool = False,
) -> _Found:
    """Decode a picture, or, where it has more than 8 bits and that is to be measured, find its extremes only."""
    _refuse_by_content(content, limits)
    try:
        with open_picture(content) as picture:
            width, height = picture.size
            if width * height > limits.max_pixels:
                raise DataError(_too_large(f" ({width} × {height})", limits))
            source = kinds.conversion(picture, content)
            outside = 1 - min(width, height) / max(width, height)
            pixels, passes = draft(picture, content, side), 1
            if "progressive" in picture.info:  # a reduced scale saves nothing: all coefficients are kept
                pixels, passes = width * height, 1 + _scans(content) // (_USUAL_SCANS + 1)
            if allowance is not None:
                allowance.take(pixels * passes)
            with _one_large if pixels > _LARGE else contextlib.nullcontext():
                if measure and is_deep(picture):
                    deep = deep_values(picture, content)
                    extremes = deep.extremes() if deep is not None else None
                    return _Found(source=source, outside=outside, extremes=extremes)
                small = np.asarray(rgb_square(picture, content, side, reading))
                return _Found(square=small, source=source, outside=outside)
    except LabError:
        raise
    except UnreadableError as error:
        raise DataError(str(error)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(_too_large("", limits)) from None
    except Exception as error:  # hostile bytes make a decoder raise anything
        raise DataError(kinds.undecodable(content, error)) from error


def decode_all(
    reads: Sequence[Callable[[], bytes]],
    side: int,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
    *,
    fit: str = "crop",
) -> Decoded:
    """Decode many pictures of one set with threads; ``reads`` give their bytes and may raise `DataError` themselves.

    Pictures of more than 8 bits are read twice: what is black and white in them is known when all have been seen.
    Pictures that do not decode are left out and listed. ``progress(done, total)`` is called from this thread.
    """
    total = len(reads)
    squares = np.empty((total, side, side, 3), dtype=np.uint8)
    outside = np.zeros(total)
    failed: dict[int, str] = {}
    converted: dict[int, str] = {}
    extremes: dict[int, tuple[bool, float, float] | None] = {}
    allowance = _Allowance(limits)

    def work(numbers: Sequence[int], reading: PictureReading, measure: bool) -> int:
        """Decode some; how many of them are done with, so that only those of more than 8 bits are not."""
        waiting = 0
        for number in numbers:
            try:
                content = reads[number]()
                found = _decode(
                    content, side, limits, allowance if measure else None, reading, measure=measure
                )
            except _TooMuch:
                raise
            except DataError as error:
                failed[number] = str(error)
                continue
            outside[number] = found.outside
            if found.source is not None:
                converted[number] = found.source
            if found.square is not None:
                squares[number] = found.square
            else:
                extremes[number] = found.extremes
                waiting += 1
        return len(numbers) - waiting

    def run(numbers: Sequence[int], done: int, reading: PictureReading, *, measure: bool) -> int:
        chunk = max(1, min(64, len(numbers) // (4 * _MAX_THREADS)))
        chunks = [numbers[start : start + chunk] for start in range(0, len(numbers), chunk)]
        with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
            try:
                for count in pool.map(lambda some: work(some, reading, measure), chunks):
                    done += count
                    if progress is not None:
                        progress(done, total)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return done

    done = run(range(total), 0, PictureReading(fit=fit), measure=True)
    reading = rule((one for one in extremes.values() if one is not None), fit)
    deep = sorted(extremes)
    run(deep, done, reading, measure=False)
    dark = sum(
        float(np.percentile(squares[number], 99)) < _ALMOST_BLACK for number in deep if number not in failed
    )
    kept = np.array([number for number in range(total) if number not in failed], dtype=np.int64)
    for place, number in enumerate(kept):  # in place: a copy would take the memory twice
        if place != number:
            squares[place] = squares[number]
    return Decoded(
        squares=squares[: len(kept)],
        numbers=kept,
        failed=dict(sorted(failed.items())),
        converted={number: converted[number] for number in sorted(converted) if number not in failed},
        reading=reading,
        outside=outside[kept],
        dark=dark,
    )


def square_from_array(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Bring a picture that is an array already, (H, W) grey or (H, W, 3) RGB, to (side, side, 3)."""
    return np.asarray(square(Image.fromarray(picture).convert("RGB"), side))


def _refuse_by_content(content: bytes, limits: Limits) -> None:
    if len(content) > limits.max_bytes:
        raise DataError(
            f"The file is larger than {limits.max_bytes / 1e6:.0f} MB; save the picture at a smaller size."
        )
    if content.startswith(_JPEG_SIGNATURE) and _scans(content) > _MAX_SCANS:
        raise DataError(
            f"The JPEG is stored in more than {_MAX_SCANS} passes, as no camera does; save the picture again."
        )
    why = kinds.refusal(content)
    if why is not None:
        raise DataError(why)


def _scans(content: bytes) -> int:
    """Count the scans of a JPEG's own picture: not a thumbnail's, nor what a phone appends (a film, a depth map)."""
    place, scans = len(_JPEG_SIGNATURE), 0
    for _ in range(_MANY_SEGMENTS):
        marker = _JPEG_MARKER.search(content, place)
        if marker is None or marker.group() == _JPEG_END:
            return scans
        scans += marker.group() == _JPEG_SCAN
        place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return scans + content.count(_JPEG_SCAN, place)  # hostile: not worth a walk


def _too_large(size: str, limits: Limits) -> str:
    return f"The picture has more than {limits.max_pixels / 1e6:g} million pixels{size}; scale it down and try again."

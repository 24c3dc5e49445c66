"""Bytes of a picture -> a uint8 RGB square, under limits.

Whatever came from outside goes through here: size is checked before pixels are, JPEGs are decoded at
a reduced scale where that is enough, large pictures are decoded one at a time, and every refusal is one
sentence for the person who chose the file.
"""

import contextlib
import functools
import io
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from core.errors import DataError, LabError
from core.images.to_rgb import conversion, rgb_square, square

# Pillow warns about damaged EXIF blocks and large sizes. Both are dealt with here, so that nobody's picture
# writes into the log of the server.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Formats that Pillow decodes by itself. EPS, PDF and the like, which start other programs, are left out; so is ICO,
# whose header tells nothing about the size of the picture inside.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "TGA")

# EXIF orientation (CIPA DC-008, tag 0x0112) -> what turns the stored picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_JPEG_SIGNATURE = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"  # a marker (ITU T.81, B.1.1.3): compressed data never contain it
_USUAL_SCANS = 10  # of a progressive JPEG; every one costs a pass over all of the picture
_MAX_SCANS = 50
_MAX_THREADS = 8  # each holds one undecoded and one decoded picture

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
    that order; ``failed`` and ``converted`` hold one sentence or word by place.
    """

    squares: NDArray[np.uint8]
    numbers: NDArray[np.int64]
    failed: dict[int, str]
    converted: dict[int, str]


def decode(
    content: bytes, side: int, limits: Limits = DEFAULT_LIMITS
) -> tuple[NDArray[np.uint8], str | None]:
    """Decode one picture to (``side``, ``side``, 3) uint8 RGB.

    Turned upright as its EXIF orientation says, the shorter side resized to ``side`` (bilinear, antialiased),
    the centre cropped: torchvision's ``Resize`` and ``CenterCrop`` in one step. Of an animation the first
    picture is taken; transparent parts become white.

    Returns the square, and what it was converted from ("CMYK", "16-bit", …) or None.
    Raises `DataError`, one sentence, for what cannot be used.
    """
    return _decode(content, side, limits, _Allowance(limits))


def _decode(
    content: bytes, side: int, limits: Limits, allowance: _Allowance
) -> tuple[NDArray[np.uint8], str | None]:
    _refuse_by_content(content, limits)
    try:
        with _open(content) as picture:
            width, height = picture.size
            if width * height > limits.max_pixels:
                raise DataError(_too_large(f" ({width} × {height})", limits))
            source = conversion(picture, content)
            picture.draft("RGB" if picture.mode != "CMYK" else None, _draft_size(picture.size, side))
            orientation = _orientation(picture)
            pixels, passes = picture.width * picture.height, 1
            if "progressive" in picture.info:  # a reduced scale saves nothing: all coefficients are kept
                pixels, passes = width * height, 1 + content.count(_JPEG_SCAN) // (_USUAL_SCANS + 1)
            allowance.take(pixels * passes)
            with _one_large if pixels > _LARGE else contextlib.nullcontext():
                small = rgb_square(picture, side)
    except LabError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(_too_large("", limits)) from None
    except Exception as error:  # hostile bytes make a decoder raise anything
        raise DataError(_undecodable(error)) from error
    if orientation in _UPRIGHT:  # a centred square may be turned after cropping: less to turn
        small = small.transpose(_UPRIGHT[orientation])
    return np.asarray(small), source


def decode_all(
    reads: Sequence[Callable[[], bytes]],
    side: int,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> Decoded:
    """Decode many pictures with threads; ``reads`` give their bytes and may raise `DataError` themselves.

    Pictures that do not decode are left out and listed. ``progress(done, total)`` is called from this thread.
    """
    squares = np.empty((len(reads), side, side, 3), dtype=np.uint8)
    failed: dict[int, str] = {}
    converted: dict[int, str] = {}
    allowance = _Allowance(limits)

    def work(numbers: range) -> None:
        for number in numbers:
            try:
                squares[number], source = _decode(reads[number](), side, limits, allowance)
            except _TooMuch:
                raise
            except DataError as error:
                failed[number] = str(error)
            else:
                if source is not None:
                    converted[number] = source

    chunk = max(1, min(64, len(reads) // (4 * _MAX_THREADS)))
    chunks = [range(start, min(start + chunk, len(reads))) for start in range(0, len(reads), chunk)]
    with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
        try:
            for numbers, _ in zip(chunks, pool.map(work, chunks), strict=True):
                if progress is not None:
                    progress(numbers.stop, len(reads))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    kept = np.array([number for number in range(len(reads)) if number not in failed], dtype=np.int64)
    for place, number in enumerate(kept):  # in place: a copy would take the memory twice
        if place != number:
            squares[place] = squares[number]
    return Decoded(
        squares=squares[: len(kept)],
        numbers=kept,
        failed=dict(sorted(failed.items())),
        converted=dict(sorted(converted.items())),
    )


def square_from_array(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Bring a picture that is an array already, (H, W) grey or (H, W, 3) RGB, to (side, side, 3)."""
    return np.asarray(square(Image.fromarray(picture).convert("RGB"), side))


def _open(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=_known_formats())


@functools.cache
def _known_formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this build of Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _refuse_by_content(content: bytes, limits: Limits) -> None:
    if not content:
        raise DataError("The file is empty (0 bytes); export or download it again.")
    if len(content) > limits.max_bytes:
        raise DataError(
            f"The file is larger than {limits.max_bytes / 1e6:.0f} MB; save the picture at a smaller size."
        )
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if content.startswith(_JPEG_SIGNATURE) and content.count(_JPEG_SCAN) > _MAX_SCANS:
        raise DataError(
            f"The JPEG is stored in more than {_MAX_SCANS} passes, as no camera does; save the picture again."
        )
    if b"<svg" in start:
        raise DataError("The file is an SVG drawing, not pixels; export it as PNG.")
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")):
        raise DataError(
            "The file is a web page, not a picture: open its link in a browser and save the picture."
        )
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        raise DataError("The file is a HEIC photograph, which cannot be read here; export it as JPEG.")


def _too_large(size: str, limits: Limits) -> str:
    return f"The picture has more than {limits.max_pixels / 1e6:g} million pixels{size}; scale it down and try again."


def _undecodable(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return (
            "The file is not a picture in a format that can be read (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF)."
        )
    if "truncated" in str(error).lower():
        return "The picture is cut off in the middle; copy or download the file again."
    return "The picture is damaged and cannot be decoded; copy or download the file again."


def _draft_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Decode JPEGs at the smallest scale that still leaves twice ``side``, so that the resize antialiases."""
    shrink = max(1.0, min(size) / (2 * side))
    return int(size[0] / shrink), int(size[1] / shrink)


def _orientation(picture: Image.Image) -> int | None:
    try:
        return picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a damaged EXIF block is no reason to lose the picture
        return None

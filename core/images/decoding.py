"""Bytes of a picture -> a uint8 RGB square, under limits.

Whatever came from outside goes through here, and is decoded in processes of their own (`reader`): size and form are
checked before pixels are, JPEGs are decoded at a reduced scale where that is enough, large pictures are decoded one at
a time, and every refusal is one sentence for the person who chose the file.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import isolation
from core.errors import DataError, shortened
from core.images.to_rgb import PictureReading, rule, square

_MAX_THREADS = 8  # each has one undecoded picture in hand, and a process that decodes
# On the clock: times a picture's seconds of the processor, since the machine may be busy; and for a process to start.
_PATIENCE, _START_SECONDS = 6.0, 10.0
# Of the processor: what a picture of the largest size, packed well, takes on a slow machine.
_SECONDS_PER_BYTE = 4e-7
_LONGEST_SENTENCE = 500  # characters
# Small pictures go several at a time: the way there and back takes longer than to decode one.
_TOGETHER, _TOGETHER_BYTES = 16, 250_000
TOO_DEAR = (
    "The picture takes more time or memory to decode than one is given; scale it down, or save it as JPEG."
)
_BROKE_DOWN = (
    "The picture broke its reader down, so it is damaged or meant to harm; save it again as JPEG or PNG."
)

# What pictures of an archive may take together beside `ReadingLimits.max_seconds_in_all`: three times what photographs
# take, each for itself, by their bytes (unpacked) and by the pixels that are decoded.
_USUAL_SECONDS, _USUAL_PER_BYTE, _USUAL_PER_PIXEL = 3e-3, 1e-7, 3e-8

_ALMOST_BLACK = 24  # of 255: where all but a hundredth of a picture is darker

# Single pictures are waited for by somebody; those of archives come after them, and never keep their processes.
_READER = "core.images.reader"
_single = isolation.Pool(_READER, most=4, warm=1)
_many = isolation.Pool(_READER, most=min(_MAX_THREADS, os.cpu_count() or 1), warm=1, niceness=5)
# A large picture takes up to 32 bytes a pixel on its way: there is one at a time, whoever's it is.
_one_large = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class ReadingLimits:
    """How much is read from outside before it is refused; the defaults suit a shared server.

    Pictures: ``max_bytes`` and ``max_pixels`` each (64 million pixels: beyond today's usual phone cameras), and
    ``max_seconds`` of the processor beside what its bytes are worth.
    Archives and folders: entries of any kind, pictures, classes, unpacked bytes, how many times larger than
    its packed form a member may unpack (photographs hardly shrink; a bomb reaches 1,000), bytes of archives
    inside the archive (they are held in memory), and the memory
    that the decoded squares may take. All pictures together: pixels to decode (what a JPEG skips by being decoded
    at a reduced scale does not count), since few bytes can hold pixels for hours of work; and seconds of the
    processor, again beside what their number and bytes are worth.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 64_000_000
    max_seconds: float = 5.0
    max_entries: int = 150_000
    max_images: int = 60_000
    max_classes: int = 1_000
    max_class_name: int = 100
    max_unpacked_bytes: int = 4_000_000_000
    max_ratio: float = 200.0
    max_nested_bytes: int = 500_000_000
    max_decoded_bytes: int = 3_000_000_000
    max_pixels_in_all: int = 10_000_000_000
    max_seconds_in_all: float = 20.0

    def seconds(self, size: int) -> float:
        """How long one picture of ``size`` bytes may take."""
        return self.max_seconds + _SECONDS_PER_BYTE * size


DEFAULT_LIMITS = ReadingLimits()


class _TooMuch(DataError):
    """All pictures together are too much: no sentence about one of them, but the end of reading."""


class _Allowance:
    """Counts the pixels that are decoded for one reading, and the seconds that it takes, from several threads."""

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits
        self._pixels, self._seconds = limits.max_pixels_in_all, limits.max_seconds_in_all
        self._lock = threading.Lock()

    def take(self, *, pixels: int, seconds: float, size: int, again: bool = False) -> None:
        """Use them up for a picture of ``size`` bytes, or end the reading; ``again``: its pixels were counted."""
        with self._lock:
            self._pixels -= 0 if again else pixels
            self._seconds += _USUAL_SECONDS + _USUAL_PER_BYTE * size + _USUAL_PER_PIXEL * pixels - seconds
            if self._pixels < 0:
                raise _TooMuch(
                    f"The pictures have more than {self._limits.max_pixels_in_all / 1e6:,.0f} million pixels together; "
                    "scale them down, or keep fewer."
                )
            if self._seconds < 0:
                raise _TooMuch(
                    "The pictures take far more time to decode than pictures of their size do; save them as JPEG or "
                    "PNG, or keep fewer."
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
    content: bytes, side: int, limits: ReadingLimits = DEFAULT_LIMITS, reading: PictureReading | None = None
) -> tuple[NDArray[np.uint8], str | None]:
    """Decode one picture to (``side``, ``side``, 3) uint8 RGB.

    Turned upright as its EXIF orientation says; brought to a square and to 8 bits by ``reading``, the rule of the set
    that it belongs to, or as a set of its own: the shorter side resized to ``side`` (bilinear, antialiased), the
    centre cropped, which is torchvision's ``Resize`` and ``CenterCrop`` in one step. Of an animation the first
    picture is taken; transparent parts become white.

    Returns the square, and what it was converted from ("CMYK", "16-bit", …) or None.
    Raises `DataError`, one sentence, for what cannot be used.
    """
    squares, source = _decode(content, [side], limits, reading)
    return squares[side], source


def decode_sizes(
    content: bytes, sides: Sequence[int], reading: PictureReading | None = None
) -> dict[int, NDArray[np.uint8]]:
    """Decode one picture once and bring it to several sizes: each square is what `decode` gives, to the bit."""
    return _decode(content, sides, DEFAULT_LIMITS, reading)[0]


def _decode(
    content: bytes, sides: Sequence[int], limits: ReadingLimits, reading: PictureReading | None
) -> tuple[dict[int, NDArray[np.uint8]], str | None]:
    _refuse_large(content, limits)
    said, squares = _ask(_single, [content], sides, limits, reading)
    if isinstance(said[0], _Refused):
        raise DataError(said[0].sentence)
    ends = np.cumsum([3 * side**2 for side in sides])
    parts = np.split(squares[0], ends[:-1])
    return {side: part.reshape(side, side, 3) for side, part in zip(sides, parts, strict=True)}, said[
        0
    ].source


def warm_up(*, sets: bool = False) -> None:
    """Start a process that decodes, so that the next picture, or set, need not wait for one. Raises `OSError`."""
    (_many if sets else _single).warm_up()


@dataclass(kw_only=True)
class _Said:
    """What a reader says of a picture beside its square; it gives none where it was ``measured`` instead."""

    source: str | None
    outside: float
    pixels: int
    seconds: float
    measured: bool
    extremes: tuple[bool, float, float] | None


@dataclass
class _Refused:
    """Why a picture cannot be used; it took so many ``seconds`` to find out."""

    sentence: str
    seconds: float


def _ask(
    pool: isolation.Pool,
    contents: Sequence[bytes],
    sides: Sequence[int],
    limits: ReadingLimits,
    reading: PictureReading | None,
    *,
    measure: bool = False,
) -> tuple[list[_Said | _Refused], NDArray[np.uint8]]:
    """Have pictures decoded, all at one go: what is said of each, and the bytes of its squares (N, Σ 3·side²).

    With ``measure``, those of more than 8 bits are measured instead. Where a reader ends over several pictures, each
    is tried by itself.
    """
    seconds = limits.seconds(sum(map(len, contents)))
    request = {
        "lengths": [len(content) for content in contents],
        "sides": list(sides),
        "limits": vars(limits),
        "reading": None if reading is None else reading.to_json(),
        "measure": measure,
    }
    squares = np.empty((len(contents), sum(3 * side**2 for side in sides)), dtype=np.uint8)
    lost: _Refused
    try:
        with pool.child() as child, _Turn(_one_large) as turn:
            answer = child.ask(
                request,
                b"".join(contents),
                patience=_START_SECONDS + _PATIENCE * seconds,
                into=lambda _: squares.reshape(-1).data,
                heard=turn.take,
            )
        return _said(answer, len(contents)), squares
    except isolation.OverLimit:
        lost = _Refused(TOO_DEAR, seconds)
    except isolation.BrokeDown:
        lost = _Refused(_BROKE_DOWN, 0.0)
    if len(contents) == 1:
        return [lost], squares
    said: list[_Said | _Refused] = []
    for number, content in enumerate(contents):
        alone, its_squares = _ask(pool, [content], sides, limits, reading, measure=measure)
        said += alone
        squares[number] = its_squares[0]
    said[0].seconds += lost.seconds
    return said, squares


class _Turn:
    """Takes a lock when told to, once, and gives it back at the end."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock, self._taken = lock, False

    def __enter__(self) -> "_Turn":
        return self

    def __exit__(self, *_: object) -> None:
        if self._taken:
            self._lock.release()

    def take(self, _: isolation.Message) -> None:
        """Wait for the turn of a large picture."""
        if self._taken:  # said twice, by a reader that is no longer ours
            raise isolation.BrokeDown
        self._lock.acquire()
        self._taken = True


def _said(answer: isolation.Message, count: int) -> list[_Said | _Refused]:
    """Take a reader's answer for what it should be, and no more."""
    try:
        if answer.get("bytes") is not True or len(answer["pictures"]) != count:
            raise isolation.BrokeDown
        return [_said_of_one(one) for one in answer["pictures"]]
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise isolation.BrokeDown from error


def _said_of_one(one: isolation.Message) -> _Said | _Refused:
    if "refused" in one:
        return _Refused(shortened(str(one["refused"]), _LONGEST_SENTENCE), float(one["seconds"]))
    extremes = one["extremes"]
    return _Said(
        source=None if one["source"] is None else str(one["source"])[:_LONGEST_SENTENCE],
        outside=float(one["outside"]),
        pixels=int(one["pixels"]),
        seconds=float(one["seconds"]),
        measured=bool(one["measured"]),
        extremes=None if extremes is None else (bool(extremes[0]), float(extremes[1]), float(extremes[2])),
    )


def decode_all(
    reads: Sequence[Callable[[], bytes]],
    side: int,
    limits: ReadingLimits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
    *,
    fit: str = "crop",
) -> Decoded:
    """Decode many pictures of one set side by side; ``reads`` give their bytes and may raise `DataError` themselves.

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
        for some in _together(numbers, reads, limits, failed):
            said, read = _ask(_many, list(some.values()), [side], limits, reading, measure=measure)
            for (number, content), about, its_square in zip(some.items(), said, read, strict=True):
                if isinstance(about, _Refused):
                    failed[number] = about.sentence
                    allowance.take(pixels=0, seconds=about.seconds, size=len(content))
                    continue
                allowance.take(
                    pixels=about.pixels, seconds=about.seconds, size=len(content), again=not measure
                )
                outside[number] = about.outside
                squares[number] = its_square.reshape(side, side, 3)
                if about.source is not None:
                    converted[number] = about.source
                if about.measured:
                    extremes[number] = about.extremes
                    waiting += 1
        return len(numbers) - waiting

    def run(numbers: Sequence[int], done: int, reading: PictureReading, *, measure: bool) -> int:
        chunk = max(1, min(64, len(numbers) // (4 * _many.most)))
        chunks = [numbers[start : start + chunk] for start in range(0, len(numbers), chunk)]
        with ThreadPoolExecutor(_many.most) as pool:
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


def _together(
    numbers: Sequence[int],
    reads: Sequence[Callable[[], bytes]],
    limits: ReadingLimits,
    failed: dict[int, str],
) -> Iterator[dict[int, bytes]]:
    """Read pictures' files, and give those that are small several at a time, by their numbers."""
    some: dict[int, bytes] = {}
    for number in numbers:
        try:
            content = reads[number]()
            _refuse_large(content, limits)
        except DataError as error:
            failed[number] = str(error)
            continue
        if some and (len(some) == _TOGETHER or len(content) + sum(map(len, some.values())) > _TOGETHER_BYTES):
            yield some
            some = {}
        some[number] = content
    if some:
        yield some


def _refuse_large(content: bytes, limits: ReadingLimits) -> None:
    if len(content) > limits.max_bytes:
        raise DataError(
            f"The file is larger than {limits.max_bytes / 1e6:.0f} MB; save the picture at a smaller size."
        )


def square_from_array(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Bring a picture that is an array already, (H, W) grey or (H, W, 3) RGB, to (side, side, 3)."""
    return np.asarray(square(Image.fromarray(picture).convert("RGB"), side))

"""One picture that is looked at: its file read and hashed once, and decoded once to squares of all sizes needed."""

import dataclasses
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.images.decoding import decode_sizes
from core.images.samples import Box
from core.images.to_rgb import PictureReading

Squares = Mapping[int, NDArray[np.uint8]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A picture's file and what was decoded from it; nobody writes into either.

    ``squares`` are (side, side, 3) uint8 RGB by side, upright, brought there by ``reading``. ``name`` stands in
    links, ``title`` on the page. ``subject`` was drawn by hand around the subject, on the centred square.
    """

    name: str
    title: str
    content: bytes
    sha256: str
    reading: PictureReading
    squares: Squares
    subject: Box | None = None

    @property
    def key(self) -> str:
        """What names the picture, read by this rule, in caches."""
        return f"{self.sha256}/{self.reading}"

    @property
    def box(self) -> Box | None:
        """Where the subject is; None where nobody drew it, or the squares show more than the centred one."""
        return self.subject if self.reading.fit == "crop" else None

    def with_squares(self, reading: PictureReading, squares: Squares) -> "Picture":
        """The same file, read by another rule or to other sizes."""
        return dataclasses.replace(self, reading=reading, squares=squares)


def read(
    content: bytes, sides: Collection[int], *, name: str, title: str, subject: Box | None = None
) -> Picture:
    """Hash a picture's file and decode it to squares of ``sides`` pixels, as a set of its own.

    Raises `DataError`, one sentence, for what cannot be used.
    """
    reading = PictureReading()
    return Picture(
        name=name,
        title=title,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        reading=reading,
        squares=squares_of(content, sides, reading),
        subject=subject,
    )


def squares_of(content: bytes, sides: Collection[int], reading: PictureReading) -> Squares:
    """Decode a picture's file once, to read-only squares by side. Raises `DataError`."""
    squares = decode_sizes(content, sorted(sides), reading)
    for square in squares.values():
        square.setflags(write=False)
    return squares

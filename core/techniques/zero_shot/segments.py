"""Digits described by the strokes of a seven-segment display, and what is to be seen at each. Torch-free.

  a
f   b
  g
e   c
  d
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from core.arrays import Floats

STROKES = ("a", "b", "c", "d", "e", "f", "g")
LIT = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
DESCRIPTIONS: Floats = np.array([[float(stroke in lit) for stroke in STROKES] for lit in LIT])  # (10, 7)

SIDE = 8  # pixels of scikit-learn's digits
_FINE = 24  # pixels in which strokes are drawn, before they are averaged to SIDE
# (top, bottom, left, right) in fine pixels, the last ones included: a display as wide and high as the digits are
_BARS = {
    "a": (1, 2, 7, 15),
    "b": (2, 12, 15, 16),
    "c": (12, 21, 15, 16),
    "d": (20, 21, 7, 15),
    "e": (12, 21, 6, 7),
    "f": (2, 12, 6, 7),
    "g": (11, 12, 7, 15),
}


def drawing(strokes: Floats, side: int = SIDE) -> Floats:
    """Draw strokes (7,), 0-1 each, a little blurred: (side, side), 0-1; ``side`` divides 24."""
    picture = np.zeros((_FINE, _FINE))
    for stroke, strength in zip(STROKES, strokes, strict=True):
        top, bottom, left, right = _BARS[stroke]
        bar = picture[top : bottom + 1, left : right + 1]
        np.maximum(bar, strength, out=bar)
    blurred = np.asarray(gaussian_filter(picture, 1.0))
    block = _FINE // side
    return np.asarray(blurred.reshape(side, block, side, block).mean(axis=(1, 3)))


def places() -> Floats:
    """Where each stroke is: (7, SIDE, SIDE), each summing to 1."""
    bars = np.stack([drawing(stroke) for stroke in np.eye(len(STROKES))])
    return np.asarray(bars / bars.sum(axis=(1, 2), keepdims=True))


def at_strokes(pictures: Floats) -> Floats:
    """Look at the place of each stroke in pictures (N, 8, 8), 0-1: (N, 7, 2).

    How much ink lies there, and how much more it runs across than up and down.
    """
    down, across = np.gradient(pictures, axis=(1, 2))
    where = places()
    ink, flat, steep = (
        np.einsum("nij,kij->nk", values, where) for values in (pictures, np.abs(down), np.abs(across))
    )
    return np.stack([ink, flat - steep], axis=2)


def same_as_drawing(pictures: Floats) -> Floats:
    """Correlation of pictures (N, 8, 8) with the drawing of each digit: (N, 10)."""
    drawn = np.stack([drawing(strokes) for strokes in DESCRIPTIONS])
    a, b = (_standard(rows.reshape(len(rows), -1)) for rows in (pictures, drawn))
    return np.asarray(a @ b.T)


def _standard(rows: Floats) -> Floats:
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12))

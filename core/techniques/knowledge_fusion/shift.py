"""The same test pictures as other cameras would give them: noisy, out of focus, flat. Torch-free.

Three kinds of Hendrycks & Dietterich 2019 (arXiv 1903.12261), each at about the middle of their five severities for
32-pixel pictures.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy import ndimage

from core import errors
from core.arrays import Floats, Pixels

CameraShift = Literal["mixed", "noise", "blur", "contrast"]

NOISE = 0.08  # standard deviation, of the full range
BLUR = 1.0  # standard deviation in pixels
CONTRAST = 0.3  # what is left of each picture's distance from its mean


def _noise(pictures: Floats, generator: np.random.Generator) -> Floats:
    # One value for all three colours, so that grey pictures stay grey.
    return pictures + generator.normal(0.0, 255 * NOISE, (*pictures.shape[:3], 1))


def _blur(pictures: Floats, generator: np.random.Generator) -> Floats:
    blurred: Floats = ndimage.gaussian_filter(pictures, (0, BLUR, BLUR, 0))
    return blurred


def _contrast(pictures: Floats, generator: np.random.Generator) -> Floats:
    mean: Floats = pictures.mean(axis=(1, 2, 3), keepdims=True)
    return mean + CONTRAST * (pictures - mean)


KINDS: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "noise": _noise,
    "blur": _blur,
    "contrast": _contrast,
}


def shifted(pictures: Pixels, kind: CameraShift, seed: int) -> Pixels:
    """Change pictures (N, S, S, 3), uint8; ``"mixed"`` gives every third picture noise, blur or low contrast."""
    errors.one_of("shift", kind, ("mixed", *KINDS))
    generator = np.random.default_rng(seed)
    changed = np.empty(pictures.shape)
    kinds = tuple(KINDS) if kind == "mixed" else (kind,)
    for place, name in enumerate(kinds):
        some = slice(place, None, len(kinds))
        changed[some] = KINDS[name](pictures[some].astype(np.float64), generator)
    return changed.clip(0, 255).round().astype(np.uint8)

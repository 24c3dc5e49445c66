"""Lists of numbers for pictures: what a network's stages answer, and what people designed."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.datasets.assemble import content_hashes
from core.images.decoding import square_from_array
from core.interpretation import classical
from core.interpretation.specimen import Specimen
from core.metrics.similarity import pooled_features

LEVELS = 4  # of each colour channel: 4 x 4 x 4 colours
PIXEL_SIDE = 32
CHUNK = 32  # pictures computed between two signs of life

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
T = TypeVar("T")


def stage_features(network: Specimen, images: Pixels) -> list[Floats]:
    """Average what every stage answers over the picture: images (N, S, S, 3) -> one (N, channels) per stage."""
    stages = pooled_features(network.backbone, [network.input(images)])
    return [features.astype(np.float64) for features in stages.values()]


def colour_histogram(image: Pixels) -> Floats:
    """Shares of the 64 colours in a picture (H, W, 3), square root taken: (64,), length 1.

    The square root makes distances Hellinger's (Arandjelović & Zisserman, CVPR 2012).
    """
    levels = image.reshape(-1, 3).astype(np.int64) * LEVELS // 256  # (H·W, 3), 0 … 3
    colours = levels @ np.array([LEVELS**2, LEVELS, 1])
    return np.sqrt(np.bincount(colours, minlength=LEVELS**3) / len(colours))


def pixels(image: Pixels) -> Floats:
    """Bring a picture (H, W, 3) to 32 x 32 pixels, 0-1: (3072,)."""
    return square_from_array(image, PIXEL_SIDE).ravel() / 255


def sift_descriptors(image: Pixels) -> NDArray[np.uint8]:
    """Describe the keypoints of a picture (H, W, 3): (K, 128), from which visual words are counted."""
    return classical.sift(image)[1]


class Remembered(Generic[T]):
    """Features that are computed once per picture, however many seeds draw it."""

    def __init__(self, compute: Callable[[Pixels], list[T]]) -> None:
        """``compute`` turns images (N, S, S, 3) into N answers."""
        self._compute = compute
        self._known: dict[bytes, T] = {}

    def of(self, images: Pixels) -> list[T]:
        """Answers for images (N, S, S, 3) that `learn` has seen."""
        return [self._known[key] for key in content_hashes(images)]

    def learn(self, images: Pixels) -> Iterator[float]:
        """Compute what is not known yet of images (N, S, S, 3); yields the share that is done."""
        keys = content_hashes(images)
        new = [number for number, key in enumerate(keys) if key not in self._known]
        for start in range(0, len(new), CHUNK):
            numbers = new[start : start + CHUNK]
            for number, answer in zip(numbers, self._compute(images[numbers]), strict=True):
                self._known[keys[number]] = answer
            yield (start + len(numbers)) / len(new)


def by_picture(network: Specimen) -> Callable[[Pixels], list[tuple[Floats, ...]]]:
    """Answer for a network: images (N, S, S, 3) -> for each of them its stages' (channels,)."""
    return lambda images: list(zip(*stage_features(network, images), strict=True))

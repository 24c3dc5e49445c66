"""Lists of numbers for pictures: what a network's stages answer, and what people designed."""

from collections.abc import Callable

import numpy as np

from core.arrays import Floats, Pixels
from core.images.decoding import square_from_array
from core.interpretation import classical
from core.interpretation.specimen import Specimen
from core.metrics.similarity import pooled_features

LEVELS = 4  # of each colour channel: 4 x 4 x 4 colours
PIXEL_SIDE = 32


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


def sift_descriptors(image: Pixels) -> Pixels:
    """Describe the keypoints of a picture (H, W, 3): (K, 128), from which visual words are counted."""
    return classical.sift(image)[1]


def by_picture(network: Specimen) -> Callable[[Pixels], list[tuple[Floats, ...]]]:
    """Answer for a network: images (N, S, S, 3) -> for each of them its stages' (channels,)."""
    return lambda images: list(zip(*stage_features(network, images), strict=True))

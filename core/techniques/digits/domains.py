"""Digits in two domains: as they were scanned, and over photographs as MNIST-M was made. Torch-free.

Ganin et al. 2016 (JMLR 17(59), arXiv 1505.07818), section 5.2.4, blend each digit with a crop of a colour photograph:
every pixel becomes |photograph - digit|, which inverts the photograph's colours where the strokes are. Here the digits
are scikit-learn's, the photographs scikit-image's.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from core.arrays import Pixels
from core.datasets.builtin import Photograph, builtin, cut
from core.datasets.dataset import LabelledImages
from core.images.decoding import square_from_array

SIDE = 16  # pixels of every digit; scikit-learn's have 8
CROP = 32  # pixels of a photograph behind one digit, before it is scaled to SIDE
CLASSES = 10
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")

# Of the 1797 digits; what is left, 397, are the target's test images.
SOURCE, SOURCE_TEST, TARGET = 600, 200, 600
FEWEST_TARGET = 50

# Grey levels between which a stroke of the blurred, enlarged digit turns from background to ink: MNIST-M's recipe
# uses ink that is there or not, and half-ink over a photograph leaves a dark seam.
PAPER, INK = 32, 128

Target = Literal["photographs", "coloured", "inverted"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DigitDomains:
    """Digits of two domains in parts that share no digit; target and target test share no background pixel either.

    Images are (N, SIDE, SIDE, 3) uint8. The labels of ``target`` are for the control alone.
    """

    source: LabelledImages
    source_test: LabelledImages
    target: LabelledImages
    target_test: LabelledImages


def digit_domains(target: Target, seed: int, *, images: int = TARGET, missing: float = 0.0) -> DigitDomains:
    """Deal scikit-learn's digits to two domains, other ones for every seed.

    The source are plain digits; the target is what ``target`` says, ``images`` of it for training, at most `TARGET`.
    ``missing`` (0-1) is the share of the digits 5 to 9 that the target lacks, in training and test: the two domains
    then differ in how often each digit comes.
    """
    generator = np.random.default_rng(seed)
    digits = _digits()
    order = generator.permutation(len(digits))
    parts = np.split(order, np.cumsum([SOURCE, SOURCE_TEST, TARGET]))
    source, source_test, train, test = (digits.subset(part) for part in parts)
    train = train.subset(np.arange(images))
    return DigitDomains(
        source=source,
        source_test=source_test,
        target=_moved(_thinned(train, missing, generator), target, generator, in_test=False),
        target_test=_moved(_thinned(test, missing, generator), target, generator, in_test=True),
    )


def blend(digits: Pixels, backgrounds: Pixels) -> Pixels:
    """Lay digits (N, S, S, 3) over backgrounds (N, S, S, 3): the absolute difference, pixel by pixel."""
    difference: Pixels = np.abs(backgrounds.astype(np.int16) - digits).astype(np.uint8)
    return difference


def shuffled(labelled: LabelledImages, seed: int) -> LabelledImages:
    """Keep the images, deal out their labels at random: what any method must fail on."""
    order = np.random.default_rng(seed).permutation(len(labelled))
    return LabelledImages(images=labelled.images, labels=labelled.labels[order])


def _moved(
    digits: LabelledImages, target: Target, generator: np.random.Generator, *, in_test: bool
) -> LabelledImages:
    """Bring plain digits into the target's domain."""
    if target == "inverted":
        images: Pixels = 255 - digits.images
    elif target == "coloured":
        colours = generator.integers(0, 256, size=(len(digits), 1, 1, 3), dtype=np.uint8)
        images = blend(digits.images, np.broadcast_to(colours, digits.images.shape))
    else:
        crops = [of_photograph[in_test] for of_photograph in _backgrounds()]
        chosen = [
            crops[photograph][generator.integers(len(crops[photograph]))]
            for photograph in generator.integers(len(crops), size=len(digits))
        ]
        images = blend(digits.images, np.stack(chosen))
    return LabelledImages(images=images, labels=digits.labels)


def _thinned(digits: LabelledImages, missing: float, generator: np.random.Generator) -> LabelledImages:
    """Leave out the share ``missing`` of the digits 5 to 9."""
    kept = (digits.labels < CLASSES // 2) | (generator.random(len(digits)) >= missing)
    return digits.subset(np.flatnonzero(kept))


@cache
def _digits() -> LabelledImages:
    digits = builtin("digits", side=SIDE).train
    ink = (digits.images.astype(np.float64) - PAPER) * (255 / (INK - PAPER))
    return LabelledImages(images=ink.clip(0, 255).round().astype(np.uint8), labels=digits.labels)


@cache
def _backgrounds() -> tuple[tuple[Pixels, Pixels], ...]:
    """Crops (N, SIDE, SIDE, 3) of every photograph: those for training, from its left-hand part, and for the test."""
    crops = []
    for file in PHOTOGRAPHS:
        parts: tuple[list[Pixels], list[Pixels]] = ([], [])
        for patch in cut(Photograph(class_name=file, file=file), CROP):
            parts[patch.in_test].append(square_from_array(patch.pixels, SIDE))
        crops.append((np.stack(parts[False]), np.stack(parts[True])))
    return tuple(crops)

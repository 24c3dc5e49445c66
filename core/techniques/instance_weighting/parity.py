"""The task: is a digit odd? The source shows mostly small digits, the target mostly large ones. Torch-free."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Floats, Labels

TARGET_IMAGES = 250  # seen in training; a few of them with labels
TEST_IMAGES = 400


@dataclass(frozen=True, kw_only=True, eq=False)
class ParityPart:
    """Images (N, D), 0-1, the digits that they show (N,), and the labels (N,): 1 for odd."""

    images: Floats
    digits: Labels
    labels: Labels


@dataclass(frozen=True, kw_only=True, eq=False)
class ParityDomains:
    """Parts without a common image."""

    source: ParityPart
    target: ParityPart
    test: ParityPart


def draw(
    images: Floats, digits: Labels, *, source_images: int, share: float, wrong: float, seed: int
) -> ParityDomains:
    """Deal images (N, D) out: ``share`` of the source shows 0-4, ``share`` of target and test 5-9.

    ``wrong`` of the source's labels are turned round.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(digits))
    small, large = list(order[digits[order] < 5]), list(order[digits[order] >= 5])

    def part(count: int, share_small: float) -> ParityPart:
        of_small = round(share_small * count)
        taken = [small.pop() for _ in range(of_small)] + [large.pop() for _ in range(count - of_small)]
        chosen = random.permutation(taken)
        return ParityPart(images=images[chosen], digits=digits[chosen], labels=digits[chosen] % 2)

    test = part(TEST_IMAGES, 1 - share)
    target = part(TARGET_IMAGES, 1 - share)
    source = part(source_images, share)
    flipped = np.zeros(source_images, dtype=np.int64)
    flipped[: round(wrong * source_images)] = 1  # the images are in random order
    return ParityDomains(
        source=ParityPart(images=source.images, digits=source.digits, labels=source.labels ^ flipped),
        target=target,
        test=test,
    )

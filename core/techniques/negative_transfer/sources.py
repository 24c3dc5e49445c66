"""Sources that agree with the target, and sources that do not. Torch-free."""

import numpy as np

from core.datasets.builtin import builtin
from core.datasets.dataset import LabelledImages
from core.techniques.digits.domains import CLASSES, SIDE


def renamed(source: LabelledImages, share: float, seed: int) -> LabelledImages:
    """Call a ``share`` (0-1) of the images by the next digit's name: 0 becomes 1, 9 becomes 0.

    The wrong names are consistent, so that a network can learn them as well as the right ones.
    """
    wrong = np.random.default_rng(seed).random(len(source)) < share
    return LabelledImages(
        images=source.images, labels=np.where(wrong, (source.labels + 1) % CLASSES, source.labels)
    )


def photographs(images: int, seed: int) -> LabelledImages:
    """Draw ``images`` patches of twelve photographs: what each shows, a source of another kind."""
    patches = builtin("everyday-patches", side=SIDE).train
    chosen = np.random.default_rng(seed).permutation(len(patches))[:images]
    return patches.subset(chosen)

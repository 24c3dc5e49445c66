"""When training has diverged: what an epoch's scores must look like for that, and how it is said."""

import math

import numpy as np
from numpy.typing import NDArray

from core.metrics.classification import wilson
from core.training.steps import Scores

# A loss that grew is no proof: a classifier on frozen features was right on 98 % of the test images after epochs whose
# loss was 100 times a guess's, and validation losses of 10^8 come and go with BatchNorm's statistics. Nor is an
# accuracy like chance, which many runs begin with. Both together in one epoch end 22 of 90 runs that were tried
# (tiny_resnet18 on digits, faces and patches, 10 images a class, 8 epochs, 6 strategies, rates from 0.1 to 10), all of
# them at rates of 1 and more. Three of the 22, on two classes, would have recovered, to 92, 94 and 98 %; the others
# stayed below 25 %, or at chance.
TIMES_A_GUESS = 100.0


def shown(
    learned: Scores, checked: Scores, *, train: NDArray[np.int64], validation: NDArray[np.int64], classes: int
) -> str | None:
    """Say what shows that training diverged, as the end of a sentence; None where nothing does.

    ``learned`` are the epoch's scores on the training images while learning, ``checked`` those on the validation
    images after it; ``train`` (N,) and ``validation`` (M,) are the labels.
    """
    if not math.isfinite(learned.loss):
        return "the training loss grew beyond all numbers"
    if not math.isfinite(checked.loss):
        return "the scores of the validation images grew beyond all numbers"
    guess = math.log(classes)
    blown_up = learned.loss > TIMES_A_GUESS * guess
    if blown_up and _like_chance(learned.accuracy, train) and _like_chance(checked.accuracy, validation):
        return f"the training loss grew to {learned.loss:.3g} (guessing has {guess:.1f}), and nothing is told apart"
    return None


def _like_chance(accuracy: float, labels: NDArray[np.int64]) -> bool:
    """Whether always naming the most frequent class may be as good, by the 95 % interval."""
    chance = float(np.bincount(labels).max() / len(labels))
    return wilson(round(accuracy * len(labels)), len(labels)).low <= chance

"""Foreseeing, before any training, whether a source will help: from features and labels of the target alone."""

import numpy as np

from core.arrays import Floats, Labels
from core.metrics.transferability import logme

NEIGHBOURS = 5


def nearest_neighbours(features: Floats, labels: Labels) -> float:
    """Share of images (N, C) that their `NEIGHBOURS` nearest others vote into their own class (N,): 0 to 1.

    Leave one out; a tie goes to the class of the nearest among the tied.
    """
    squares = np.square(features).sum(axis=1)
    distances = squares[:, None] + squares - 2 * features @ features.T
    np.fill_diagonal(distances, np.inf)
    nearest = labels[np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]]  # (N, k)
    votes = (nearest[:, :, None] == nearest[:, None]).sum(axis=2)  # for each neighbour's class
    named = nearest[np.arange(len(labels)), votes.argmax(axis=1)]
    return float((named == labels).mean())


def foreseen(
    pretrained: Floats, untrained: Floats, labels: Labels, answers: Labels | None
) -> dict[str, bool]:
    """Whether each detector expects a gain, from N target images with labels (N,).

    k-NN and LogME (You et al. 2021, arXiv 2102.11005) compare features (N, C) of the pretrained network with those of
    the same network before any training. They never see the head; the third detector asks whether the source network's
    ``answers`` (N,) are right more often than always naming the most frequent class. ``answers`` is None where the
    source has other classes: nothing but the features is transferred then, and it expects a gain.
    """
    usual = np.bincount(labels).max() / len(labels)
    return {
        "knn": nearest_neighbours(pretrained, labels) > nearest_neighbours(untrained, labels),
        "logme": logme(pretrained, labels) > logme(untrained, labels),
        "answers": answers is None or bool((answers == labels).mean() > usual),
    }

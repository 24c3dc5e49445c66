"""Scores for every class, seen or not, by either method. Torch-free.

From features and labels of seen classes, and the descriptions of all: the same functions for digits and animals.
"""

import numpy as np

from core.arrays import Floats, Labels
from core.techniques.zero_shot import dap, eszsl


def by_dap(
    known: list[Floats], labels: Labels, asked: list[Floats], descriptions: Floats
) -> tuple[Floats, Floats]:
    """Scores (N, classes) and attribute probabilities (N, attributes).

    ``known`` and ``asked``: the features that each attribute's detector sees.
    """
    present, priors = dap.detect(known, labels, descriptions, asked)
    return dap.class_scores(present, descriptions, priors), present


def by_eszsl(
    known: Floats, labels: Labels, asked: Floats, descriptions: Floats, generator: np.random.Generator
) -> Floats:
    """Scores (N, classes) of features ``asked`` (N, D); penalties are chosen on the seen classes."""
    mean, std = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-9)
    x, z = (np.column_stack([(rows - mean) / std, np.ones(len(rows))]) for rows in (known, asked))
    seen, own = np.unique(labels, return_inverse=True)
    gamma, lam = eszsl.strengths(x, own, descriptions[seen], generator)
    return np.asarray(z @ eszsl.solve(x, own, descriptions[seen], gamma, lam) @ descriptions.T)

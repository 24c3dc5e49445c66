"""Which features of all stages are worth keeping: Head2Toe's choice by a group lasso. Torch-free.

Evci et al. 2022, Head2Toe, arXiv 2201.03529: a linear classifier on the features of all layers learns under an
L2,1 penalty, which switches whole features off; those with large weights are kept. Theirs keeps feature maps of several
sizes and picks the share to keep on validation images; ours keeps averages over the picture, and what is not switched
off.
"""

import numpy as np
from sklearn.linear_model import MultiTaskLasso

from core.arrays import Flags, Floats, Labels

MOST_ITERATIONS = 200
TOLERANCE = 1e-2  # which features are switched off settles long before their weights do


def most_penalty(standard: Floats, targets: Floats) -> float:
    """The penalty from which on no feature is left: max_j |x_j^T y| / N, for features (N, D) and targets (N, C)."""
    return float(np.linalg.norm(standard.T @ targets, axis=1).max() / len(standard))


def chosen(standard: Floats, labels: Labels, strictness: float) -> Flags:
    """Say which features (N, D), standardised, a group lasso leaves switched on: (D,).

    Minimises |Y - X W|^2 / 2N + penalty · sum_j |W_j|, with one row W_j for each feature and one column for each class.
    """
    targets = (labels[:, None] == np.unique(labels)).astype(np.float64)  # (N, classes)
    targets -= targets.mean(axis=0)
    lasso = MultiTaskLasso(
        alpha=strictness * most_penalty(standard, targets),
        fit_intercept=False,
        max_iter=MOST_ITERATIONS,
        tol=TOLERANCE,
    )
    weights = lasso.fit(standard, targets).coef_  # (classes, D)
    kept: Flags = np.linalg.norm(weights, axis=0) > 0
    if not kept.any():  # within `TOLERANCE` of the best, which keeps one: that with which the penalty begins
        kept[np.linalg.norm(standard.T @ targets, axis=1).argmax()] = True
    return kept

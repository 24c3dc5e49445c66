"""The classifier that all arms share: logistic regression with weights. Torch-free."""

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from core.arrays import Floats, Labels

PENALTY = 1.0  # C, scikit-learn's own
MOST_ITERATIONS = 1000


def fit(features: Floats, labels: Labels, weights: Floats | None = None) -> Any:
    """Fit to ``features`` (N, D) and ``labels`` (N,); ``weights`` (N,) say how often each example counts.

    Where all labels are the same, the answer is always that one.
    """
    if len(np.unique(labels)) < 2:
        return DummyClassifier().fit(features, labels)
    return LogisticRegression(C=PENALTY, max_iter=MOST_ITERATIONS).fit(
        features, labels, sample_weight=weights
    )

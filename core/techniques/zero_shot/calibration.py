"""Generalised zero-shot: seen and unseen classes compete, and the seen ones win too often. Torch-free.

Chao et al. 2016 (arXiv 1605.04253) hold back the scores of seen classes by a constant, "calibrated stacking".
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def handicapped(scores: Floats, is_seen: NDArray[np.bool_], handicap: float) -> NDArray[np.int64]:
    """Name the best class (N,) of ``scores`` (N, classes) after seen classes lost ``handicap`` (eq. 3)."""
    return np.asarray((scores - handicap * is_seen).argmax(axis=1), dtype=np.int64)


def accuracy_by_handicap(
    scores: Floats, labels: NDArray[np.int64], is_seen: NDArray[np.bool_], handicaps: Floats
) -> tuple[Floats, Floats]:
    """Mean accuracy over seen and over unseen classes (Xian et al. 2018, arXiv 1707.00600), for each handicap."""
    seen, unseen = [], []
    for handicap in handicaps:
        right = handicapped(scores, is_seen, float(handicap)) == labels
        seen.append(per_class(right, labels, np.flatnonzero(is_seen)))
        unseen.append(per_class(right, labels, np.flatnonzero(~is_seen)))
    return np.array(seen), np.array(unseen)


def per_class(right: NDArray[np.bool_], labels: NDArray[np.int64], classes: NDArray[np.int64]) -> float:
    """Mean over ``classes`` of the share of ``right`` pictures: each class counts the same."""
    return float(np.mean([right[labels == one].mean() for one in classes]))

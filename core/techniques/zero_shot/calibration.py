"""Generalised zero-shot: seen and unseen classes compete, and the seen ones win too often. Torch-free.

Chao et al. 2016 (arXiv 1605.04253) hold back the scores of seen classes by a constant, "calibrated stacking".
"""

import numpy as np

from core.arrays import Flags, Floats, Labels


def handicapped(scores: Floats, is_seen: Flags, handicap: float) -> Labels:
    """Name the best class (N,) of ``scores`` (N, classes) after seen classes lost ``handicap`` (eq. 3)."""
    return np.asarray((scores - handicap * is_seen).argmax(axis=1), dtype=np.int64)


def accuracy_by_handicap(
    scores: Floats, labels: Labels, is_seen: Flags, handicaps: Floats
) -> tuple[Floats, Floats]:
    """Mean accuracy over seen and over unseen classes (Xian et al. 2018, arXiv 1707.00600), for each handicap."""
    seen, unseen = [], []
    for handicap in handicaps:
        right = handicapped(scores, is_seen, float(handicap)) == labels
        seen.append(per_class(right, labels, np.flatnonzero(is_seen)))
        unseen.append(per_class(right, labels, np.flatnonzero(~is_seen)))
    return np.array(seen), np.array(unseen)


def per_class(right: Flags, labels: Labels, classes: Labels) -> float:
    """Mean over ``classes`` of the share of ``right`` pictures: each class counts the same."""
    return float(np.mean([right[labels == label].mean() for label in classes]))

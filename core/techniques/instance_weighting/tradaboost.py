"""TrAdaBoost: boosting on the target, and the reverse of it on the source. Torch-free.

Dai, Yang, Xue & Yu 2007, Boosting for transfer learning (ICML, 10.1145/1273496.1273521), figure 1. What the paper
leaves open: a round whose error on the target is one half or more counts as one just below, and an error of zero as
half an example.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import Floats, Labels
from core.techniques.instance_weighting import classifier

MOST_ERROR = 0.49


@dataclass(frozen=True, kw_only=True, eq=False)
class Boosted:
    """The rounds' classifiers with their factors, and the weights that all examples have in the end."""

    learners: tuple[Any, ...]
    factors: tuple[float, ...]  # beta_t, small for a round that is nearly always right
    weights: Floats  # (source + target,), sum 1


def boost(
    source: Floats, source_labels: Labels, target: Floats, target_labels: Labels, rounds: int
) -> Boosted:
    """Learn from ``source`` (N, D) and ``target`` (M, D), both with labels 0 or 1."""
    n, m = len(source), len(target)
    images = np.concatenate([source, target])
    labels = np.concatenate([source_labels, target_labels])
    weights = np.ones(n + m)
    turn_down = 1 / (1 + np.sqrt(2 * np.log(n) / rounds))  # beta, as for Hedge (Freund & Schapire 1997)
    learners, factors = [], []
    for _ in range(rounds):
        learner = classifier.fit(images, labels, weights * ((n + m) / weights.sum()))
        missed = learner.predict(images) != labels  # (N + M,)
        error = weights[n:] @ missed[n:] / weights[n:].sum()  # on the target alone
        error = np.clip(error, 0.5 / m, MOST_ERROR) if m > 1 else MOST_ERROR
        factor = error / (1 - error)
        weights[:n] *= turn_down ** missed[:n]  # source examples that it misses are not like the target
        weights[n:] *= factor ** -missed[n:].astype(
            float
        )  # target examples that it misses need more attention
        learners.append(learner)
        factors.append(float(factor))
    return Boosted(learners=tuple(learners), factors=tuple(factors), weights=weights / weights.sum())


def vote(boosted: Boosted, images: Floats) -> Labels:
    """Labels (N,) of images (N, D) by the second half of the rounds: prod beta_t^-h_t >= prod beta_t^-1/2."""
    first = len(boosted.learners) // 2
    sums = np.zeros(len(images))
    for learner, factor in zip(boosted.learners[first:], boosted.factors[first:], strict=True):
        sums += -np.log(factor) * (learner.predict(images) - 0.5)
    return (sums >= 0).astype(np.int64)

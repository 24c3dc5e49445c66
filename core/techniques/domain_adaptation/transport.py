"""Optimal transport: move every source feature to where the cheapest plan sends its mass."""

import numpy as np

from core.arrays import Floats

MOST_ROUNDS = 1000  # of Sinkhorn's algorithm


def transported(source: Floats, target: Floats, entropy: float = 0.1) -> Floats:
    """Move source features (N, C) onto the target's (M, C): each to the mean of its partners.

    Courty et al. 2017 (arXiv 1507.00504), with Sinkhorn's entropic plan (Cuturi 2013, arXiv 1306.0895) from POT.
    ``entropy`` is measured in units of the median squared distance; the smaller, the closer to one partner each.
    """
    import ot

    cost = ot.dist(source, target)  # (N, M), squared distances
    cost /= np.median(cost)
    plan = ot.sinkhorn(
        ot.unif(len(source)), ot.unif(len(target)), cost, entropy, numItermax=MOST_ROUNDS, warn=False
    )
    moved: Floats = plan @ target / plan.sum(axis=1, keepdims=True)
    return moved

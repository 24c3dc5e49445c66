"""Optimal transport: move every source feature to where the cheapest plan sends its mass."""

import warnings

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def transported(source: Floats, target: Floats, entropy: float = 0.1) -> Floats:
    """Move source features (N, C) onto the target's (M, C): each to the mean of its partners.

    Courty et al. 2017 (arXiv 1507.00504), with Sinkhorn's entropic plan (Cuturi 2013, arXiv 1306.0895) from POT.
    ``entropy`` is measured in units of the median squared distance; the smaller, the closer to one partner each.
    """
    import ot

    mapping = ot.da.SinkhornTransport(reg_e=entropy, norm="median")
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # POT says where Sinkhorn stopped early; the plan is good enough to move by
        moved: Floats = mapping.fit(Xs=source, Xt=target).transform(Xs=source)
    return moved

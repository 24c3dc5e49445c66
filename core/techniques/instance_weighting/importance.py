"""Importance weights from a classifier that tells source from target. Torch-free.

If both domains agree on p(label | image) and differ in p(image), a loss weighted by p_target(image) / p_source(image)
over source images is, on average, the loss over target images (Shimodaira 2000). A probabilistic classifier between
the domains estimates that ratio without estimating either density (Bickel, Brückner & Scheffer 2009, JMLR 10:2137).
"""

import numpy as np

from core.arrays import Floats
from core.techniques.instance_weighting import classifier


def importance_weights(source: Floats, target: Floats) -> Floats:
    """Estimate p_target / p_source at every source image, from ``source`` (N, D) and ``target`` (M, D): (N,), mean 1.

    No label is used, so unlabelled target images will do.
    """
    images = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    chance = classifier.fit(images, domain).predict_proba(source)[:, 1]  # (N,) of being the target's
    ratio = chance / (1 - chance)  # the domains' sizes are a constant factor
    weights: Floats = ratio / ratio.mean()
    return weights


def effective_size(weights: Floats) -> float:
    """How many equally weighted examples say as much: (sum w)^2 / sum w^2 (Kish 1965)."""
    return float(weights.sum() ** 2 / np.square(weights).sum())

"""CORAL: give the source's features the mean and the covariance of the target's; and its form as a loss."""

import numpy as np
import torch
from torch import Tensor

from core.arrays import Floats


def align(source: Floats, target: Floats, ridge: float = 1.0) -> Floats:
    """Whiten source features (N, C), then colour them as the target's (M, C) are.

    Sun et al. 2016 (arXiv 1511.05547), algorithm 1; ``ridge`` times the identity is added to both covariances, as
    there. Means are matched too, which the paper does by standardising the features beforehand.
    """
    ridges = ridge * np.eye(source.shape[1])
    whiten = _power(np.cov(source.T) + ridges, -0.5)
    colour = _power(np.cov(target.T) + ridges, 0.5)
    aligned: Floats = (source - source.mean(axis=0)) @ whiten @ colour + target.mean(axis=0)
    return aligned


def coral_loss(source: Tensor, target: Tensor) -> Tensor:
    """Squared Frobenius distance of the covariances of features (N, C) and (M, C), over 4 C².

    Sun & Saenko 2016 (Deep CORAL, arXiv 1607.01719), equation 1.
    """
    difference = torch.cov(source.T) - torch.cov(target.T)  # (C, C)
    return difference.square().sum() / (4 * source.shape[1] ** 2)


def _power(covariance: Floats, exponent: float) -> Floats:
    """Power of a symmetric positive matrix (C, C)."""
    values, vectors = np.linalg.eigh(covariance)
    power: Floats = vectors * values**exponent @ vectors.T
    return power

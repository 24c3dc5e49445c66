"""How pictures lie to each other, and how far a student's geometry is from the teacher's.

Park et al. 2019, Relational knowledge distillation (arXiv 1904.05068), equations 4 to 9.
"""

import torch
from torch import Tensor
from torch.nn import functional

# Their weights for classification.
DISTANCE_WEIGHT, ANGLE_WEIGHT = 25.0, 50.0


def distances(features: Tensor) -> Tensor:
    """Distances of all pairs of features (B, D), in units of their mean: (B · (B - 1) / 2,)."""
    between = functional.pdist(features)
    return between / between.mean().clamp_min(1e-12)


def angles(features: Tensor) -> Tensor:
    """Cosines of the angles at j between i and k, for all features (B, D): [j, i, k] of (B, B, B).

    Where i or k is j there is no angle, and 0 stands instead.
    """
    towards = functional.normalize(features[None] - features[:, None], dim=2)  # (B, B, D), from j to i
    return towards @ towards.transpose(1, 2)


def distance_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Huber loss between the pairs' distances of ``student`` (B, D) and ``teacher`` (B, E): equation 6."""
    return functional.smooth_l1_loss(distances(student), distances(teacher))


def angle_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Huber loss between the triplets' cosines of ``student`` (B, D) and ``teacher`` (B, E): equation 9."""
    count = len(student)
    triplets = count * (count - 1) * (count - 2)  # where i, j, k are three; the others differ by 0
    apart = functional.smooth_l1_loss(angles(student), angles(teacher), reduction="sum")
    return apart / triplets


def relational_loss(student: Tensor, teacher: Tensor, relations: str) -> Tensor:
    """Add up what ``relations`` names, with the paper's weights."""
    loss = torch.zeros(())
    if relations in ("both", "distances"):
        loss = loss + DISTANCE_WEIGHT * distance_loss(student, teacher)
    if relations in ("both", "angles"):
        loss = loss + ANGLE_WEIGHT * angle_loss(student, teacher)
    return loss

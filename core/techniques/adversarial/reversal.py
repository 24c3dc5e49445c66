"""Gradient reversal: the network learns what the domain classifier must not see."""

from typing import Any

import torch
from torch import Tensor, nn

from core.backbones.stages import seeded
from core.techniques.digits.network import FEATURES
from core.techniques.digits.training import Penalty, ramp


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, features: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradients[0], None


def reverse(features: Tensor, strength: float) -> Tensor:
    """Pass features (B, C) on as they are; on the way back, multiply their gradient by ``-strength``.

    Ganin & Lempitsky 2015 (arXiv 1409.7495), Ganin et al. 2016 (arXiv 1505.07818), section 4.2.
    """
    reversed_: Tensor = _Reversed.apply(features, strength)  # type: ignore[no-untyped-call]
    return reversed_


def domain_classifier(seed: int) -> nn.Sequential:
    """Features (B, 64) -> one score (B, 1), above 0 for the target; torch's own generator stays as it was."""
    with seeded(seed):
        return nn.Sequential(nn.Linear(FEATURES, FEATURES), nn.ReLU(), nn.Linear(FEATURES, 1))


def confusion(
    judge: nn.Module, peak: float, steepness: float, shuffle: torch.Generator | None = None
) -> Penalty:
    """Loss of the domain classifier ``judge``, through reversed gradients: it improves, the features confuse it.

    With ``shuffle`` the domain labels are dealt out at random: the control.
    """

    def penalty(source: Tensor, target: Tensor, done: float) -> Tensor:
        features = reverse(torch.cat([source, target]), ramp(done, peak, steepness))
        domain = torch.cat([source.new_zeros(len(source)), target.new_ones(len(target))])
        if shuffle is not None:
            domain = domain[torch.randperm(len(domain), generator=shuffle)]
        return nn.functional.binary_cross_entropy_with_logits(judge(features)[:, 0], domain)

    return penalty


@torch.inference_mode()
def judged(judge: nn.Module, source: Tensor, target: Tensor) -> float:
    """Share of features (N, C) and (M, C) that ``judge`` puts into their domain, both counting alike."""
    right = (judge(source)[:, 0] < 0).double().mean() + (judge(target)[:, 0] > 0).double().mean()
    return float(right) / 2

"""The network of the sine waves, as a function of its weights, so that it can be differentiated through a step."""

import torch
from torch import Tensor

from core.techniques.meta_learning.sines import REACH

Weights = dict[str, Tensor]

WIDTH = 40  # two hidden layers of 40 ReLUs: Finn et al. 2017, section 5.1


def random_weights(generator: torch.Generator) -> Weights:
    """Draw weights: He et al. 2015 (arXiv 1502.01852), with the first layer's kinks spread over the range of x.

    With biases of zero every kink would lie at x = 0, and the first thousand rounds would go into moving them.
    """

    def normal(fan_in: int, fan_out: int, gain: float) -> Tensor:
        return torch.randn(fan_in, fan_out, generator=generator).mul((gain / fan_in) ** 0.5)

    first = normal(1, WIDTH, 2.0)
    kinks = REACH * (2 * torch.rand(1, WIDTH, generator=generator) - 1)
    return {
        "weight1": first,
        "bias1": -first * kinks,
        "weight2": normal(WIDTH, WIDTH, 2.0),
        "bias2": torch.zeros(1, WIDTH),
        "weight3": normal(WIDTH, 1, 0.1),  # small: before anything is learned, the answer is near 0
        "bias3": torch.zeros(1, 1),
    }


def predict(weights: Weights, x: Tensor) -> Tensor:
    """Heights (N, 1) at x (N, 1)."""
    hidden = torch.relu(x @ weights["weight1"] + weights["bias1"])  # (N, WIDTH)
    hidden = torch.relu(hidden @ weights["weight2"] + weights["bias2"])
    return hidden @ weights["weight3"] + weights["bias3"]


def error(weights: Weights, x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error, a scalar."""
    return (predict(weights, x) - y).square().mean()

"""Model-agnostic meta-learning: weights from which one step is enough. Finn et al. 2017 (arXiv 1703.03400)."""

from torch import Tensor
from torch.func import grad

from core.techniques.meta_learning.network import Weights, error


def adapt(weights: Weights, x: Tensor, y: Tensor, rate: float, steps: int) -> Weights:
    """Take ``steps`` plain gradient steps on the points x and y (N, 1) of one task: the inner loop.

    New tensors, through which one can differentiate again: that is what MAML does.
    """
    for _ in range(steps):
        slopes = grad(error)(weights, x, y)
        weights = {name: weight - rate * slopes[name] for name, weight in weights.items()}
    return weights


def loss_after_adapting(
    weights: Weights, x: Tensor, y: Tensor, *, shots: int, rate: float, steps: int
) -> Tensor:
    """MAML's loss on one task: adapt to the first ``shots`` points, then measure on the others.

    Its gradient with respect to ``weights`` holds second derivatives, those of the steps.
    """
    adapted = adapt(weights, x[:shots], y[:shots], rate, steps)
    return error(adapted, x[shots:], y[shots:])

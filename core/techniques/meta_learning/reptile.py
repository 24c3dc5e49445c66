"""Reptile: learn a task, then move towards where that led. Nichol, Achiam & Schulman 2018 (arXiv 1803.02999)."""

from torch import Tensor

from core.techniques.meta_learning.maml import adapt
from core.techniques.meta_learning.network import Weights


def pull(weights: Weights, x: Tensor, y: Tensor, *, shots: int, rate: float, steps: int) -> Weights:
    """(weights - adapted weights) / rate for one task: what Reptile hands to its outer optimiser as a gradient.

    Section 2 of the paper. The two halves of the points take turns, since the paper finds that steps on different
    points are what makes Reptile more than training on all tasks at once (section 6). No second derivatives.
    """
    adapted = weights
    for step in range(steps):
        half = slice(None, shots) if step % 2 == 0 else slice(shots, None)
        adapted = adapt(adapted, x[half], y[half], rate, 1)
    return {name: (weight - adapted[name]) / rate for name, weight in weights.items()}

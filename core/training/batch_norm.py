"""BatchNorm's running statistics, computed anew over the training images.

While a network learns, BatchNorm normalises by each batch, and what it will normalise by afterwards follows as a
moving average: ten steps in, a third of it is still what was there before the run (0.9 ** 10). "Precise BatchNorm"
takes the averages over the training images under the weights as they are: Wu & Johnson 2021, arXiv 2105.07576.

This file needs nothing but PyTorch, on purpose: an exported script carries its text.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import torch
from torch.nn.modules.batchnorm import _BatchNorm

Batch = TypeVar("Batch")

MOST_IMAGES = 1024  # more do not help (Wu & Johnson, end of section 3.2), and a long epoch hardly gets longer


def average(
    layers: Sequence[_BatchNorm], batches: Iterable[Batch], forward: Callable[[Batch], object]
) -> None:
    """Set the running mean and variance of ``layers`` to plain averages over ``batches``, each passed to ``forward``.

    In ``forward`` the layers normalise by the batch. They are left in eval mode. (``torch.optim.swa_utils.update_bn``
    does this to a whole network, with dropout at work and frozen layers among the others.)
    """
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.train()
        layer.reset_running_stats()
        layer.momentum = None  # torch's word for a plain average
    try:
        with torch.no_grad():
            for batch in batches:
                forward(batch)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            layer.eval()

"""BatchNorm's running statistics, computed anew over the training images.

While a network learns, BatchNorm normalises by each batch, and what it will normalise by afterwards follows as a
moving average: ten steps in, a third of it is still what was there before the run (0.9 ** 10). "Precise BatchNorm"
takes the averages over the training images under the weights as they are: Wu & Johnson 2021, arXiv 2105.07576.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from core.backbones.backbone import Backbone
from core.freezing.apply import Frozen, frozen_modules
from core.training import precision
from core.training.cache import Features, Some, suffix
from core.training.memory import MicroBatch
from core.training.views import generator

T = TypeVar("T")

MOST_IMAGES = 1024  # more do not help (Wu & Johnson, end of section 3.2), and a long epoch hardly gets longer


def trained_layers(backbone: Backbone, frozen: Frozen) -> list[_BatchNorm]:
    """List the BatchNorm layers that are in training mode and lie in no frozen stage."""
    kept = {id(part) for module in frozen_modules(backbone, frozen) for part in module.modules()}
    return [
        module
        for module in backbone.modules()
        if isinstance(module, _BatchNorm) and module.training and id(module) not in kept
    ]


def average(layers: Sequence[_BatchNorm], batches: Iterable[T], forward: Callable[[T], object]) -> None:
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


def recompute(
    backbone: Backbone, features: Features | Some, view: int, *, frozen: Frozen, seed: int, micro: MicroBatch
) -> None:
    """Set the statistics of what `trained_layers` lists to averages over ``features``' images, `MOST_IMAGES` at most.

    Batches are drawn once a run (``seed``) and are of the size that training uses, since each layer sees what the
    layers before it normalised by their batches. Frozen statistics do not move. Leaves the network in eval mode.
    """
    layers = trained_layers(backbone, frozen)
    backbone.eval()
    if not layers:
        return
    order = torch.randperm(len(features), generator=generator(seed, "statistics"))[:MOST_IMAGES]

    def forward(numbers: Tensor) -> None:
        with precision.autocast(features.device):
            suffix(backbone, features.batch(numbers, view), features.depth)

    def work(size: int) -> None:
        parts = max(1, min(-(-len(order) // size), len(order) // micro.smallest))
        average(layers, order.tensor_split(parts), forward)

    micro.attempt(work, features.device)

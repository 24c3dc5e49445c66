"""BatchNorm's running statistics, computed anew over the training images.

While a network learns, BatchNorm normalises by each batch, and what it will normalise by afterwards follows as a
moving average: ten steps in, a third of it is still what was there before the run (0.9 ** 10). "Precise BatchNorm"
takes the averages over the training images under the weights as they are: Wu & Johnson 2021, arXiv 2105.07576.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from core.backbones.backbone import Backbone
from core.freezing.apply import frozen_modules
from core.training.cache import Features, suffix
from core.training.precision import autocast
from core.training.steps import steps_per_epoch
from core.training.views import generator

MOST_IMAGES = 1024  # more do not help (Wu & Johnson, end of section 3.2), and a long epoch hardly gets longer


def average_statistics(
    layers: Sequence[_BatchNorm], batches: Iterable[Tensor], forward: Callable[[Tensor], object]
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


def hold_statistics(backbone: Backbone) -> None:
    """Let every BatchNorm normalise by the statistics that it came with, in stages that are trained, too."""
    for module in backbone.modules():
        if isinstance(module, _BatchNorm):
            module.eval()


def trained_layers(backbone: Backbone, frozen: Collection[str]) -> list[_BatchNorm]:
    """List the BatchNorm layers that are in training mode and lie in none of the stages ``frozen``."""
    kept = {id(part) for module in frozen_modules(backbone, frozen) for part in module.modules()}
    return [
        module
        for module in backbone.modules()
        if isinstance(module, _BatchNorm) and module.training and id(module) not in kept
    ]


def recompute_statistics(
    backbone: Backbone, layers: list[_BatchNorm], features: Features, view: int, *, seed: int, size: int
) -> None:
    """Set the statistics of ``layers`` (`trained_layers`) to averages over images of ``features``, 1,024 at most.

    Batches are drawn once a run (``seed``) and are of the ``size`` that training uses, since each layer sees what the
    layers before it normalised by their batches. Frozen statistics do not move. Leaves the network in eval mode.
    """
    backbone.eval()
    if not layers:
        return
    order = torch.randperm(len(features), generator=generator(seed, "statistics"))[:MOST_IMAGES]

    def forward(numbers: Tensor) -> None:
        with autocast(features.device):
            suffix(backbone, features.batch(numbers, view), features.depth)

    average_statistics(layers, order.tensor_split(steps_per_epoch(len(order), size)), forward)

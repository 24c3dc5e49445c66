"""AdaBN: keep every weight, and measure BatchNorm's means and variances anew on the target."""

import copy
from typing import TypeVar

from torch import Tensor, nn

from core.training import batch_norm

Network = TypeVar("Network", bound=nn.Module)


def adapt(network: Network, target: Tensor) -> Network:
    """Copy ``network`` with the BatchNorm statistics of ``target`` images (N, 3, S, S); in eval mode.

    Li et al. 2016 (arXiv 1603.04779). No label is used and nothing is trained.
    """
    adapted = copy.deepcopy(network).eval()
    layers = [module for module in adapted.modules() if isinstance(module, nn.BatchNorm2d)]
    batch_norm.average_statistics(layers, [target], adapted)
    return adapted

"""AdaBN: keep every weight, and measure BatchNorm's means and variances anew on the target."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


@torch.no_grad()
def adapt(network: Network, target: Tensor) -> Network:
    """Copy ``network`` with the BatchNorm statistics of ``target`` images (N, 3, S, S); in eval mode.

    Li et al. 2016 (arXiv 1603.04779). No label is used and nothing is trained.
    """
    adapted = copy.deepcopy(network).train()
    for module in adapted.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean over all that passes
    adapted(target)
    return adapted.eval()

"""Mixing networks by their weights: between two of them (WiSE-FT), among several (a soup), and what must fail.

A state is a network's tensors by name, as ``state_dict`` gives them.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import Module

from core.vision import torchvision

FusedWeights = dict[str, Tensor]


def interpolated(before: Mapping[str, Tensor], after: Mapping[str, Tensor], alpha: float) -> FusedWeights:
    """Walk the straight line in weight space: ``(1 - alpha) * before + alpha * after``, tensor by tensor.

    WiSE-FT, Wortsman et al. 2022 (arXiv 2109.01903), equation 1: ``before`` is the probed network, ``after`` the
    fine-tuned one, started from it. Alpha 0 and 1 give the two back.
    """
    return {name: (1 - alpha) * before[name] + alpha * after[name] for name in before}


def soup(states: Sequence[Mapping[str, Tensor]]) -> FusedWeights:
    """Average the weights of several networks, each fine-tuned from the same start.

    The uniform soup of Wortsman et al. 2022 (arXiv 2203.05482): one network at the end, as fast as any of them.
    """
    return {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]}


@torch.no_grad()
def reorder_hidden_channels(network: Module, generator: torch.Generator) -> None:
    """Reorder the hidden channels of every residual block, in place: other weights, the same function.

    What a block's first convolution puts at place p[i] its second one now reads at place i, so every answer stays
    what it was. Averaging such a network with the original shows that weights can be mixed only where they are
    aligned (Ainsworth et al. 2023, arXiv 2209.04836).
    """
    for block in network.modules():
        if not isinstance(block, torchvision.models.resnet.BasicBlock):
            continue
        order = torch.randperm(block.conv1.out_channels, generator=generator)
        block.conv1.weight.copy_(block.conv1.weight[order])  # (hidden, C, 3, 3)
        for tensor in (block.bn1.weight, block.bn1.bias, block.bn1.running_mean, block.bn1.running_var):
            assert tensor is not None
            tensor.copy_(tensor[order])  # (hidden,)
        block.conv2.weight.copy_(block.conv2.weight[:, order])  # (C, hidden, 3, 3)

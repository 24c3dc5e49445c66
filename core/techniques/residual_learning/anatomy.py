"""The built-in backbone, block by block: what comes in, what the block adds, and the network with a block damaged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from core.backbones.backbone import Backbone
from core.vision import torchvision

BasicBlock = torchvision.models.resnet.BasicBlock
Damage = Literal["deleted", "shuffled"]


def parts(block: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Take a residual block apart: its change H(x) and its shortcut, both (B, C', h', w').

    The block's answer is relu(change + shortcut). The shortcut is x itself, or x brought to another size by a
    convolution of one pixel (He et al. 2016, arXiv 1512.03385, section 3.3).
    """
    change = block.bn2(block.conv2(block.bn1(block.conv1(x)).relu()))  # type: ignore[operator]
    shortcut = x if block.downsample is None else block.downsample(x)  # type: ignore[operator]
    return change, shortcut


@dataclass(frozen=True, kw_only=True)
class Passage:
    """What one block did with a batch: mean over pictures of the sizes of its change and its shortcut."""

    block: str  # "layer2.0"
    change: float
    shortcut: float


def block_names(backbone: Backbone) -> list[str]:
    """Name the residual blocks in order: "layer1.0", …"""
    return [
        f"{stage.name}.{place}"
        for stage in backbone.table
        for place, module in enumerate(stage.module.children())
        if isinstance(module, BasicBlock)
    ]


@torch.no_grad()
def walk(
    backbone: Backbone, images: Tensor, damaged: str = "", damage: Damage = "deleted", seed: int = 0
) -> Iterator[Passage | Tensor]:
    """Run normalised images (B, 3, S, S) block by block; last comes the feature vector (B, feature_size).

    In the block called ``damaged`` the change is left out, which leaves the shortcut alone, or the channels of the
    change are dealt out anew: a change of the same size that was meant for other channels.
    """
    features = images
    for stage in backbone.table:
        children = list(stage.module.children())
        if not any(isinstance(module, BasicBlock) for module in children):
            features = stage.module(features)
            continue
        for place, block in enumerate(children):
            name = f"{stage.name}.{place}"
            change, shortcut = parts(block, features)
            yield Passage(block=name, change=_size(change), shortcut=_size(shortcut))
            if name == damaged and damage == "deleted":
                change = torch.zeros_like(change)
            elif name == damaged:
                order = torch.Generator().manual_seed(seed)
                change = change[:, torch.randperm(change.shape[1], generator=order)]
            features = (change + shortcut).relu()
    vector: Tensor = backbone.neck(features)
    yield vector


def _size(features: Tensor) -> float:
    return float(torch.linalg.vector_norm(features.flatten(1), dim=1).mean())

"""One network, three ways to pass a signal on: y = H(x), y = H(x) + x, y = H(x) + x / 2."""

from collections.abc import Collection, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from core.backbones import stages

ShortcutKind = Literal["plain", "residual", "halved"]
SHORTCUT: dict[ShortcutKind, float] = {"plain": 0.0, "residual": 1.0, "halved": 0.5}
WIDTH = 8  # channels


class ShortcutBlock(nn.Module):
    """Two convolutions H, and what comes of x. He et al. 2016 (arXiv 1512.03385), figure 2.

    The halved shortcut is the control: He et al. 2016b (arXiv 1603.05027), section 3.1, found that a shortcut that
    scales by less than one makes deep networks hard to train, since the signal shrinks block by block.
    """

    def __init__(self, kind: ShortcutKind) -> None:
        super().__init__()
        self.shortcut = SHORTCUT[kind]
        self.first = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(WIDTH)
        self.second = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(WIDTH)

    def change(self, x: Tensor) -> Tensor:
        """Compute H(x): (B, C, h, w) -> (B, C, h, w)."""
        hidden = self.first_norm(self.first(x)).relu()
        change: Tensor = self.second_norm(self.second(hidden))
        return change

    def forward(self, x: Tensor) -> Tensor:
        """Compute relu(H(x) + shortcut * x)."""
        return (self.change(x) + self.shortcut * x).relu()


class Stack(nn.Module):
    """Digits (B, 1, 8, 8) -> class scores (B, 10), by a stem, ``blocks`` blocks and a classifier.

    All blocks have the same shape, so that any can be left out or change places.
    """

    def __init__(self, kind: ShortcutKind, blocks: int, seed: int) -> None:
        super().__init__()
        with stages.seeded(seed):
            self.stem = nn.Conv2d(1, WIDTH, 3, padding=1)
            self.blocks = nn.ModuleList(ShortcutBlock(kind) for _ in range(blocks))
            self.head = nn.Linear(WIDTH * 4, 10)
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def layers(self) -> int:
        """Layers with weights: the stem, two a block, the classifier."""
        return 2 * len(self.blocks) + 2

    def forward(self, digits: Tensor, order: Sequence[int] | None = None) -> Tensor:
        """Compute class scores; ``order`` names the blocks to run, one after the other (None: all)."""
        features = self.stem(digits).relu()
        for place in range(len(self.blocks)) if order is None else order:
            features = self.blocks[place](features)
        pooled = nn.functional.adaptive_avg_pool2d(features, 2).flatten(1)  # (B, 4 C)
        scores: Tensor = self.head(pooled)
        return scores


def without(blocks: int, deleted: Collection[int]) -> list[int]:
    """Leave blocks out: where H is gone, only the shortcut is left; a plain network just skips the layer."""
    return [place for place in range(blocks) if place not in deleted]


def gradient_norms(network: Stack, digits: Tensor, labels: Tensor) -> list[float]:
    """Size of the loss's gradient at the first convolution of every block, from the first block to the last."""
    network.zero_grad()
    nn.functional.cross_entropy(network(digits), labels).backward()  # type: ignore[no-untyped-call]
    norms = [float(torch.linalg.vector_norm(block.first.weight.grad)) for block in network.blocks]  # type: ignore[union-attr]
    network.zero_grad()
    return norms

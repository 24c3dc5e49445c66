"""What timm writes as lines of forward methods, as modules, so that they can stand in a chain of modules."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from core import errors
from core.backbones.families import ClassToken


class FittingSides(nn.Module):
    """Images, as they are, of sides that the network can take: ``side`` alone, or else multiples of ``step``."""

    def __init__(self, side: int | None, step: int, smallest: int) -> None:
        super().__init__()
        self.side, self.step, self.smallest = side, step, smallest

    def forward(self, images: Tensor) -> Tensor:
        """Pass images on, or raise `SettingsError`."""
        height, width = images.shape[-2:]
        if self.side is not None and (height, width) != (self.side, self.side):
            raise errors.SettingsError(
                f"This network takes images of {self.side} × {self.side} pixels only; it was given {width} × {height}."
            )
        if height % self.step or height != width or height < self.smallest:
            raise errors.SettingsError(
                f"This network takes squares whose side is a multiple of {self.step} pixels, of at least "
                f"{self.smallest}; it was given {width} × {height}."
            )
        return images


class PatchTokens(nn.Module):
    """Tokens (B, prefix + h·w, C) -> those of patches alone (B, h·w, C)."""

    def __init__(self, prefix: int) -> None:
        super().__init__()
        self.prefix = prefix

    def forward(self, tokens: Tensor) -> Tensor:
        """Leave out what stands before the patches."""
        return tokens[:, self.prefix :]


class _Mean(nn.Module):
    """The mean over axes: (1,) of tokens, (1, 2) or (2, 3) of maps."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, features: Tensor) -> Tensor:
        return features.mean(self.axes)


class _Permute(nn.Module):
    """The axes in another order."""

    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, features: Tensor) -> Tensor:
        return features.permute(self.order)


class _ToTokens(nn.Module):
    """Map (B, C, h, w) -> tokens (B, h·w, C)."""

    def forward(self, features: Tensor) -> Tensor:
        return features.flatten(2).transpose(1, 2)


class _ToMap(nn.Module):
    """Tokens (B, h·h, C) -> map (B, C, h, h)."""

    def forward(self, tokens: Tensor) -> Tensor:
        side = math.isqrt(tokens.shape[1])
        return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)


class _Positions(nn.Module):
    """Images -> tokens with their positions, by the network's own method, which finds here what it works with."""

    _NEEDED = (
        *(
            "patch_embed",
            "cls_token",
            "reg_token",
            "dist_token",
            "pos_embed",
            "pos_drop",
            "rope",
            "rope_mixed",
        ),
        *("dynamic_img_size", "no_embed_class", "num_prefix_tokens", "has_class_token"),
    )

    def __init__(self, network: Any) -> None:
        super().__init__()
        for name in self._NEEDED:
            if hasattr(network, name):
                setattr(self, name, getattr(network, name))
        self.patch_drop = None  # drops patches in training; no network of timm's asks for it by itself
        self._method = type(network)._pos_embed

    def forward(self, images: Tensor) -> Tensor:
        result = self._method(self, self.get_submodule("patch_embed")(images))
        tokens: Tensor = result[0] if isinstance(result, tuple) else result  # the second: rotary positions
        return tokens


class _ClassTokenAndPositions(nn.Module):
    """Images -> class token and patches (B, 1 + h·w, C), with positions added where the network has them (BEiT)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.patch_embed, self.pos_drop = network.patch_embed, network.pos_drop
        self.cls_token, self.pos_embed = network.cls_token, network.pos_embed

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patch_embed(images)
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1)
        if self.pos_embed is not None:
            tokens = tokens + self.pos_embed
        dropped: Tensor = self.pos_drop(tokens)
        return dropped


class TurnedBlocks(nn.Module):
    """Transformer blocks that turn queries and keys by their patch's place (rotary positions)."""

    def __init__(self, blocks: nn.Module, rope: nn.Module, prefix: int) -> None:
        super().__init__()
        self.blocks, self.rope, self.prefix = blocks, rope, prefix

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, prefix + h·h, C) -> the same shape."""
        side = math.isqrt(tokens.shape[1] - self.prefix)
        rope: Any = self.rope
        turn = rope.get_embed(shape=[side, side])
        for block in self.blocks.children():
            tokens = block(tokens, rope=turn)
        return tokens


def embedding(network: Any) -> nn.Module | None:
    """Make the module that turns images into tokens with positions; None for a network that has no such part."""
    if hasattr(network, "_pos_embed") and hasattr(network, "patch_embed"):
        return _Positions(network)
    if type(network).__name__ == "Beit":
        return _ClassTokenAndPositions(network)
    return None


# By name, made for a number of tokens that stand before those of patches. All give what timm's lines give, to the bit.
LINES: dict[str, Callable[[int], nn.Module]] = {
    "class_token": lambda _: ClassToken(),
    "patch_tokens": PatchTokens,
    "token_mean": lambda _: _Mean(1),
    "map_mean": lambda _: _Mean(2, 3),
    "mean": lambda _: _Mean(1, 2),
    "flatten": lambda _: nn.Flatten(1),
    "channels_first": lambda _: _Permute(0, 3, 1, 2),
    "channels_last": lambda _: _Permute(0, 2, 3, 1),
    "to_tokens": lambda _: _ToTokens(),
    "to_map": lambda _: _ToMap(),
    "transpose": lambda _: _Permute(0, 2, 1),
    "relu": lambda _: nn.ReLU(),
}

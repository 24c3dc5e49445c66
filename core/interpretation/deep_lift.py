"""DeepLift's multipliers where Captum has none or loses some, so that parts add up (Shrikumar et al. 2017).

Captum sends pictures and baselines through the network as one batch, pictures first, and takes gradients. It knows
ReLU, sigmoid and the like. Here the other activations of this lab's networks, max-pools (Captum keeps one share where
two windows pick the same position), squeeze-and-excitation gates and layer norms (products, of which a gradient forgets
how both factors change together) give, as their gradient, the multiplier: the change of the output over that of the
input. Attention stays with the plain gradient.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.vision import torchvision

_SMALL = 1e-7  # a change of the input that is none: there the multiplier is the gradient


def _change(batch: Tensor) -> Tensor:
    """What pictures differ by from their baselines, for both halves of the batch."""
    picture, baseline = batch.detach().chunk(2)
    return (picture - baseline).repeat(2, *[1] * (batch.ndim - 1))


def _mean(batch: Tensor) -> Tensor:
    """The mean of pictures and their baselines, for both halves of the batch."""
    picture, baseline = batch.detach().chunk(2)
    return ((picture + baseline) / 2).repeat(2, *[1] * (batch.ndim - 1))


def _moving(value: Tensor) -> Tensor:
    """Zero, whose gradient is one."""
    return value - value.detach()


class _Activation(nn.Module):
    """Rescale rule of a function of single numbers."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, features: Tensor) -> Tensor:
        output: Tensor = self.inner(features)
        change = _change(features)
        none = change.abs() < _SMALL
        slope = _change(output) / change.masked_fill(none, 1)
        return torch.where(none, output, output.detach() + slope * _moving(features))


class _MaxPool(nn.Module):
    """All of a window's change goes to the position that the larger maximum came from, in picture or baseline."""

    def __init__(self, inner: nn.MaxPool2d) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, features: Tensor) -> Tensor:
        pool = self.inner
        output, places = functional.max_pool2d(
            features, pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode, True
        )
        picture, baseline = output.chunk(2)
        own, others = places.chunk(2)
        chosen = torch.where(picture > baseline, own, others).repeat(2, 1, 1, 1)
        taken = features.flatten(2).gather(2, chosen.flatten(2)).view_as(output)
        change = _change(taken)
        none = change.abs() < _SMALL
        slope = (_change(output) / change.masked_fill(none, 1)).masked_fill(none, 1)
        return output.detach() + slope * _moving(taken)


class _Gate(nn.Module):
    """Squeeze and excitation: each factor's change counts with the mean of the other one."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, features: Tensor) -> Tensor:
        scale: Tensor = self.inner._scale(features)  # type: ignore[operator]
        return (
            (scale * features).detach() + _mean(scale) * _moving(features) + _mean(features) * _moving(scale)
        )


class _LayerNorm(nn.Module):
    """Deviations times one over their spread: a product, of which the second factor is a function of the first."""

    def __init__(self, inner: nn.LayerNorm) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, features: Tensor) -> Tensor:
        norm = self.inner
        over = 1 if isinstance(norm, torchvision.models.convnext.LayerNorm2d) else -1
        shape = [-1 if place == over % features.ndim else 1 for place in range(features.ndim)]
        deviation = features - features.mean(over, keepdim=True)
        # Of a square, the change is that of its root times twice the root's mean.
        variance = (2 * _mean(deviation) * _moving(deviation)).mean(over, keepdim=True)
        variance = variance + deviation.detach().square().mean(over, keepdim=True)
        inverse = (variance + norm.eps).rsqrt()
        change = _change(variance)
        none = change.abs() < _SMALL * variance.detach()
        slope = _change(inverse) / change.masked_fill(none, 1)
        inverse = torch.where(none, inverse, inverse.detach() + slope * _moving(variance))
        output = (inverse * deviation).detach() + _mean(inverse) * _moving(deviation)
        output = output + _mean(deviation) * _moving(inverse)
        if norm.weight is not None:
            output = output * norm.weight.view(shape)
        return output if norm.bias is None else output + norm.bias.view(shape)


RULES: dict[type[nn.Module], Callable[..., nn.Module]] = {
    **dict.fromkeys((nn.GELU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.ReLU6), _Activation),
    nn.MaxPool2d: _MaxPool,
    torchvision.ops.misc.SqueezeExcitation: _Gate,
    **dict.fromkeys((nn.LayerNorm, torchvision.models.convnext.LayerNorm2d), _LayerNorm),
}


@contextmanager
def multipliers(network: nn.Module) -> Iterator[None]:
    """Let the modules of a private copy give multipliers, for batches of pictures and then their baselines."""
    places = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if type(child) in RULES
    ]
    try:
        for parent, name, child in places:
            setattr(parent, name, RULES[type(child)](child).eval())
        yield
    finally:
        for parent, name, child in places:
            setattr(parent, name, child)

"""Depthwise convolutions on a CPU: bfloat16 forwards, float32 backwards.

A CPU that multiplies in bfloat16 gains by it in all but one place. The gradients of depthwise convolutions, whose
bfloat16 kernels torch's library for CPUs lacks for strides and for 5 x 5, are then computed up to 25 times slower than
in float32. Images a second that efficientnet_lite0 learns from, all of it trained, in float32, in bfloat16, and in
bfloat16 but for these gradients, on two Zen 5 cores with batches of 32: 77, 66 and 102 at 112 px; 57, 58 and 81 at 128;
36, 41 and 60 at 160; 15, 21 and 27 at 224 (`benchmarks/precision.py` repeats this).
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from core.training.precision import autocast_type


def depthwise_gradients(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Open a context for forward passes whose gradients are wanted, inside that of `autocast`."""
    if device.type == "cpu" and autocast_type(device) is torch.bfloat16:
        return _DepthwiseMode()
    return contextlib.nullcontext()


class _DepthwiseMode(TorchFunctionMode):
    """Let `_Depthwise` answer for torch's convolution where each channel has filters of its own."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.conv2d and not kwargs and len(args) == 7:  # as modules call it, with all arguments
            images, weight, bias, stride, padding, dilation, groups = args
            if groups == images.shape[1] > 1 and isinstance(padding, tuple):
                return _Depthwise.apply(images, weight, bias, stride, padding, dilation)  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


class _Depthwise(torch.autograd.Function):
    """A convolution with as many groups as channels: images (B, C, H, W), weight (C · n, 1, h, w), bias (C · n,)."""

    @staticmethod
    def forward(  # noqa: PLR0917 - torch calls it so
        ctx: Any,
        images: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Tensor:
        images = images.bfloat16()
        ctx.save_for_backward(images, weight)
        ctx.geometry = stride, padding, dilation
        half = None if bias is None else bias.bfloat16()
        return torch.conv2d(
            images, weight.bfloat16(), half, stride, padding, dilation, groups=images.shape[1]
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        images, weight = ctx.saved_tensors
        stride, padding, dilation = ctx.geometry
        wanted = list(ctx.needs_input_grad[:3])
        of_images, of_weight, of_bias = torch.ops.aten.convolution_backward(
            gradients[0].float(),
            images.float(),
            weight,
            [len(weight)],  # the bias's shape
            stride,
            padding,
            dilation,
            False,  # not transposed
            (0, 0),  # nor padded on its other side
            images.shape[1],
            wanted,
        )
        return of_images, of_weight, of_bias, None, None, None

"""Depthwise convolutions learn in bfloat16 but for their gradients, which are float32's."""

import pytest
import torch
from torch import Tensor, nn

from core.training import precision
from core.training.depthwise import depthwise_gradients

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)


def gradients(layer: nn.Module, images: Tensor, *, ours: bool) -> tuple[Tensor, list[Tensor]]:
    """What ``layer`` answers in bfloat16, and the gradients of its square sum: of the images, then of parameters."""
    images = images.clone().requires_grad_()
    with precision.autocast(CPU):
        if ours:
            with depthwise_gradients(CPU):
                answer = layer(images)
        else:
            answer = layer(images)
    wanted = [images, *layer.parameters()]
    return answer, list(torch.autograd.grad(answer.float().square().sum(), wanted))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "filters"), [(3, 1, 1), (5, 2, 1), (3, 2, 2)])
def test_the_answer_is_torchs_and_the_gradients_are_those_of_float32(kernel, stride, filters, bias):
    torch.manual_seed(0)
    layer = nn.Conv2d(
        8, 8 * filters, kernel, stride=stride, padding=kernel // 2, groups=8, bias=bias
    )  # (B, 8, 12, 12) -> (B, 8 · filters, 12 / stride, …)
    images = torch.randn(4, 8, 12, 12).bfloat16().float()  # that nothing is lost on the way in
    answer, ours = gradients(layer, images, ours=True)
    theirs, rounded = gradients(layer, images, ours=False)
    assert torch.equal(answer, theirs)
    assert answer.dtype == torch.bfloat16
    # The same by hand: the loss's own gradient, through a convolution in float32.
    wanted = images.clone().requires_grad_()
    exact = torch.autograd.grad(layer(wanted), [wanted, *layer.parameters()], 2 * answer.float())
    far, near = (
        max(
            float((one - true).abs().max() / true.abs().max()) for one, true in zip(found, exact, strict=True)
        )
        for found in (rounded, ours)
    )
    assert near < 1e-5
    assert far > 1e-4, "the measure sees bfloat16's rounding"


def test_other_convolutions_are_left_alone():
    torch.manual_seed(0)
    for layer in (nn.Conv2d(8, 6, 3), nn.Conv2d(8, 8, 3, groups=2), nn.Conv2d(1, 4, 3), nn.Conv2d(8, 8, 1)):
        images = torch.randn(2, layer.in_channels, 9, 9)
        for ours, theirs in zip(
            gradients(layer, images, ours=True)[1], gradients(layer, images, ours=False)[1], strict=True
        ):
            assert torch.equal(ours, theirs)


def test_a_convolution_that_names_its_padding_is_left_to_torch():
    layer = nn.Conv2d(4, 4, 3, padding="same", groups=4)
    answer, _ = gradients(layer, torch.randn(2, 4, 8, 8), ours=True)
    assert answer.shape == (2, 4, 8, 8)


def test_without_bfloat16_nothing_changes(monkeypatch):
    monkeypatch.setattr(precision, "BFLOAT16_FEATURES", ())
    layer, images = nn.Conv2d(4, 4, 3, groups=4), torch.randn(2, 4, 8, 8)
    for ours, theirs in zip(
        gradients(layer, images, ours=True)[1], gradients(layer, images, ours=False)[1], strict=True
    ):
        assert torch.equal(ours, theirs)
        assert ours.dtype == torch.float32

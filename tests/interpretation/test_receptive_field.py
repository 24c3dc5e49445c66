"""Receptive fields: exact on hand-set stacks, known numbers for ResNet-18, and what a unit really uses."""

import numpy as np
import pytest
import torch
from torch import nn

from core.backbones.backbone import Backbone, Stage
from core.interpretation import specimen
from core.interpretation.receptive_field import (
    WHOLE,
    box_holding,
    effective_boxes,
    receptive_field,
    receptive_fields,
)
from core.interpretation.specimen import Specimen

PICTURE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def stack(*stages: tuple[nn.Module, int], size: int = 64) -> Specimen:
    """A network of the given stages, (module, reduction) each, under the built-in network's catalogue entry."""
    rows = tuple(
        Stage(name=f"s{number}", module=module, channels=2, reduction=reduction)
        for number, (module, reduction) in enumerate(stages)
    )
    neck = nn.Flatten()
    backbone = Backbone(name="tiny_resnet18", stages=rows, neck=neck, feature_size=2, head=neck)
    return specimen.specimen(backbone, (), size)


def dead(conv: nn.Conv2d) -> nn.Sequential:
    """A convolution behind which a rectifier is off for every picture."""
    with torch.no_grad():
        conv.weight.mul_(0.01)
        assert conv.bias is not None
        conv.bias.fill_(-100)
    return nn.Sequential(conv, nn.ReLU(inplace=True))


def test_a_stack_of_known_size_is_measured_exactly_even_where_every_unit_is_off() -> None:
    one = stack(
        (dead(nn.Conv2d(3, 2, 7, stride=2, padding=3)), 2),
        (nn.Sequential(nn.MaxPool2d(3, 2, 1), dead(nn.Conv2d(2, 2, 3, padding=1))), 4),
    )
    first, second = receptive_field(one, "s0"), receptive_field(one, "s1")
    assert (first.low, first.high, first.pixels, first.stride, first.map_side) == (-3, 4, 7, 2, 32)
    # 7, then a pool of 3 at a distance of 2 pixels (+4), then a kernel of 3 at a distance of 4 (+8).
    assert (second.low, second.high, second.pixels) == (-9, 10, 19)
    assert second.share == 19 / 64
    assert second.box(0, 15) == ((60 - 9) / 64, 0, 1, 10 / 64)  # cut by the picture's border
    assert second.box(8, 8) == (23 / 64, 23 / 64, 42 / 64, 42 / 64)


def test_dilation_and_missing_padding_are_seen() -> None:
    one = stack((nn.Conv2d(3, 2, 3, dilation=4), 1), size=32)
    field = receptive_field(one, "s0")
    assert (field.low, field.high, field.map_side) == (0, 9, 24)


def test_resnet_18_sees_what_is_published() -> None:
    one = specimen.random("resnet18")
    found = [receptive_field(one, stage.name).pixels for stage in one.entry.stages[:4]]
    assert found == [11, 43, 99, 211]  # Araujo et al. 2019 (distill.pub), for the ends of these blocks


@pytest.mark.parametrize(
    ("name", "stage", "pixels"), [("vit_b_16", "patches", 16), ("mobilenet_v3_small", "fc", 224)]
)
def test_patches_and_vectors(name: str, stage: str, pixels: int) -> None:
    assert receptive_field(specimen.random(name), stage).pixels == pixels


def test_behind_a_stage_that_sees_everything_all_do() -> None:
    one = specimen.random("tiny_resnet18")
    found = receptive_fields(one)
    assert [found[name].whole for name in found] == [False, False, False, False, True]
    assert found["layer2"] == receptive_field(one, "layer2")
    half = stack((nn.AdaptiveAvgPool2d(4), 16), (nn.MaxPool2d(2, 2), 32))
    pooled = receptive_fields(half)
    assert not pooled["s0"].whole
    vit = receptive_fields(specimen.random("vit_b_16"))
    assert [field.whole for field in vit.values()] == [False] + [True] * 6
    assert vit["blocks11_12"].box(3, 9) == WHOLE


def test_what_a_unit_uses_lies_inside_what_it_can_see_and_the_network_stays_as_it_was() -> None:
    one = specimen.random("tiny_resnet18")
    before = {name: tensor.clone() for name, tensor in one.backbone.state_dict().items()}
    field = receptive_field(one, "layer1")
    maps = specimen.activations(one, PICTURE[None], "layer1")[0]
    channel, row, column = (int(part) for part in np.unravel_index(maps.argmax(), maps.shape))
    (used,) = effective_boxes(one, PICTURE, "layer1", [(channel, row, column)])
    seen = field.box(row, column)
    assert used is not None
    assert used[2] - used[0] < seen[2] - seen[0]
    assert all(a >= b - 1 / 64 for a, b in zip(used[:2], seen[:2], strict=True))
    assert all(a <= b + 1 / 64 for a, b in zip(used[2:], seen[2:], strict=True))
    assert all(torch.equal(before[name], tensor) for name, tensor in one.backbone.state_dict().items())
    assert not any(module._forward_hooks or module.training for module in one.backbone.modules())
    assert not any(parameter.requires_grad for parameter in one.backbone.parameters())


def test_nothing_moves_a_unit_that_is_off() -> None:
    one = stack((dead(nn.Conv2d(3, 2, 3, padding=1)), 1))
    assert effective_boxes(one, PICTURE, "s0", [(0, 5, 5)]) == [None]


def test_the_smallest_square_that_holds_a_share() -> None:
    energy = np.zeros((10, 10))
    energy[4, 6] = 8.0
    energy[3, 6] = energy[5, 6] = 1.0
    assert box_holding(energy, 0.8) == (0.6, 0.4, 0.7, 0.5)
    assert box_holding(energy, 0.9) == (0.5, 0.3, 0.8, 0.6)
    assert box_holding(np.ones((10, 10)), 1.0) == WHOLE
    assert box_holding(np.zeros((10, 10)), 0.9) is None

"""Do a map's parts add up: measured with every explanation that promises it, on every network of the catalogue."""

import numpy as np
import pytest
import torch
from torch import nn

from core.backbones import catalogue
from core.interpretation import attribution, deep_lift, explainable
from core.interpretation.attribution import METHODS
from core.interpretation.completeness import TOLERANCE, Completeness
from core.vision import torchvision
from tests.interpretation.calibrated import calibrated, measured

pytestmark = pytest.mark.filterwarnings("ignore:Setting")

ATTENTION = ("vit_b_16", "swin_t")  # for whose products of queries, keys and values DeepLift has no rule here


@pytest.mark.parametrize("name", [name for name in catalogue.BACKBONES if name not in ATTENTION])
def test_deep_lifts_parts_add_up_on_every_convolutional_network(name: str) -> None:
    one = calibrated(name)
    (found,) = measured(one, "deep_lift", pictures=1)
    assert found.size > 0
    assert found.gap < 0.01
    assert attribution.caveat(one, "deep_lift") is None


def test_what_attention_costs_is_measured_and_said() -> None:
    one = calibrated("swin_t")
    (found,) = measured(one, "deep_lift", pictures=1)
    assert "ShiftedWindowAttention" in str(attribution.caveat(one, "deep_lift"))
    assert found.sentence().startswith("Its parts add up" if found.holds else "Its parts do not add up")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_that_promises_it_is_measured(method: str) -> None:
    one = calibrated("tiny_resnet18", side=32)
    picture = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    found = attribution.attribute(one, picture, method=method, target=3).completeness
    assert (found is not None) == (method in ("integrated_gradients", "deep_lift", "layer_conductance"))
    if found is None:
        return
    raw = attribution.attribute(one, picture, method=method, target=3).raw
    with torch.no_grad():
        inputs = one.input(picture)
        whole = one.backbone(inputs)[0, 3] - one.backbone(torch.zeros_like(inputs))[0, 3]
    assert found.parts == pytest.approx(float(raw.astype(np.float64).sum()))
    assert found.whole == pytest.approx(float(whole), abs=1e-4)
    assert found.gap == pytest.approx(abs(found.parts - found.whole) / abs(found.whole), abs=1e-4)


def test_a_gap_is_said_where_the_way_from_the_baseline_is_too_coarse() -> None:
    """Convolutions without a bias, of a black picture: behind them, a layer norm jumps at the first step."""
    one = calibrated("convnext_tiny")
    with torch.no_grad():
        for module in one.backbone.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                module.bias.zero_()
    (found,) = measured(one, "integrated_gradients", pictures=1)
    assert found.gap > TOLERANCE
    assert found.sentence().startswith("Its parts do not add up: ")


def test_the_sentence_names_what_was_measured() -> None:
    right = Completeness(parts=1.0, whole=1.01, size=4.0)
    assert right.holds
    assert right.sentence().startswith("Its parts add up to 1 of the 1.01 by which the score changes")
    assert right.sentence().endswith(": 1.0 % apart.")
    wrong = Completeness(parts=0.55, whole=1.0, size=4.0)
    assert wrong.gap == pytest.approx(0.45)
    assert wrong.sentence().startswith("Its parts do not add up: 0.55 of the 1 by which")
    assert "45 % apart" in wrong.sentence()
    assert Completeness(parts=1e-9, whole=0.0, size=1.0).gap == 0, "rounding is no gap"
    assert "far apart" in Completeness(parts=1.0, whole=0.0, size=1.0).sentence()


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.MaxPool2d(3, 2), (4, 9, 9)),
        (nn.MaxPool2d(3, 1, padding=1, ceil_mode=True), (4, 8, 8)),
        (nn.GELU(), (5, 3, 3)),
        (nn.Hardswish(), (5, 3, 3)),
        (nn.ReLU6(), (5, 3, 3)),
        (nn.LayerNorm(6), (5, 6)),
        (torchvision.models.convnext.LayerNorm2d(6), (6, 4, 4)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_every_rule_shares_out_the_whole_change_and_leaves_the_values(
    module: nn.Module, shape: tuple[int, ...]
) -> None:
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(generator=draw)
    network = nn.Sequential(module).eval()
    both = 3 * torch.randn(4, *shape, generator=draw)  # two pictures, two baselines
    both[2] = 0
    both.requires_grad_()
    with deep_lift.multipliers(network):
        output = network(both)
        weights = torch.randn(output.shape[1:], generator=draw)
        output[:2].mul(weights).sum().backward()
    plain = network(both)
    torch.testing.assert_close(output, plain)
    assert both.grad is not None
    parts = (both.grad[:2] * (both[:2] - both[2:])).flatten(1).sum(1)
    whole = ((plain[:2] - plain[2:]) * weights).flatten(1).sum(1)
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-4)
    assert type(network[0]) is type(module), "put back"


@pytest.mark.parametrize(
    ("name", "calls"),
    [("tiny_resnet18", {2}), ("resnet18", {2}), ("resnet50", {3}), ("swin_t", {2}), ("vgg16", set()),
     ("regnet_y_400mf", set()), ("densenet121", set())],
)  # fmt: skip
def test_modules_that_work_several_times_are_found_by_running_the_network(name: str, calls: set[int]) -> None:
    assert set(explainable.calls_of(name).values()) == calls

"""Attribution: the same numbers as Captum by itself, on a network that stays as it was."""

import copy
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import (
    DeepLift,
    GuidedGradCam,
    IntegratedGradients,
    LayerConductance,
    LayerGradCam,
    Occlusion,
    Saliency,
)
from torch import Tensor, nn

from core import errors
from core.backbones.backbone import Backbone
from core.interpretation import attribution, specimen
from core.interpretation.attribution import METHODS, STEPS, attribute, window
from core.interpretation.explainable import explainable, explainable_stages
from core.interpretation.specimen import Specimen, batch_size
from core.vision import torchvision

pytestmark = pytest.mark.filterwarnings("ignore:Setting")

# Random weights, small pictures: (catalogue name, picture side, stage).
NETWORKS = (("tiny_resnet18", 32, "layer3"), ("squeezenet1_0", 48, "fire5_6"), ("mobilenet_v2", 32, "block2"))
TARGET = 3


def small(name: str, side: int) -> Specimen:
    one = specimen.random(name)
    return Specimen(entry=one.entry, backbone=one.backbone, class_names=one.class_names, image_size=side)


def picture(side: int) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    return np.random.default_rng(1).integers(0, 256, (side, side, 3)).astype(np.uint8)


def _two_relus(self: Any, features: Tensor) -> Tensor:
    """A residual block's forward pass as He et al. 2016 draw it, with a ReLU of its own at each place."""
    out = self.relu(self.bn1(self.conv1(features)))
    out = self.bn2(self.conv2(out))
    return self.relu2(out + (features if self.downsample is None else self.downsample(features)))


def bare(one: Specimen) -> Backbone:
    """A fresh deep copy, prepared by hand and not by what is tested."""
    network = copy.deepcopy(one.backbone)
    for module in list(network.modules()):
        if isinstance(module, torchvision.models.resnet.BasicBlock):
            module.relu2 = nn.ReLU()
            module.forward = types.MethodType(_two_relus, module)
        if getattr(module, "inplace", False):
            module.inplace = False
    return network


CAPTUM: dict[str, Callable[[nn.Module, nn.Module, Tensor], Tensor]] = {
    "grad_cam": lambda network, layer, x: LayerGradCam(network, layer).attribute(x, target=TARGET),
    "saliency": lambda network, layer, x: Saliency(network).attribute(x, target=TARGET),
    "integrated_gradients": lambda network, layer, x: IntegratedGradients(network).attribute(
        x, baselines=0, target=TARGET, n_steps=STEPS, internal_batch_size=batch_size(x.shape[-1])
    ),
    "deep_lift": lambda network, layer, x: DeepLift(network).attribute(x, baselines=0, target=TARGET),
    "occlusion": lambda network, layer, x: Occlusion(network).attribute(
        x,
        sliding_window_shapes=(3, window(x.shape[-1])[0], window(x.shape[-1])[0]),
        strides=(3, window(x.shape[-1])[1], window(x.shape[-1])[1]),
        baselines=0,
        target=TARGET,
        perturbations_per_eval=batch_size(x.shape[-1]),
    ),
    "guided_grad_cam": lambda network, layer, x: GuidedGradCam(network, layer).attribute(x, target=TARGET),
    "layer_conductance": lambda network, layer, x: LayerConductance(network, layer).attribute(
        x, baselines=0, target=TARGET, n_steps=STEPS, internal_batch_size=batch_size(x.shape[-1])
    ),
}


def test_every_method_has_its_bare_call_here() -> None:
    assert set(CAPTUM) == set(METHODS)


@pytest.mark.parametrize(
    ("name", "side", "stage", "method"),
    [
        (*network, method)
        for network in NETWORKS
        for method in METHODS
        # Of DeepLift, Captum's own parts do not add up on the others; ours do: test_completeness.py.
        if method != "deep_lift" or network[0] == "tiny_resnet18"
        # Captum's guided backprop does not know ReLU6; ours does: test_lite0.py.
        if method != "guided_grad_cam" or network[0] != "mobilenet_v2"
    ],
)
def test_the_answer_is_captums_own(name: str, side: int, stage: str, method: str) -> None:
    one = small(name, side)
    network = bare(one)
    expected = CAPTUM[method](
        network, network.stages[stage], one.input(picture(side)).requires_grad_()
    ).detach()
    found = attribute(one, picture(side), method=method, target=TARGET, stage=stage)
    assert found.raw.shape == tuple(expected.shape)
    assert np.array_equal(found.raw, expected.numpy())
    assert np.allclose(found.values, found.raw[0].sum(axis=0), atol=1e-6 * np.abs(found.raw).max())


def _state(network: nn.Module) -> list[Any]:
    hooks = (
        "_forward_hooks",
        "_forward_pre_hooks",
        "_backward_hooks",
        "_backward_pre_hooks",
    )
    return [
        [(m.training, type(m), *(len(getattr(m, hook)) for hook in hooks)) for m in network.modules()],
        [(p.requires_grad, p.grad, p.data_ptr()) for p in network.parameters()],
        [sorted(vars(m)) for m in network.modules()],
    ]


@pytest.mark.parametrize("method", METHODS)
def test_a_frozen_network_is_explained_and_left_as_it_was(method: str) -> None:
    one = small("tiny_resnet18", 32)
    assert not any(parameter.requires_grad for parameter in one.backbone.parameters())
    weights = {name: tensor.clone() for name, tensor in one.backbone.state_dict().items()}
    before = _state(one.backbone)
    shown = picture(32)
    found = attribute(one, shown, method=method, target=TARGET, stage="layer3")
    assert np.abs(found.values).max() > 0
    assert _state(one.backbone) == before
    assert all(torch.equal(tensor, weights[name]) for name, tensor in one.backbone.state_dict().items())
    assert np.array_equal(shown, picture(32))


FAST = ("tiny_resnet18", "resnet50", "regnet_y_400mf", "swin_t", "densenet121", "mobilenet_v3_small")


@pytest.mark.parametrize("name", FAST)
def test_no_module_works_twice_in_the_copy_and_outputs_stay_the_same(name: str) -> None:
    one = small(name, 32)
    network = explainable(one)
    calls: dict[nn.Module, int] = {}

    def count(module: nn.Module, _inputs: object, _output: object) -> None:
        calls[module] = calls.get(module, 0) + 1

    handles = [
        m.register_forward_hook(count)
        for m in network.modules()
        if not type(m).__name__.startswith("_InTurn")
    ]
    with torch.inference_mode():
        scores = network(one.input(picture(32)))
        for handle in handles:
            handle.remove()
        assert torch.equal(scores, one.backbone(one.input(picture(32))))
    assert max(calls.values()) == 1


def test_deep_lifts_parts_add_up_to_the_difference_of_the_scores() -> None:
    # Summation to delta (Shrikumar et al. 2017), which only holds if no ReLU is taken for another.
    one = small("tiny_resnet18", 32)
    inputs = one.input(picture(32))
    with torch.no_grad():
        difference = one.backbone(inputs)[0] - one.backbone(torch.zeros_like(inputs))[0]
    target = int(difference.abs().argmax())
    found = attribute(one, picture(32), method="deep_lift", target=target)
    assert found.raw.sum() == pytest.approx(float(difference[target]), rel=1e-3)


def test_a_wrong_method_class_or_stage_is_one_sentence() -> None:
    one = small("mobilenet_v3_small", 32)
    with pytest.raises(errors.SettingsError, match="method must be one of"):
        attribute(one, picture(32), method="tea_leaves", target=0)
    for target in (-1, 1000):
        with pytest.raises(errors.SettingsError, match="target must lie between 0 and 999"):
            attribute(one, picture(32), method="saliency", target=target)
    with pytest.raises(errors.SettingsError, match="stage must be one of"):
        attribute(one, picture(32), method="grad_cam", target=0, stage="attic")
    with pytest.raises(errors.SettingsError, match=r"fc returns one vector.*Choose one of stem"):
        attribute(one, picture(32), method="grad_cam", target=0, stage="fc")


def test_stages_that_return_one_vector_are_not_offered() -> None:
    assert explainable_stages(small("mobilenet_v3_small", 32))[-1] == "last_conv"
    assert explainable_stages(small("tiny_resnet18", 32))[-1] == "layer4"


def test_a_vision_transformers_tokens_are_seen_as_a_map() -> None:
    one = specimen.random("vit_b_16")
    assert explainable_stages(one)[-1] == "blocks9_10"
    with pytest.raises(errors.SettingsError, match="class token"):
        attribute(one, picture(224), method="grad_cam", target=0, stage="blocks11_12")
    with torch.no_grad():
        one.backbone.head[-1].head.weight.normal_(generator=torch.Generator().manual_seed(0))
    found = attribute(one, picture(224), method="grad_cam", target=0)
    assert found.stage == "blocks9_10"
    assert found.values.shape == (14, 14)
    assert not found.silent


def test_the_share_inside_a_box_counts_cells_by_their_area() -> None:
    values = np.array([[1.0, 3.0], [-5.0, 4.0]])
    assert attribution.share_inside(values, (0, 0, 1, 1)) == pytest.approx(1)
    assert attribution.share_inside(values, (0.5, 0, 1, 1)) == pytest.approx(7 / 8)
    assert attribution.share_inside(values, (0.75, 0, 1, 0.5)) == pytest.approx(1.5 / 8)
    assert attribution.share_inside(-np.ones((3, 3)), (0, 0, 1, 1)) is None
    box = (0.1, 0.2, 0.7, 0.9)
    assert attribution.share_inside(np.ones((7, 5)), box) == pytest.approx(attribution.area(box))


def test_what_a_method_cannot_do_on_a_network_is_said() -> None:
    assert attribution.caveat(small("tiny_resnet18", 32), "deep_lift") is None
    assert attribution.caveat(small("squeezenet1_0", 48), "deep_lift") is None
    assert "SiLU" in str(attribution.caveat(specimen.random("efficientnet_b0"), "guided_grad_cam"))
    assert attribution.caveat(specimen.random("efficientnet_b0"), "deep_lift") is None
    assert "MultiheadAttention" in str(attribution.caveat(specimen.random("vit_b_16"), "deep_lift"))
    assert "SEModule" in str(attribution.caveat(specimen.random("timm:regnety_002"), "deep_lift"))

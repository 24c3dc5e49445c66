"""EfficientNet-Lite0 under the microscope: activations inside BatchNorm, ReLU6, padding that depends on size."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop
from numpy.typing import NDArray
from torch import nn

from core.backbones import catalogue
from core.images import samples
from core.images.picture import squares_of
from core.images.to_rgb import PictureReading
from core.interpretation import attribution, channel, faithfulness, filters, sanity, specimen
from core.interpretation.explainable import explainable, explainable_stages, guidable
from core.interpretation.receptive_field import receptive_field
from core.interpretation.specimen import Specimen
from core.vision import timm

pytestmark = pytest.mark.filterwarnings("ignore:Setting")  # Captum tells that it hooks

SMALL = 64  # pixels: enough to run every module


@pytest.fixture(scope="module")
def lite0() -> Specimen:
    return specimen.pretrained(catalogue.DEFAULT)


@pytest.fixture(scope="module")
def small(lite0: Specimen) -> Specimen:
    return replace(lite0, image_size=SMALL)


def _square(name: str, side: int) -> NDArray[np.uint8]:
    return squares_of(samples.sample(name).read(), {side}, PictureReading())[side]


@pytest.fixture(scope="module")
def cat() -> NDArray[np.uint8]:
    return _square("cat", SMALL)


@pytest.mark.parametrize(
    ("picture", "label", "probability"),
    [("cat", "Egyptian cat", 0.39), ("coffee", "espresso", 0.94), ("motorcycle", "moped", 0.70)],
)
def test_it_names_what_is_there(lite0: Specimen, picture: str, label: str, probability: float) -> None:
    scores = specimen.scores(lite0, _square(picture, lite0.image_size))[0]
    assert lite0.class_names[int(scores.argmax())] == label
    assert scores.max() == pytest.approx(probability, abs=0.05)


def test_its_activations_stand_inside_its_norms(lite0: Specimen) -> None:
    inside = [norm.act for norm in lite0.backbone.modules() if isinstance(norm, timm.layers.BatchNormAct2d)]
    assert sum(isinstance(act, nn.ReLU6) for act in inside) == sum(
        isinstance(module, nn.ReLU6) for module in lite0.backbone.modules()
    )


def test_what_is_explained_is_the_network_itself(small: Specimen, cat: NDArray[np.uint8]) -> None:
    private = explainable(small)
    with torch.inference_mode():
        wanted = small.backbone(small.input(cat))
        assert torch.equal(private(small.input(cat)), wanted)
        with guidable(private):
            assert torch.equal(private(small.input(cat)), wanted)
        assert not any(isinstance(module, nn.ReLU) for module in private.modules())  # as it was


def test_deep_lifts_parts_add_up(small: Specimen, cat: NDArray[np.uint8]) -> None:
    answer = attribution.attribute(small, cat, method="deep_lift", target=285)
    assert answer.completeness is not None
    assert answer.completeness.gap < 0.01
    assert attribution.caveat(small, "deep_lift") is None


@pytest.mark.parametrize("method", list(attribution.METHODS))
def test_every_method_explains_every_class_at_every_stage(
    small: Specimen, cat: NDArray[np.uint8], method: str
) -> None:
    stages = explainable_stages(small) if attribution.METHODS[method].staged else (None,)
    assert explainable_stages(small) == tuple(stage.name for stage in small.entry.stages)
    for stage in (stages[0], stages[-1]):
        answer = attribution.attribute(small, cat, method=method, target=999, stage=stage)
        assert np.isfinite(answer.values).all()
        assert not answer.silent


def test_guided_backprop_sees_relu6() -> None:
    network = nn.Sequential(nn.Flatten(), nn.ReLU6(), nn.Linear(3, 1, bias=False)).eval()
    with torch.no_grad():
        network[2].weight.copy_(torch.tensor([[-1.0, 2.0, 3.0]]))
    inputs = torch.tensor([[[1.0], [2.0], [9.0]]], requires_grad=True)

    def guided() -> list[float]:
        return GuidedBackprop(network).attribute(inputs, target=0).flatten().tolist()

    assert guided() == [-1, 2, 0]  # the plain gradient: Captum does not know a ReLU6
    with guidable(network):
        assert guided() == [0, 2, 0]  # what is negative is held back, what is above 6 moves nothing
    assert guided() == [-1, 2, 0]


def test_guided_grad_cam_of_it_has_no_caveat_and_is_not_the_plain_gradient(
    small: Specimen, cat: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attribution.caveat(small, "guided_grad_cam") is None
    guided = attribution.attribute(small, cat, method="guided_grad_cam", target=285).values
    monkeypatch.setattr("core.interpretation.explainable._CappedReLU", nn.ReLU6)
    plain = attribution.attribute(small, cat, method="guided_grad_cam", target=285).values
    assert np.corrcoef(guided.ravel(), plain.ravel())[0, 1] < 0.9


# --- where a unit looks ---------------------------------------------------------------------------------


def _by_arithmetic(stages: list[nn.Module]) -> tuple[int, int, int]:
    """First pixel, one past the last, and stride of unit 0, from kernels, strides and TensorFlow's padding.

    Holds where every stride divides what it meets, so that all of an odd padding goes to the right.
    """
    low, high, stride = 0, 1, 1
    for stage in stages:
        for conv in (module for module in stage.modules() if isinstance(module, nn.Conv2d)):
            (kernel, _), (step, _) = conv.kernel_size, conv.stride
            left = (kernel - step) // 2
            low, high = low - left * stride, high + (kernel - 1 - left) * stride
            stride *= step
    return low, high, stride


def test_receptive_fields_are_what_kernels_strides_and_lopsided_padding_make(lite0: Specimen) -> None:
    assert any(isinstance(module, timm.layers.Conv2dSame) for module in lite0.backbone.modules())
    for number, stage in enumerate(("stem", "block1", "block2")):
        field = receptive_field(lite0, stage)
        modules = list(lite0.backbone.stages.values())[: number + 1]
        assert (field.low, field.high, field.stride) == _by_arithmetic(modules)
    first = receptive_field(lite0, "stem")
    assert (first.low, first.high) == (
        -2,
        5,
    )  # stride 2 pads to the right only, the depthwise kernel both sides
    assert first.box(0, 0) == (0, 0, 5 / 224, 5 / 224)
    assert receptive_field(lite0, "block4").whole


def test_runs_of_other_sizes_look_the_same_way(lite0: Specimen) -> None:
    large, smaller = (
        receptive_field(replace(lite0, image_size=side), "block1") for side in (lite0.image_size, 128)
    )
    assert (large.low, large.high, large.stride) == (smaller.low, smaller.high, smaller.stride)
    assert smaller.map_side == 32


def test_stripes_are_measured_away_from_padding_of_either_kind(small: Specimen) -> None:
    """timm's "same" convolutions state no padding; what they pad with is an edge that is not in the stripes."""
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 2, 3, padding=1, bias=False).requires_grad_(False)
    with torch.no_grad():
        plain.weight.add_(0.2)
    same = timm.layers.Conv2dSame(3, 2, 3, bias=False).requires_grad_(False)
    same.weight.copy_(plain.weight)

    def tuned(conv: nn.Conv2d) -> filters.Tuning:
        backbone = nn.ModuleList([conv])
        return filters.tune(replace(small, backbone=backbone), 0)  # type: ignore[arg-type]

    np.testing.assert_allclose(tuned(same).answers, tuned(plain).answers, rtol=1e-5)


# --- the other views ------------------------------------------------------------------------------------


def test_a_channels_drivers_add_up_and_silencing_it_changes_the_answer(
    small: Specimen, cat: NDArray[np.uint8]
) -> None:
    maps = specimen.activations(small, cat, "block3")[0]
    strongest = int(channel.ranked(maps)[0])
    place = channel.peak(maps[strongest])
    driving = channel.drivers(small, cat, "block3", strongest, place)
    grey = specimen.activations(small, np.full_like(cat, 127), "block3")[0]
    change = maps[strongest].max() - grey[strongest, place.row, place.column]
    assert driving.sum() == pytest.approx(change, rel=0.25)  # 16 steps, and 127 is not quite the mean
    without = channel.without(small, cat, "block3", strongest)
    assert np.abs(specimen.scores(small, cat)[0] - without).max() > 1e-3


def test_its_last_channels_weights_into_the_class_scores_are_known(lite0: Specimen) -> None:
    weights = channel.head_weights(lite0)
    assert weights is not None
    assert weights.shape == (1000, 1280)


def test_faithfulness_and_sanity_can_be_measured(small: Specimen, cat: NDArray[np.uint8]) -> None:
    answer = attribution.attribute(small, cat, method="grad_cam", target=285, stage="block3")
    curves = faithfulness.curves(small, cat, answer, controls=1)
    assert curves.deletion.map[0] == pytest.approx(float(specimen.scores(small, cat)[0, 285]), abs=1e-5)
    control = replace(specimen.random(catalogue.DEFAULT), image_size=SMALL)
    steps = list(sanity.randomise(small, control, cat, method="saliency", target=285))
    assert [step.part for step in steps] == [None, *sanity.parts(small)]
    assert steps[0].rank == pytest.approx(1)
    assert steps[-1].rank is not None
    assert steps[-1].rank < 0.9

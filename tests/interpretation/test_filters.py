"""First filters: hand-set waves, blobs and noise are measured for what they are, in the kernel and on stripes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core import errors
from core.interpretation import filters, specimen
from core.interpretation.specimen import Specimen

SQUEEZENET = (
    Path(__file__).resolve().parents[2].parent / "shared" / "weights" / "squeezenet1_0-imagenet.safetensors"
)
GREY = np.ones(3) / np.sqrt(3)


def gabor(
    angle: float, frequency: float, colour: NDArray[np.float64] = GREY, side: int = 7
) -> NDArray[np.float64]:
    """A wave under a bell, (side, side, 3), whose stripes lie at ``angle`` degrees, anticlockwise from level."""
    down, across = np.mgrid[:side, :side] - (side - 1) / 2
    turn = np.radians(90 - angle)
    wave = np.cos(2 * np.pi * frequency * (across * np.cos(turn) + down * np.sin(turn)))
    bell = np.exp(-(down**2 + across**2) / (2 * (side / 4) ** 2))
    return (wave * bell)[..., None] * colour


def apart(a: float, b: float) -> float:
    """Degrees between two orientations."""
    return abs((a - b + 90) % 180 - 90)


def with_kernels(found: NDArray[np.float64]) -> Specimen:
    """The built-in network with these kernels (K, 7, 7, 3) first."""
    one = specimen.random("tiny_resnet18")
    weight = filters.first_convolution(one).weight
    with torch.no_grad():
        scaled = found * np.array(one.entry.std)
        weight[: len(found)] = torch.from_numpy(scaled.transpose(0, 3, 1, 2)).float()
    return one


ANGLES = (0.0, 30.0, 45.0, 90.0, 120.0, 165.0)


def test_waves_have_the_orientation_and_frequency_that_they_were_made_with() -> None:
    found = filters.analyse(np.stack([gabor(angle, 0.22) for angle in ANGLES]))
    for one, angle in zip(found, ANGLES, strict=True):
        assert apart(one.orientation, angle) < 6
        assert one.frequency == pytest.approx(0.22, abs=0.03)
        assert one.cycles == pytest.approx(7 * one.frequency)
        assert (one.kind, one.axis) == ("edge or grating", "brightness")
        assert one.chromatic == pytest.approx(0, abs=1e-9)


def test_the_wheel_agrees_with_the_kernel() -> None:
    one = with_kernels(np.stack([gabor(angle, 0.22) for angle in ANGLES]))
    for channel, angle in enumerate(ANGLES):
        tuning = filters.tune(one, channel)
        assert apart(tuning.preferred, angle) < 6
        assert tuning.selectivity > 0.25


@pytest.mark.parametrize(
    ("colour", "axis"), [((1, -1, 0), "red against green"), ((-1, -1, 2), "blue against yellow")]
)
def test_colour_opponency_is_named_by_its_axis(colour: tuple[int, int, int], axis: str) -> None:
    tint = np.array(colour) / np.linalg.norm(colour)
    wave, blob = filters.analyse(np.stack([gabor(45, 0.2, tint), gabor(0, 0, tint)]))
    assert (wave.kind, wave.axis) == ("edge or grating", axis)
    assert (blob.kind, blob.axis) == ("colour blob", axis)
    assert wave.chromatic == blob.chromatic == pytest.approx(1)
    one = with_kernels(np.stack([gabor(45, 0.2, tint), gabor(0, 0, tint)]))
    assert apart(filters.tune(one, 0).preferred, 45) < 6  # stripes of its own colour
    assert filters.tune(one, 1).selectivity < 0.05  # a round blob knows no orientation


def test_random_kernels_are_neither_and_a_grey_blob_or_nothing_is_other() -> None:
    found = filters.analyse(filters.kernels(specimen.random("tiny_resnet18")))
    assert sum(one.kind != "other" for one in found) <= 1
    grey, empty = filters.analyse(np.stack([gabor(0, 0), np.zeros((7, 7, 3))]))
    assert (grey.kind, empty.kind, empty.order) == ("other", "other", 0.0)


def test_a_gabor_function_explains_itself_and_not_noise_and_is_not_asked_about_nine_numbers() -> None:
    noise = np.random.default_rng(0).normal(size=(7, 7, 3))
    clean, other = filters.gabor_fit(gabor(30, 0.2)), filters.gabor_fit(noise)
    assert clean is not None
    assert other is not None
    assert clean > 0.999
    assert other < 0.8
    assert filters.gabor_fit(gabor(0, 0.2, side=3)) is None


def test_the_response_is_the_convolution_without_its_bias() -> None:
    one = specimen.random("squeezenet1_0")
    conv = filters.first_convolution(one)
    assert conv.bias is not None
    with torch.no_grad():
        conv.bias.fill_(3.0)
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    expected = torch.nn.functional.conv2d(one.input(picture), conv.weight, stride=conv.stride)[0, 5]
    assert np.allclose(filters.response(one, picture, 5), expected.numpy(), atol=1e-4)
    with pytest.raises(errors.SettingsError, match="between 0 and 95"):
        filters.response(one, picture, 96)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mobilenet_v3_small", (16, 3, 3, 3)),
        ("convnext_tiny", (96, 4, 4, 3)),
        ("vit_b_16", (768, 16, 16, 3)),
        ("swin_t", (96, 4, 4, 3)),
    ],
)
def test_every_family_has_first_kernels(name: str, shape: tuple[int, ...]) -> None:
    one = specimen.random(name)
    found = filters.kernels(one)
    assert found.shape == shape
    assert filters.tiles(found).dtype == np.uint8
    assert len(filters.analyse(found[:8])) == 8
    answers = filters.tune(one, 0).answers
    assert np.isfinite(answers).all()
    assert max(answers) > 0


def test_what_imagenet_taught_squeezenet_is_mostly_edges_which_stripes_confirm() -> None:
    if not SQUEEZENET.exists():
        pytest.skip("the ImageNet weights of SqueezeNet are not here")
    one = specimen.pretrained("squeezenet1_0", SQUEEZENET)
    found = filters.analyse(filters.kernels(one))
    kinds = [each.kind for each in found]
    assert kinds.count("edge or grating") > 70
    assert kinds.count("colour blob") >= 5
    edges = [each for each in found if each.kind == "edge or grating"][::4]
    off = [apart(filters.tune(one, each.number).preferred, each.orientation) for each in edges]
    assert np.median(off) < 5

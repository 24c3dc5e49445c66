"""Ascents whose summit is known, on tiny networks with hand-set weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.backbones import catalogue
from core.backbones.backbone import Backbone, Stage
from core.errors import SettingsError
from core.interpretation import feature_visualisation as visualisation
from core.interpretation import fourier, specimen
from core.interpretation.atlas import CLASSES
from core.interpretation.feature_visualisation import Ascent, AscentStep
from core.interpretation.specimen import Specimen

SIDE = 8
STILL = Ascent(
    aim="centre", side=SIDE, steps=60, rate=0.1, prior=0.0, jitter=0, zoom=1, turn=0, report_every=60
)


def _filters() -> Tensor:
    """Four filters as large as the picture: two stripes, a colour, and one that sees nothing (4, 3, 8, 8)."""
    stripes = torch.sin(torch.arange(SIDE) * 2 * torch.pi / SIDE + 0.4).sign()
    kernels = torch.zeros(4, 3, SIDE, SIDE)
    kernels[0] = stripes[None, None, :]
    kernels[1] = stripes[None, :, None]
    kernels[2, 0], kernels[2, 2] = 0.2, -0.2
    return kernels


def _linear(bias: float = 0.0) -> Specimen:
    """One convolution with `_filters` and a ReLU; channel 3 is dead whatever it is shown."""
    convolution = nn.Conv2d(3, 4, SIDE)
    with torch.no_grad():
        convolution.weight.copy_(_filters())
        convolution.bias.fill_(bias)
    stage = nn.Sequential(convolution, nn.ReLU())
    backbone = Backbone(
        name="squeezenet1_1",
        stages=(Stage(name="only", module=stage, channels=4, reduction=SIDE),),
        neck=nn.Flatten(),
        feature_size=4,
        head=nn.Sequential(nn.Flatten(), nn.Linear(4, 2)),
    )
    entry = catalogue.entry("squeezenet1_1")
    row = replace(entry.stages[0], name="only", channels=4, reduction=SIDE)
    entry = replace(entry, stages=(row,), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), image_size=SIDE)
    backbone.eval().requires_grad_(False)
    return Specimen(entry=entry, backbone=backbone, class_names=("a", "b"), image_size=SIDE)


def _last(one: Specimen, stage: str, channels: list[int], ascent: Ascent) -> AscentStep:
    *_, last = visualisation.ascend(one, stage, channels, ascent)
    return last


def test_a_linear_filter_wants_its_own_pattern() -> None:
    last = _last(_linear(), "only", [0, 1], STILL)
    for number in range(2):
        picture = last.pictures[number].transpose(2, 0, 1).astype(float) / 255 - 0.5
        pattern = _filters()[number].numpy()
        cosine = (picture * pattern).sum() / np.linalg.norm(picture) / np.linalg.norm(pattern)
        assert cosine > 0.9
    # The summit is a picture of black and white: half of each standardised range, everywhere.
    summit = 2 * _filters()[0].abs().sum().item()
    assert 0.85 * summit < last.values[0] <= summit


def test_a_colour_filter_wants_its_colour() -> None:
    picture = _last(_linear(), "only", [2], STILL).pictures[0].mean(axis=(0, 1))
    assert picture[0] > 200
    assert picture[2] < 55


def test_a_silent_channel_is_brought_to_speak() -> None:
    one = _linear(bias=-20.0)
    begun, *_, last = visualisation.ascend(one, "only", [0, 3], replace(STILL, report_every=1))
    assert begun.values[0] == 0
    assert last.values[0] > 10
    assert last.values[1] == 0  # nothing can


def test_a_relu6_lets_what_it_has_capped_grow_on() -> None:
    one = _linear(bias=6.0)
    one.backbone.stages["only"][1] = nn.ReLU6()
    picture = _last(one, "only", [2], STILL).pictures[0].mean(axis=(0, 1))
    assert (
        specimen.activations(one, np.full((1, SIDE, SIDE, 3), 128, dtype=np.uint8), "only")[0, 2].max() == 6
    )
    assert picture[0] > 200  # as without the cap: at 6 from the start, it still climbs
    assert picture[2] < 55


def test_values_rise_and_the_last_are_measured_on_the_bytes_shown() -> None:
    one = specimen.random("tiny_resnet18")
    ascent = Ascent(side=32, steps=12, report_every=4)
    steps = list(visualisation.ascend(one, "layer2", [3, 5], ascent))
    assert [progress.step for progress in steps] == [4, 8, 12]
    assert steps[-1].finished
    assert (steps[-1].values > steps[0].values).all()
    maps = specimen.activations(one, steps[-1].pictures, "layer2")
    np.testing.assert_allclose(steps[-1].values, maps[[0, 1], [3, 5]].mean(axis=(1, 2)), rtol=1e-5)


def test_the_same_seed_gives_the_same_picture_whoever_stands_beside_it() -> None:
    one = specimen.random("tiny_resnet18")
    ascent = Ascent(side=32, steps=4, report_every=4)
    alone = _last(one, "layer1", [7], ascent).pictures[0]
    beside = _last(one, "layer1", [2, 7], ascent).pictures[1]
    other = _last(one, "layer1", [7], replace(ascent, seed=1)).pictures[0]
    assert np.abs(alone.astype(int) - beside).max() <= 1  # batches may add in another order
    assert np.array_equal(alone, _last(one, "layer1", [7], ascent).pictures[0])
    assert np.abs(alone.astype(int) - other).max() > 10


def test_diversity_pushes_the_pictures_of_a_channel_apart() -> None:
    # Channel 0 likes stripes of both directions, which channels 1 and 2 tell apart.
    sums = nn.Conv2d(4, 4, 1, bias=False)
    with torch.no_grad():
        sums.weight.zero_()
        for row, column in ((0, 0), (0, 1), (1, 0), (2, 1)):
            sums.weight[row, column] = 1
    one = _linear()
    one.backbone.stages["only"].append(sums.requires_grad_(False))

    def alike(diversity: float) -> float:
        pictures = _last(one, "only", [0, 0], replace(STILL, diversity=diversity)).pictures
        features = torch.from_numpy(specimen.activations(one, pictures, "only"))
        return visualisation.likeness(features, torch.tensor([0, 0])).item()

    assert alike(0.0) > 0.95
    assert alike(2.0) < 0.8


def test_likeness_compares_pictures_of_one_channel_only() -> None:
    features = torch.zeros(3, 2, 1, 1)
    features[0, 0] = features[1, 1] = features[2, 0] = 1
    assert visualisation.likeness(features, torch.tensor([5, 5, 6])).item() == 0
    assert visualisation.likeness(features, torch.tensor([5, 6, 5])).item() == pytest.approx(1)


def test_the_shared_network_stays_as_it_was() -> None:
    one = specimen.random("tiny_resnet18")
    before = {name: tensor.clone() for name, tensor in one.backbone.state_dict().items()}
    modules = [type(module) for module in one.backbone.modules()]
    _last(one, "layer4", [0], Ascent(side=32, steps=2))
    assert [type(module) for module in one.backbone.modules()] == modules
    assert not any(module._forward_hooks or module._backward_hooks for module in one.backbone.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in one.backbone.state_dict().items())
    assert all(
        not parameter.requires_grad and parameter.grad is None for parameter in one.backbone.parameters()
    )


@pytest.mark.parametrize(
    ("name", "stage"),
    [("squeezenet1_1", None), ("mobilenet_v3_small", None), ("mobilenet_v2", CLASSES), ("vit_b_16", None)],
)
def test_every_kind_of_stage_can_be_climbed(name: str, stage: str | None) -> None:
    one = specimen.random(name)
    stage = stage or one.entry.stages[1 if name == "vit_b_16" else -1].name
    side = None if one.entry.fixed_size else 48
    last = _last(one, stage, [1], Ascent(side=side, steps=1))
    assert last.pictures.shape[1] == (side or one.image_size)
    assert np.isfinite(last.values).all()


def test_channels_that_see_little_get_small_pictures() -> None:
    one = specimen.random("tiny_resnet18")
    stem, layer1, layer4 = (
        visualisation.fitted(one, stage, Ascent()) for stage in ("stem", "layer1", "layer4")
    )
    assert (stem.aim, stem.side) == ("centre", 16)  # a 7 x 7 filter
    assert (layer1.aim, layer1.side) == ("mean", 40)  # 23 x 23
    assert layer4 == visualisation.fitted(one, CLASSES, Ascent()) == Ascent()


def test_networks_of_natural_pictures_are_held_nearer_to_photographs() -> None:
    one = specimen.random("mobilenet_v2")
    fitted = visualisation.fitted(one, CLASSES, Ascent())
    assert (fitted.prior, fitted.fall) == (0.5, 1.4)
    assert visualisation.default_side(one) == 112
    steep, flat = (fourier.amplitudes(32, fall) for fall in (fitted.fall, fourier.FALL))
    assert steep[0, 12] / steep[0, 1] < flat[0, 12] / flat[0, 1]


def test_what_is_not_there_is_refused_before_the_first_step() -> None:
    one = _linear()
    with pytest.raises(SettingsError, match="no channel of only 4: they run from 0 to 3"):
        visualisation.ascend(one, "only", [4])
    with pytest.raises(SettingsError, match="no class 2"):
        visualisation.ascend(one, CLASSES, [2])
    with pytest.raises(SettingsError, match="stage must be one of"):
        visualisation.ascend(one, "nowhere", [0])
    with pytest.raises(SettingsError, match="steps must lie between"):
        Ascent(steps=0)


# --- coordinates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [8, 15])
def test_coordinates_and_pictures_are_each_others_inverse(side: int) -> None:
    pictures = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    logits = pictures.logit() - torch.tensor(fourier.COLOUR_MEAN)[:, None, None]
    waves = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(fourier.colour_root()), logits)
    spectrum = torch.fft.rfft2(waves, norm="ortho") / fourier.amplitudes(side)
    back = fourier.decode(torch.view_as_real(spectrum))
    torch.testing.assert_close(back, pictures, atol=1e-4, rtol=0)


def test_standard_normal_coordinates_have_the_colours_of_photographs() -> None:
    generators = [torch.Generator().manual_seed(number) for number in range(400)]
    drawn = fourier.coordinates(400, 16, contrast=1.0, generators=generators)
    logits = fourier.decode(drawn).double().logit().permute(0, 2, 3, 1).reshape(-1, 3).numpy()
    covariance = np.cov(logits, rowvar=False)
    np.testing.assert_allclose(covariance, fourier.COLOUR_COVARIANCE, rtol=0.12)
    np.testing.assert_allclose(logits.mean(axis=0), fourier.COLOUR_MEAN, atol=0.2)


def test_amplitudes_fall_with_frequency_as_numpy_sees_it() -> None:
    found = fourier.amplitudes(16).numpy()
    steps = np.fft.rfftfreq(16) * 16
    np.testing.assert_allclose(found[0, 1:] / found[0, 1], steps[1:] ** -fourier.FALL, rtol=1e-5)
    root = fourier.colour_root().numpy()
    np.testing.assert_allclose(root @ root.T, fourier.COLOUR_COVARIANCE, rtol=1e-4)

import dataclasses

import numpy as np
import pytest
import torch

from core import errors
from core.interpretation import channel, specimen
from core.interpretation.channel import MapPosition
from core.interpretation.receptive_field import receptive_field

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny():
    return specimen.random("tiny_resnet18")


def _value(one, picture, stage, number, place):
    return float(specimen.activations(one, picture, stage)[0, number, place.row, place.column])


@pytest.mark.parametrize("stage", ["stem", "layer3"])
def test_the_drivers_add_up_to_the_neurons_answer_over_its_baseline(tiny, stage):
    maps = specimen.activations(tiny, PICTURE, stage)[0]
    number = int(channel.ranked(maps)[0])
    place = channel.peak(maps[number])
    found = channel.drivers(tiny, PICTURE, stage, number, place)
    assert found.shape == (32, 32)
    with torch.inference_mode():
        baseline = tiny.backbone.run_stages(torch.zeros(1, 3, 32, 32), stop=tiny.stage_number(stage) + 1)
    rise = maps[number, place.row, place.column] - float(baseline[0, number, place.row, place.column])
    assert found.sum() == pytest.approx(rise, rel=0.05)


def test_drivers_lie_inside_the_stems_receptive_field(tiny):
    maps = specimen.activations(tiny, PICTURE, "stem")[0]
    found = channel.drivers(tiny, PICTURE, "stem", 3, MapPosition(row=8, column=8))
    rows, columns = np.nonzero(found)
    # A 7 x 7 kernel with stride 2 and padding 3 that answers at 8 looks at pixels 13 to 19.
    assert maps[3, 8, 8] > 0
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (13, 19, 13, 19)


@pytest.mark.parametrize(
    ("name", "stage", "place"),
    [
        ("tiny_resnet18", "layer1", MapPosition(row=0, column=9)),  # at the picture's edge
        ("tiny_resnet18", "layer2", MapPosition(row=5, column=15)),
        ("efficientnet_lite0", "block1", MapPosition(row=20, column=55)),
    ],
)
def test_drivers_from_what_the_neuron_sees_are_those_from_the_whole_picture(name, stage, place):
    one = specimen.random(name)
    shape = (one.image_size, one.image_size, 3)
    picture = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    field = receptive_field(one, stage)
    maps = specimen.activations(one, picture, stage)[0]
    number = int(maps[:, place.row, place.column].argmax())
    whole = channel.drivers(one, picture, stage, number, place)
    seen = channel.drivers(one, picture, stage, number, place, field=field)
    assert whole.any()
    np.testing.assert_allclose(seen, whole, atol=1e-4 * np.abs(whole).max())


def test_a_gate_that_sees_the_whole_picture_is_not_cut_off_from_it():
    gated = specimen.random("mobilenet_v3_small")
    picture = np.random.default_rng(6).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    small = dataclasses.replace(gated, image_size=64)
    place, field = MapPosition(row=3, column=3), receptive_field(small, "block1")
    assert not field.whole
    np.testing.assert_array_equal(
        channel.drivers(small, picture, "block1", 2, place, field=field),
        channel.drivers(small, picture, "block1", 2, place),
    )


def test_drivers_leave_the_shared_network_as_it_was(tiny):
    before = {name: tensor.clone() for name, tensor in tiny.backbone.state_dict().items()}
    channel.drivers(tiny, PICTURE, "layer2", 0, MapPosition(row=0, column=0))
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny.backbone.state_dict().items())
    assert not any(module._forward_hooks for module in tiny.backbone.modules())
    assert not any(module._forward_pre_hooks for module in tiny.backbone.modules())
    assert not any(one.requires_grad or one.grad is not None for one in tiny.backbone.parameters())


@pytest.mark.parametrize("name", ["tiny_resnet18", "squeezenet1_1", "densenet121"])
def test_head_weights_times_pooled_channels_are_the_class_scores(name):
    one = specimen.random(name)
    side = 64
    picture = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    weights = channel.head_weights(one)
    with torch.inference_mode():
        features = one.backbone.run_stages(one.input(picture))
        scores = one.backbone.head(features)[0].numpy()
    if name == "squeezenet1_1":  # it scores every place, cuts at 0, then averages
        scores_by_hand = np.maximum(np.einsum("kc,chw->khw", weights, features[0].numpy()), 0).mean(
            axis=(1, 2)
        )
        bias = one.backbone.head.classifier[1].bias
        assert float(bias.abs().max()) == 0
    else:
        linear = next(layer for layer in one.backbone.head.modules() if isinstance(layer, torch.nn.Linear))
        scores_by_hand = weights @ features[0].mean(dim=(1, 2)).numpy() + linear.bias.detach().numpy()
    np.testing.assert_allclose(scores_by_hand, scores, atol=1e-4)


def test_a_head_of_several_layers_has_no_weights_per_class():
    from core.backbones import stages

    backbone = stages.build("tiny_resnet18")
    stages.new_head(backbone, 3, kind="mlp", seed=0)
    assert channel.head_weights(specimen.specimen(backbone, ("a", "b", "c"))) is None


def test_a_vision_transformers_head_reads_no_place_that_a_map_shows():
    assert channel.head_weights(specimen.random("vit_b_16")) is None


def test_silencing_a_channel_is_the_networks_answer_without_its_column_of_weights(tiny):
    as_is = specimen.scores(tiny, PICTURE)[0]
    silent = channel.without(tiny, PICTURE, "layer4", 7)
    pooled = specimen.activations(tiny, PICTURE, "layer4")[0].mean(axis=(1, 2))
    logits = np.log(as_is) - channel.head_weights(tiny)[:, 7] * pooled[7]
    expected = np.exp(logits - logits.max())
    np.testing.assert_allclose(silent, expected / expected.sum(), atol=1e-5)


def test_tokens_and_vectors_have_channels_too():
    picture = np.zeros((224, 224, 3), dtype=np.uint8)
    vit = specimen.random("vit_b_16")
    maps = specimen.activations(vit, picture, "patches")[0]
    assert maps.shape == (768, 14, 14)
    assert channel.without(vit, picture, "blocks11_12", 3).shape == (1000,)
    dense = specimen.random("mobilenet_v3_small")
    assert specimen.activations(dense, picture[:64, :64], "fc").shape == (1, 1024, 1, 1)
    assert not dense.has_positions("fc")
    assert vit.has_positions("patches")


def test_a_channel_that_is_not_there_is_refused(tiny):
    with pytest.raises(errors.SettingsError, match="between 0 and 31"):
        channel.drivers(tiny, PICTURE, "stem", 32, MapPosition(row=0, column=0))
    with pytest.raises(errors.SettingsError, match="stem, layer1"):
        channel.without(tiny, PICTURE, "cellar", 0)


def test_channels_are_ranked_by_their_largest_answer():
    maps = np.zeros((3, 2, 2), dtype=np.float32)
    maps[0, 0, 0], maps[2, 1, 0] = 1, 5
    assert channel.ranked(maps).tolist() == [2, 0, 1]
    assert channel.peak(maps[2]) == MapPosition(row=1, column=0)

"""Networks of timm's: stages derived, equal to timm's own forward pass to the bit, and refused where they are not."""

import dataclasses

import pytest
import torch
from torch import Tensor

from core import errors
from core.backbones import stages, timm_networks, timm_stages
from core.backbones.families import FAMILIES
from core.backbones.timm_chain import Broken
from core.backbones.timm_stages import Sides
from core.interpretation import specimen
from core.vision import timm

PAIRS = [f"blocks{n}_{n + 1}" for n in range(1, 12, 2)]
# Small ones of many families, with what their stages are called and how many features they end in.
SMALL = {
    "timm:test_vit": (["patches", *(f"block{n}" for n in range(1, 7))], 64),
    "timm:test_vit3": (
        ["patches", "blocks1_2", "block3", "block4", "blocks5_6", "blocks7_8", "block9", "pre_logits"],
        96,
    ),
    "timm:test_convnext": (["stem", "stage1", "stage2", "stage3", "stage4", "pre_logits"], 64),
    "timm:test_byobnet": (["stem", "stage1", "stage2", "stage3", "stage4"], 256),
    "timm:test_efficientnet": (["stem", "block1", "block2", "block3", "block4", "last_conv"], 256),
    "timm:test_nfnet": (["stem", "stage1", "stage2", "stage3", "stage4"], 192),
    "timm:test_mambaout": (["stem", "stage1", "stage2", "stage3", "stage4", "pre_logits"], 256),
    "timm:resnet10t": (["stem", "layer1", "layer2", "layer3", "layer4"], 512),
    "timm:resnetv2_18": (["stem", "stage1", "stage2", "stage3", "stage4"], 512),
    "timm:mobilenetv3_small_050": (["stem", "block1", "block2", "block3", "block4", "pre_logits"], 1024),
    "timm:vit_tiny_patch16_224": (["patches", *PAIRS], 192),
    "timm:eva02_tiny_patch14_224": (["patches", *PAIRS, "pre_logits"], 192),
    "timm:coatnet_pico_rw_224": (["stem", "stage1", "stage2", "stage3", "stage4"], 512),
    "timm:swin_tiny_patch4_window7_224": (["patches", "stage1", "stage2", "stage3", "stage4"], 768),
}


def images(side: int, seed: int = 11) -> Tensor:
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", SMALL)
@torch.no_grad()
def test_stages_are_the_network_that_timm_builds(name: str) -> None:
    backbone = stages.build(name, seed=3).eval()
    names, features = SMALL[name]
    assert [stage.name for stage in backbone.table] == names
    assert backbone.feature_size == features
    side = timm_networks.sides(name).own
    network = timm.create_model(name.removeprefix("timm:")).eval()  # as timm builds it by itself
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():  # so that every tensor matters, and none comes from ours by chance
            tensor.add_(torch.rand(tensor.shape, generator=torch.Generator().manual_seed(5)) / 20)
    our_names = stages.original_names(name)
    backbone.load_state_dict({our_names[key]: tensor for key, tensor in network.state_dict().items()})
    inputs = images(side)
    scores = network(inputs)
    assert torch.equal(backbone(inputs), scores)
    assert float(scores.std()) > 0
    current = inputs
    for stage in backbone.table:
        before = current.clone()
        after = stage.module(current)
        assert torch.equal(current, before), f"{stage.name} changed its input"
        current = after
        maps = specimen.as_map(current)
        assert maps.shape[:2] == (2, stage.channels)
        assert maps.shape[2] == maps.shape[3] == round(side / stage.reduction)
    assert not list(backbone.neck.parameters())
    assert backbone.neck(current).shape == (2, features)
    assert set(stages.to_state(backbone)) == set(network.state_dict())


def test_lite0_declared_by_hand_is_what_is_derived() -> None:
    with stages.seeded(4):
        network = stages.original("efficientnet_lite0")
    takes = Sides(own=224, tried=224, fixed=False, step=1, smallest=1)
    derived = timm_stages.take_apart("lite0", network, timm_stages.plan(network, takes), takes)
    declared = FAMILIES["efficientnet_lite0"]("efficientnet_lite0", network)
    assert [(s.name, s.channels, s.reduction) for s in derived.table] == [
        (s.name, s.channels, s.reduction) for s in declared.table
    ]
    assert list(derived.state_dict()) == list(declared.state_dict())
    inputs = images(64)
    assert torch.equal(derived.eval()(inputs), declared.eval()(inputs))


def test_a_wrong_composition_is_found_out() -> None:
    name = "timm:test_resnet"
    network = timm_networks.original(name)
    takes = timm_networks.sides(name)
    planned = timm_stages.plan(network, takes)
    timm_stages.prove(timm_stages.take_apart(name, network, planned, takes), network, takes)
    stem, *layers = planned.stages
    assert stem.pieces[-1].path == "maxpool"
    without_pooling = dataclasses.replace(stem, pieces=stem.pieces[:-1])
    for wrong, why in [
        (
            dataclasses.replace(planned, stages=planned.stages[:-1]),
            "some of what it has learned has no place",
        ),
        (dataclasses.replace(planned, stages=(without_pooling, *layers)), "do not give the same numbers"),
        (dataclasses.replace(planned, stages=(stem, *reversed(layers))), "it is not built as timm's other"),
    ]:
        with pytest.raises(errors.SettingsError, match=why), timm_stages.refusing(name):
            timm_stages.prove(timm_stages.take_apart(name, network, wrong, takes), network, takes)


@torch.no_grad()
def test_a_proof_leaves_the_weights_and_the_random_state_as_they_were() -> None:
    before = torch.get_rng_state()
    backbone = stages.build("timm:test_convnext", seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    with stages.seeded(3):
        network = timm_networks.original("timm:test_convnext")
    names = stages.original_names("timm:test_convnext")
    state = backbone.state_dict()
    assert all(torch.equal(state[names[key]], tensor) for key, tensor in network.state_dict().items())
    assert backbone.training


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("timm:resnet51", "timm has no network 'resnet51'; did you mean .*resnet50"),
        ("timm:resnet50.nobody_in1k", "timm has no network 'resnet50.nobody_in1k'; did you mean resnet50"),
        ("timm:", "timm has no network ''; look for one in the search box"),
        (
            "timm:vit_7b_patch16_dinov3",
            "has 6,716 million parameters, .* at most 400 million; choose a smaller",
        ),
        ("timm:deit_tiny_distilled_patch16_224", "cannot be taken apart into stages here, since"),
        ("timm:hiera_tiny_224", "cannot be taken apart into stages here, since"),
        ("timm:vit_small_patch16_rope_mixed_224", "since some of what it has learned is used in two places"),
        ("timm:coat_tiny", "since it answers with more than one tensor"),
        ("resnet51", "must be one of efficientnet_lite0, .* any timm:NAME; 'resnet51' is none"),
    ],
)
def test_what_cannot_be_is_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(errors.SettingsError, match=sentence) as caught:
        stages.build(name)
    assert "\n" not in str(caught.value)


def test_sides_that_a_transformer_cannot_take_are_refused_in_words() -> None:
    stretched = stages.build("timm:vit_tiny_patch16_224", classes=3).eval()
    with torch.no_grad():
        assert stretched(images(96)).shape == (2, 3)  # timm stretches the positions
    with pytest.raises(
        errors.SettingsError, match="multiple of 16 pixels, of at least 32; it was given 100 × 100"
    ):
        stretched(images(100))
    fixed = stages.build("timm:coatnet_pico_rw_224", classes=3).eval()
    with pytest.raises(errors.SettingsError, match="224 × 224 pixels only; it was given 96 × 96"):
        fixed(images(96))


@torch.no_grad()
def test_stretched_positions_are_timms_own() -> None:
    name = "timm:test_vit"
    backbone = stages.build(name, seed=3).eval()
    network = timm.create_model("test_vit", dynamic_img_size=True).eval()
    network.load_state_dict(stages.to_state(backbone))
    for side in (64, 224):
        assert torch.equal(backbone(images(side)), network(images(side)))


@pytest.mark.parametrize(("prefix", "side"), [(0, 2), (1, 2), (1, 14), (2, 14), (5, 3), (5, 16)])
def test_tokens_become_maps_whatever_stands_before_them(prefix: int, side: int) -> None:
    maps = torch.arange(2.0 * 4 * side * side).reshape(2, 4, side, side)
    tokens = torch.cat([torch.full((2, prefix, 4), -1.0), maps.flatten(2).transpose(1, 2)], dim=1)
    assert torch.equal(specimen.as_map(tokens), maps)


def test_a_search_finds_names_by_their_words() -> None:
    found, count = timm_networks.search("DINOv2 small")
    assert "timm:vit_small_patch14_dinov2.lvd142m" in found
    assert count >= len(found)
    assert timm_networks.search("") == ([], 0)
    assert timm_networks.search("no such thing") == ([], 0)
    assert len(timm_networks.search("resnet")[0]) < timm_networks.search("resnet")[1]


def test_broken_says_why() -> None:
    with (
        pytest.raises(errors.SettingsError, match="since of this; choose another"),
        timm_stages.refusing("x"),
    ):
        raise Broken("of this")

"""Stages and head compose to the original network, to the bit; building is seeded and leaves no traces."""

import copy

import pytest
import torch
from torch import Tensor, nn

from core import errors
from core.backbones import catalogue, stages
from core.backbones.backbone import Backbone

FIXED_SIZE = {"vit_b_16": 224}  # pixels; everything else takes 64


def same_network(backbone: Backbone) -> nn.Module:
    """Build the original network around the backbone's own tensors (no copies: VGG holds half a gigabyte)."""
    state = backbone.state_dict()
    network = stages.outline(backbone.name)
    names = stages.original_names(backbone.name)
    network.load_state_dict({theirs: state[ours] for theirs, ours in names.items()}, assign=True)
    return network.eval()


def spread(backbone: Backbone) -> None:
    """Make every tensor matter: fresh norms, layer scales and some heads are constants that would hide errors."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for tensor in backbone.state_dict().values():
            if tensor.is_floating_point() and float(tensor.flatten()[0]) == float(tensor.flatten()[-1]):
                tensor.copy_(torch.empty(tensor.shape).uniform_(0.05, 0.8, generator=generator))


def images(name: str, count: int = 2) -> Tensor:
    side = FIXED_SIZE.get(name, 64)
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=catalogue.NAMES)
def backbone(request: pytest.FixtureRequest) -> Backbone:
    built = stages.build(request.param, seed=3).eval()
    spread(built)
    return built


@torch.no_grad()
def test_stages_and_head_are_the_original_network(backbone: Backbone) -> None:
    inputs = images(backbone.name)
    features = inputs
    for stage in backbone.table:
        before = features.clone()
        after = stage.module(features)
        assert torch.equal(features, before), f"{stage.name} changed its input"
        features = after
    last_inputs: list[Tensor] = []
    network = same_network(backbone)
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if linear:
        linear[-1].register_forward_pre_hook(lambda _, arguments: last_inputs.append(arguments[0]))
    scores = network(inputs)
    assert torch.equal(backbone.head(features), scores)
    assert torch.equal(backbone(inputs), scores)
    assert float(scores.std()) > 0
    assert not torch.equal(scores[0], scores[1])
    neck = backbone.neck(features)
    assert neck.shape == (2, backbone.feature_size)
    if backbone.name == "convnext_tiny":  # its head's own gain and shift come in between
        norm = network.classifier[0]
        neck = neck * norm.weight + norm.bias
        torch.testing.assert_close(neck, last_inputs[0])
    elif linear:
        assert torch.equal(neck, last_inputs[0])


def test_state_under_the_original_names_loads_into_the_original_network(backbone: Backbone) -> None:
    state = stages.to_state(backbone)
    network = stages.outline(backbone.name)
    network.load_state_dict(state, assign=True)
    assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in backbone.parameters())
    mine = next(backbone.parameters())
    assert all(tensor.data_ptr() != mine.data_ptr() for tensor in state.values())


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_declared_channels_and_reduction_are_those_of_the_maps(name: str) -> None:
    entry = catalogue.entry(name)
    outline = stages.compose(name, stages.outline(name)).eval()
    assert 4 <= outline.depth <= 8
    features = torch.empty(1, 3, entry.image_size, entry.image_size, device="meta")
    for stage in outline.table:
        features = stage.module(features)
        side = entry.image_size // stage.reduction
        if features.ndim == 4:
            assert features.shape[1] == stage.channels, stage.name
            lost = 2 if name.startswith("squeezenet") else 0  # its strided layers have no padding
            most = -(-entry.image_size // stage.reduction)  # "same" padding rounds up
            assert all(side - lost <= actual <= most for actual in features.shape[2:]), stage.name
        elif features.ndim == 3:  # vision transformer
            assert features.shape[1:] == (1 + side * side, stage.channels), stage.name
        else:
            assert (features.shape[1], side) == (stage.channels, 1), stage.name
    assert not list(outline.neck.parameters())
    assert outline.neck(features).shape == (1, entry.feature_size)


def test_seeds_decide_the_weights_and_the_global_random_state_stays() -> None:
    before = torch.get_rng_state()
    one, same, other = (stages.build("tiny_resnet18", classes=3, seed=seed) for seed in (5, 5, 6))
    stages.new_head(one, 3, seed=5)
    stages.original_names("resnet18")
    assert torch.equal(torch.get_rng_state(), before)
    for key, tensor in one.state_dict().items():
        assert torch.equal(tensor, same.state_dict()[key]), key
    assert not torch.equal(one.state_dict()["head.1.weight"], other.state_dict()["head.1.weight"])
    assert not torch.equal(one.stages["stem"].conv1.weight, other.stages["stem"].conv1.weight)


@pytest.mark.parametrize(("kind", "layers"), [("linear", 2), ("mlp", 5)])
def test_new_head_stands_behind_the_neck(kind: str, layers: int) -> None:
    backbone = stages.build("tiny_resnet18").eval()
    inputs = images("tiny_resnet18")
    stem = backbone.stages["stem"].conv1.weight.clone()
    stages.new_head(backbone, 7, kind=kind, width=12, dropout=0.25, seed=0)
    assert len(backbone.head) == layers
    assert backbone.head[0] is backbone.neck
    assert not backbone.head.training
    assert backbone(inputs).shape == (2, 7)
    features = backbone.neck(backbone.run_stages(inputs))
    assert torch.equal(backbone.head[1:](features), backbone(inputs))
    assert torch.equal(backbone.stages["stem"].conv1.weight, stem)
    assert stages.has_new_head(backbone)
    assert [key for key in stages.to_state(backbone) if key.startswith("head.")] == [
        key for key in backbone.state_dict() if key.startswith("head.")
    ]


def test_bad_heads_and_names_are_refused_in_words() -> None:
    backbone = stages.build("tiny_resnet18")
    with pytest.raises(errors.SettingsError, match="at least two classes"):
        stages.new_head(backbone, 1, seed=0)
    with pytest.raises(errors.SettingsError, match="linear, mlp"):
        stages.new_head(backbone, 3, kind="forest", seed=0)  # type: ignore[arg-type]
    with pytest.raises(errors.SettingsError, match=r"tiny_resnet18, .*, resnet18, .* any timm:NAME"):
        stages.build("resnet19")


def test_a_deep_copy_is_independent() -> None:
    backbone = stages.build("tiny_resnet18", classes=2)
    twin = copy.deepcopy(backbone)
    with torch.no_grad():
        twin.table[0].module.conv1.weight.zero_()
    assert bool(backbone.table[0].module.conv1.weight.any())
    assert twin.head[0] is twin.neck
    assert twin.neck is not backbone.neck


def test_the_vision_transformer_says_which_size_it_takes() -> None:
    patches = stages.compose("vit_b_16", stages.outline("vit_b_16")).table[0].module
    with pytest.raises(errors.SettingsError, match="224 × 224 image only; it was given 64 × 64"):
        patches(torch.empty(1, 3, 64, 64, device="meta"))


@pytest.mark.parametrize("name", ["squeezenet1_0", "vgg16", "densenet121"])
def test_the_catalogue_states_a_size_that_the_network_takes(name: str) -> None:
    side = catalogue.entry(name).smallest_size
    backbone = stages.compose(name, stages.outline(name)).eval()
    assert backbone(torch.empty(1, 3, side, side, device="meta")).shape == (1, 1000)

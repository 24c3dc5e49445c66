import pytest
import torch
from torch import nn

from core.backbones.backbone import Backbone
from core.freezing.apply import freeze
from core.freezing.groups import distances, parameter_groups


def test_steps_shrink_with_the_distance_from_the_head(backbone: Backbone) -> None:
    assert distances(backbone) == {"stem": 3, "middle": 2, "last": 1, "neck": 1, "head": 0}
    groups = parameter_groups(backbone, learning_rate=0.4, weight_decay=0.0, stage_decay=0.5)
    rates = {group["stage"]: group["lr"] for group in groups}
    assert rates == pytest.approx({"stem": 0.05, "middle": 0.1, "last": 0.2, "neck": 0.2, "head": 0.4})
    assert all(group["lr"] == pytest.approx(0.4 * group["scale"]) for group in groups)


def test_every_parameter_stands_in_exactly_one_group(backbone: Backbone) -> None:
    groups = parameter_groups(backbone, learning_rate=1.0, weight_decay=0.1)
    listed = [id(parameter) for group in groups for parameter in group["params"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == {id(parameter) for parameter in backbone.parameters()}


def test_weights_decay_and_norms_biases_scales_and_tokens_do_not(backbone: Backbone) -> None:
    backbone.stages["last"].register_parameter("layer_scale", nn.Parameter(torch.ones(6, 1, 1)))
    names = {id(parameter): name for name, parameter in backbone.named_parameters()}
    groups = parameter_groups(backbone, learning_rate=1.0, weight_decay=0.1)
    decayed = {names[id(p)] for group in groups if group["weight_decay"] > 0 for p in group["params"]}
    assert decayed == {
        "stages.stem.0.weight",
        "stages.middle.0.weight",
        "stages.last.0.weight",
        "head.1.weight",
    }


def test_frozen_parameters_are_in_the_groups_for_they_may_thaw(backbone: Backbone) -> None:
    freeze(backbone, ("stem", "middle", "last"))
    groups = parameter_groups(backbone, learning_rate=1.0, weight_decay=0.1)
    assert {group["stage"] for group in groups} == set(distances(backbone))


@pytest.mark.parametrize("optimiser", [torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop])
def test_torchs_optimisers_take_the_groups(
    backbone: Backbone, optimiser: type[torch.optim.Optimizer]
) -> None:
    made = optimiser(parameter_groups(backbone, learning_rate=0.1, weight_decay=0.1))
    assert made.param_groups[0]["stage"] == "stem"

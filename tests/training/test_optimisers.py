import pytest
import torch
from torch import nn

from core.training import optimisers
from core.training.config import FinetuneConfig


@pytest.mark.parametrize("name", ["adamw", "sgd", "rmsprop"])
def test_a_step_goes_downhill_and_frozen_parameters_stay(name, pretrained):
    import copy

    backbone = copy.deepcopy(pretrained)
    config = FinetuneConfig(strategy="full", optimiser=name, learning_rate=1e-3, stage_decay=0.5)
    optimiser = optimisers.build_optimiser(config.resolved(stages=3, image_size=16), backbone)
    optimisers.set_rate(optimiser, 1e-3)
    first = backbone.stages["s0"][0].weight
    first.requires_grad_(False)
    start = first.clone()
    images, labels = torch.randn(8, 3, 16, 16), torch.arange(8) % 5
    losses = []
    for _ in range(5):
        loss = nn.functional.cross_entropy(backbone(images), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert torch.equal(first, start)


def test_rates_shrink_away_from_the_head(pretrained):
    config = FinetuneConfig(strategy="full", learning_rate=1.0, stage_decay=0.5).resolved(
        stages=3, image_size=16
    )
    optimiser = optimisers.build_optimiser(config, pretrained)
    optimisers.set_rate(optimiser, 0.8)
    rates = {group["stage"]: group["lr"] for group in optimiser.param_groups}
    assert rates == pytest.approx({"s0": 0.1, "s1": 0.2, "s2": 0.4, "head": 0.8})


def test_l2_sp_pulls_stages_back_and_leaves_the_head(pretrained):
    import copy

    backbone = copy.deepcopy(pretrained)
    optimiser = torch.optim.SGD(backbone.parameters(), lr=0.0)
    optimisers.pull_towards_start(optimiser, backbone, 0.5)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.add_(2.0)
    for parameter in backbone.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    assert torch.allclose(backbone.stages["s1"][0].weight.grad, torch.tensor(1.0))
    assert torch.equal(backbone.head[1].weight.grad, torch.zeros(5, 16))

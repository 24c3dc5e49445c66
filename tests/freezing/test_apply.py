from collections.abc import Callable, Collection
from typing import Any

import pytest
import torch
from torch import nn

from core.backbones.backbone import Backbone
from core.errors import SettingsError
from core.freezing.apply import freeze
from core.freezing.audit import audit, snapshot
from core.freezing.groups import parameter_groups

STAGES = ("stem", "middle", "last")


def train(backbone: Backbone, frozen: Collection[str], batch_norm: Any = "frozen", steps: int = 3) -> None:
    """Train as a run does: AdamW with weight decay, and an evaluation in between."""
    freeze(backbone, frozen, batch_norm=batch_norm)
    groups = parameter_groups(backbone, learning_rate=0.01, weight_decay=0.1)
    optimiser = torch.optim.AdamW(groups)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        backbone.eval()
        freeze(backbone, frozen, batch_norm=batch_norm)
        images = torch.randn(8, 3, 8, 8, generator=generator) + 1
        loss = nn.functional.cross_entropy(backbone(images), torch.arange(8) % 2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def unchanged(backbone: Backbone, training: Callable[[], object]) -> tuple[dict[str, bool], dict[str, bool]]:
    """Which stages keep their parameters, and which their buffers, through ``training``."""
    before = snapshot(backbone)
    training()
    rows = audit(before, snapshot(backbone), frozen=())
    return {r.stage: r.parameters_identical for r in rows}, {r.stage: r.buffers_identical for r in rows}


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_frozen_stages_are_bit_identical_after_training_and_others_are_not(
    backbone: Backbone, depth: int
) -> None:
    parameters, buffers = unchanged(backbone, lambda: train(backbone, STAGES[:depth]))
    kept = {name: place < depth for place, name in enumerate(STAGES)}
    assert buffers == kept | {"neck": True}  # the neck has no buffers
    assert parameters == kept | {"neck": depth == 3}


def test_learning_batch_norm_leaks_into_buffers_alone(backbone: Backbone) -> None:
    parameters, buffers = unchanged(backbone, lambda: train(backbone, STAGES[:2], "learning"))
    assert parameters == {"stem": True, "middle": True, "last": False, "neck": False}
    assert buffers == {"stem": False, "middle": False, "last": False, "neck": True}


def test_later_stages_alone_can_be_frozen(backbone: Backbone) -> None:
    parameters, buffers = unchanged(backbone, lambda: train(backbone, {"last", "middle"}))
    assert parameters == {"stem": False, "middle": True, "last": True, "neck": True}
    assert buffers["middle"]
    assert buffers["last"]
    assert not buffers["stem"]


def test_gradual_unfreezing_thaws_what_the_next_call_leaves_out(backbone: Backbone) -> None:
    train(backbone, STAGES)
    parameters, _ = unchanged(backbone, lambda: train(backbone, STAGES[:2]))
    assert parameters == {"stem": True, "middle": True, "last": False, "neck": False}


def test_left_over_gradients_do_not_move_a_stage_frozen_later(backbone: Backbone) -> None:
    groups = parameter_groups(backbone, learning_rate=0.1, weight_decay=0.1)
    optimiser = torch.optim.SGD(groups, momentum=0.9)
    freeze(backbone, ())
    backbone(torch.randn(4, 3, 8, 8)).sum().backward()
    freeze(backbone, ("stem",))
    parameters, _ = unchanged(backbone, optimiser.step)
    assert parameters["stem"]
    assert not parameters["middle"]


def test_frozen_stages_drop_nothing_out(backbone: Backbone) -> None:
    images = torch.randn(4, 3, 8, 8)
    freeze(backbone, STAGES)
    assert torch.equal(backbone(images), backbone(images))
    freeze(backbone, STAGES[:2])
    assert not torch.equal(backbone(images), backbone(images))


def test_the_head_always_learns(backbone: Backbone) -> None:
    start = backbone.head[1].weight.detach().clone()
    train(backbone, STAGES)
    assert not torch.equal(start, backbone.head[1].weight)


def test_a_stage_that_does_not_exist_is_refused_before_anything_changes(backbone: Backbone) -> None:
    freeze(backbone, STAGES)
    with pytest.raises(SettingsError, match="stem, middle, last; 'layer9' is none"):
        freeze(backbone, ["layer9"])
    assert not any(p.requires_grad for p in backbone.stages.parameters())

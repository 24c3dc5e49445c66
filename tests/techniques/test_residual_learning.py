"""Blocks against hand-set weights, gradients against finite differences, and a tiny run."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import stages
from core.errors import SettingsError
from core.events import Note, Progress
from core.techniques.events import Lines, Panel, Score
from core.techniques.residual_learning import built_in, experiment
from core.techniques.residual_learning.anatomy import Passage, block_names, parts, walk
from core.techniques.residual_learning.entry import TECHNIQUE, ResidualLearningSettings
from core.techniques.residual_learning.network import WIDTH, ShortcutBlock, Stack, gradient_norms, without
from core.vision import torchvision

TINY = ResidualLearningSettings(seeds=2, blocks=2, images=100, epochs=1)


@pytest.mark.parametrize(("kind", "share"), [("residual", 1.0), ("halved", 0.5), ("plain", 0.0)])
def test_a_block_that_changes_nothing_passes_on_its_shortcut(kind: str, share: float) -> None:
    block = ShortcutBlock(kind)  # type: ignore[arg-type]
    nn.init.zeros_(block.second_norm.weight)
    x = torch.rand(2, WIDTH, 4, 4)
    torch.testing.assert_close(block(x), share * x)


def test_arms_start_from_the_same_weights() -> None:
    first, second = Stack("plain", 3, 5).state_dict(), Stack("residual", 3, 5).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert Stack("plain", 3, 5).layers == sum(
        isinstance(module, nn.Conv2d | nn.Linear) for module in Stack("plain", 3, 5).modules()
    )


def test_gradient_norms_agree_with_finite_differences() -> None:
    network = Stack("residual", 2, 0).double()
    digits, labels = torch.rand(4, 1, 8, 8, dtype=torch.float64), torch.tensor([1, 2, 3, 3])
    weight = network.blocks[1].first.weight.data  # type: ignore[union-attr]
    numeric = torch.zeros_like(weight)
    flat, out, step = weight.view(-1), numeric.view(-1), 1e-6
    with torch.no_grad():
        for place in range(0, len(flat)):
            kept = float(flat[place])
            sides = []
            for value in (kept + step, kept - step):
                flat[place] = value
                sides.append(float(functional.cross_entropy(network(digits), labels)))
            flat[place] = kept
            out[place] = (sides[0] - sides[1]) / (2 * step)
    assert gradient_norms(network, digits, labels)[1] == pytest.approx(float(numeric.norm()), rel=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
def test_parts_of_a_block_make_the_block(stride: int) -> None:
    smaller = nn.Sequential(nn.Conv2d(4, 4, 1, stride=2, bias=False), nn.BatchNorm2d(4))
    block = torchvision.models.resnet.BasicBlock(4, 4, stride, smaller if stride == 2 else None).eval()
    x = torch.rand(2, 4, 6, 6)
    with torch.no_grad():
        change, shortcut = parts(block, x)
        torch.testing.assert_close((change + shortcut).relu(), block(x))


def test_the_walk_is_the_backbones_and_deletion_is_a_silent_block() -> None:
    backbone = stages.build("tiny_resnet18").eval()
    images = torch.randn(2, 3, 32, 32)
    names = block_names(backbone)
    assert names[0] == "layer1.0"
    assert len(names) == 8
    *passages, whole = walk(backbone, images)
    assert isinstance(whole, Tensor)
    assert [one.block for one in passages if isinstance(one, Passage)] == names
    silent = copy.deepcopy(backbone)
    block = silent.stages["layer2"][1]
    nn.init.zeros_(block.bn2.weight)
    nn.init.zeros_(block.bn2.bias)
    with torch.no_grad():
        torch.testing.assert_close(whole, backbone.neck(backbone.run_stages(images)))
        expected = silent.neck(silent.run_stages(images))
    *_, deleted = walk(backbone, images, "layer2.1", "deleted")
    *_, shuffled = walk(backbone, images, "layer2.1", "shuffled")
    torch.testing.assert_close(deleted, expected)
    assert not torch.allclose(shuffled, whole)


def test_orders_of_blocks() -> None:
    random = np.random.default_rng(0)
    assert without(5, {1, 3}) == [0, 2, 4]
    assert experiment.swapped(5, 0, random) == list(range(5))
    once = experiment.swapped(5, 1, random)
    assert sum(place != block for place, block in enumerate(once)) == 2
    assert sorted(experiment.swapped(5, 7, random)) == list(range(5))
    assert experiment.depths(12) == [1, 3, 6, 12]
    assert experiment.depths(2) == [1, 2]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (experiment, "TEST_IMAGES", 50),
        (experiment, "DRAWS", 1),
        (built_in, "PER_CLASS", 2),
        (built_in, "PATCHES_TESTED", 12),
    ):
        monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("small")
def test_a_tiny_run() -> None:
    state = torch.random.get_rng_state()
    events = list(experiment.run(TINY))
    assert isinstance(events[0], Progress)
    scores = [event for event in events if isinstance(event, Score)]
    assert {(one.arm, one.seed, one.x, one.quantity) for one in scores} == {
        (arm.name, seed, x, quantity.name)
        for arm in TECHNIQUE.arms
        for seed in (0, 1)
        for x in (4.0, 6.0)
        for quantity in TECHNIQUE.quantities
    }
    panels = {event.name: event for event in events if isinstance(event, Panel)}
    assert set(panels) == {"gradients", "deleted", "swapped", "built-in-sizes", "built-in-damage"}
    left_out = panels["deleted"].drawing
    assert isinstance(left_out, Lines)
    # With nothing left out, the damaged network is the one that was scored.
    whole = [one.value for one in scores if (one.arm, one.x, one.quantity) == ("plain", 4.0, "accuracy")]
    plain = next(line for line in left_out.lines if line.name == "Plain")
    assert plain.y[0] == pytest.approx(np.mean(whole))
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert isinstance(events[-1], Note)
    torch.testing.assert_close(torch.random.get_rng_state(), state)
    again = [event for event in experiment.run(replace(TINY, first_seed=1)) if isinstance(event, Score)]
    assert [one for one in again if one.seed == 1] == [one for one in scores if one.seed == 1]


@pytest.mark.parametrize("bad", [{"blocks": 1}, {"images": 5000}, {"epochs": 0}, {"seeds": 50}])
def test_bad_settings_are_refused_in_one_sentence(bad: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match="must lie between"):
        ResidualLearningSettings(**bad)

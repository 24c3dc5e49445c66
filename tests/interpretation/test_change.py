"""What training changed: nothing where nothing did, and hand-set differences to the digit."""

import math

import numpy as np
import pytest
import torch

from core.backbones import stages
from core.freezing import audit
from core.interpretation import change, filters, rendering, specimen
from core.interpretation.specimen import Specimen

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def moved(one: Specimen, *names: str) -> Specimen:
    """The same network with some parameters doubled."""
    backbone = stages.build(one.entry.name)
    backbone.load_state_dict(one.backbone.state_dict())
    with torch.no_grad():
        for name, parameter in backbone.named_parameters():
            if name in names:
                parameter.mul_(2)
    return specimen.specimen(backbone, one.class_names)


@pytest.fixture(scope="module")
def tiny() -> Specimen:
    return specimen.random("tiny_resnet18")


@pytest.mark.parametrize("name", ["tiny_resnet18", "mobilenet_v3_small"])
def test_between_equal_networks_nothing_differs_anywhere(name: str) -> None:
    one, same = specimen.random(name), specimen.random(name)
    seen = change.features(one, PICTURES), change.features(same, PICTURES)
    for row in change.stage_changes(one, same, seen):
        assert row.identical
        assert row.relative_change == 0.0
        assert row.cka == 1.0, row.stage
    maps = specimen.activations(one, PICTURES[:1], one.entry.stages[1].name)[0]
    assert not change.channel_changes(maps, maps).any()
    before, now, difference, stronger = change.kernel_sheets(filters.kernels(one), filters.kernels(same))
    assert np.array_equal(before, now)
    assert (np.abs(difference.astype(int) - rendering.GAP_LEVEL) <= 1).all()
    assert stronger == 0


def test_stages_before_the_first_change_stay_exactly_the_same_and_later_ones_see_something_else(
    tiny: Specimen,
) -> None:
    other = moved(tiny, "stages.layer2.0.conv1.weight")
    found = change.stage_changes(
        tiny, other, (change.features(tiny, PICTURES), change.features(other, PICTURES))
    )
    assert [row.stage for row in found] == ["stem", "layer1", "layer2", "layer3", "layer4"]
    assert [row.identical for row in found] == [True, True, False, True, True]
    assert [row.relative_change == 0 for row in found] == [True, True, False, True, True]
    assert [row.cka for row in found[:2]] == [1.0, 1.0]
    assert all(row.cka is not None and row.cka < 1 for row in found[2:])
    own = torch.linalg.vector_norm(tiny.backbone.stages["layer2"][0].conv1.weight)
    whole = math.sqrt(sum(float(p.square().sum()) for p in tiny.backbone.stages["layer2"].parameters()))
    assert found[2].relative_change == pytest.approx(float(own) / whole, rel=1e-6)


def test_it_is_the_audits_own_measure_of_change(tiny: Specimen) -> None:
    other = moved(tiny, "stages.stem.0.weight", "stages.layer4.1.bn2.weight")
    rows = audit.audit(audit.snapshot(tiny.backbone), audit.snapshot(other.backbone), frozen=())
    assert [one.relative_change for one in change.stage_changes(tiny, other)] == [
        row.relative_change for row in rows
    ]
    assert [row.cka for row in change.stage_changes(tiny, other)] == [None] * 5


def test_statistics_that_drift_are_told_from_weights_that_move(tiny: Specimen) -> None:
    other = moved(tiny)
    other.backbone.stages["layer1"][0].bn1.running_mean.add_(1)
    row = change.stage_changes(tiny, other)[1]
    assert not row.identical
    assert row.relative_change == 0


def test_features_are_read_in_parts_without_touching_the_network(
    tiny: Specimen, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = change.features(tiny, PICTURES)
    monkeypatch.setattr(specimen, "PIXELS_AT_ONCE", 2 * 32 * 32)
    parts = change.features(tiny, PICTURES)
    for name, values in whole.items():
        np.testing.assert_allclose(parts[name], values, atol=1e-4)
    assert not any(module.training or module._forward_hooks for module in tiny.backbone.modules())


def test_too_few_pictures_say_nothing_about_features(tiny: Specimen) -> None:
    seen = change.features(tiny, PICTURES[:3])
    assert [row.cka for row in change.stage_changes(tiny, tiny, (seen, seen))] == [None] * 5


def test_a_channels_change_in_units_of_a_typical_answer() -> None:
    before = np.zeros((4, 2, 2), dtype=np.float32)
    before[0] = 1  # length 2
    before[1, 0, 0] = 2  # length 2
    now = before.copy()
    now[2, 0, :] = [3, 4]  # moved by 5
    typical = math.sqrt((4 + 4) / 4)
    assert change.channel_changes(before, now) == pytest.approx([0, 0, 5 / typical, 0])
    assert list(change.channel_changes(0 * before, now) > 0) == [True, True, True, False]
    assert not change.channel_changes(0 * before, 0 * before).any()


def test_maps_share_one_scale_and_an_equal_map_leaves_the_picture_bare() -> None:
    picture = np.full((4, 4, 3), 200, dtype=np.uint8)
    before = np.array([[0.0, 1.0], [0.0, 0.0]], dtype=np.float32)
    first, second, difference = change.map_pictures(before, 2 * before, picture)
    brightest = rendering.ramp(np.ones(1))[0]
    assert (second[0, 3] == brightest).all()
    assert (first[0, 3] == rendering.ramp(np.full(1, 0.5))[0]).all()
    assert difference[0, 3, 2] < difference[3, 0, 2], "gold has little blue"
    still = change.map_pictures(before, before, picture)[2]
    assert len(np.unique(still.reshape(-1, 3), axis=0)) == 1


def test_kernel_differences_share_one_scale_that_is_said() -> None:
    before = np.zeros((2, 1, 1, 3), dtype=np.float32)
    before[:, 0, 0, 0] = 1.0
    now = before.copy()
    now[0, 0, 0, 0] = 0.9
    now[1, 0, 0, 1] = 0.2
    first, _, difference, stronger = change.kernel_sheets(before, now, side=4)
    assert stronger == pytest.approx(5)
    assert tuple(first[0, 0]) == (255, 128, 128)
    assert tuple(difference[0, 0]) == (64, 128, 128)  # -0.1 of 0.2
    assert tuple(difference[0, 6]) == (128, 255, 128)

"""Exemplars: a channel with a known wish finds the crops that have it, one crop once."""

import numpy as np
import pytest
import torch
from torch import nn

from core import errors
from core.backbones.backbone import Backbone, Stage
from core.interpretation import exemplars, rendering, specimen, standouts
from core.interpretation.exemplars import Bank
from core.interpretation.specimen import Specimen

SIDE = 32


@pytest.fixture(scope="module")
def colours() -> Specimen:
    """Three channels, 1 × 1: red, green and blue as they are; then a stage that never answers."""
    conv = nn.Conv2d(3, 3, 1, bias=False)
    silent = nn.Conv2d(3, 3, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.eye(3)[:, :, None, None])
        silent.weight.zero_()
    rows = (
        Stage(name="rgb", module=conv, channels=3, reduction=1),
        Stage(name="silent", module=silent, channels=3, reduction=1),
    )
    neck = nn.Flatten()
    backbone = Backbone(name="tiny_resnet18", stages=rows, neck=neck, feature_size=3, head=neck)
    return specimen.specimen(backbone, (), SIDE)


@pytest.fixture(scope="module")
def painted() -> Bank:
    """Black crops of photograph 0 and 1, each with one spot: crops 0 and 1 show the same place."""
    crops = np.zeros((4, SIDE, SIDE, 3), dtype=np.uint8)
    crops[0, 5, 7, 0] = crops[1, 5, 7, 0] = 250  # red, twice the same place of photograph 0
    crops[1, 5, 7, 0] = 240
    crops[2, 20, 3, 0] = 200  # red elsewhere
    crops[3, 30, 31, 2] = 255  # blue
    boxes = np.array([(0.0, 0.0, 64.0, 64.0)] * 4)
    return Bank(crops=crops, photographs=np.array([0, 0, 1, 1]), boxes=boxes)


def test_each_colour_finds_its_spot_and_the_same_place_counts_once(colours: Specimen, painted: Bank) -> None:
    shares: list[float] = []
    found = exemplars.exemplars(colours, shares.append, crops=painted)["rgb"]
    assert found.crops[0, :2].tolist() == [0, 2]  # not 1, though it is redder than 2
    assert (found.rows[0, 0], found.columns[0, 0]) == (5, 7)
    assert found.crops[2, 0] == 3
    assert (found.rows[2, 0], found.columns[2, 0]) == (30, 31)
    assert found.box(2, 0) == (31 / SIDE, 30 / SIDE, 1.0, 31 / SIDE)
    assert np.array_equal(found.highest[:, 2].argsort()[-1:], [3])
    assert shares[-1] == 1.0


def test_a_patch_is_what_the_unit_saw(colours: Specimen, painted: Bank) -> None:
    found = exemplars.exemplars(colours, crops=painted)["rgb"]
    assert (exemplars.patch(painted, found, 2, 0, 8) == (0, 0, 255)).all()
    assert exemplars.title(painted, found, 2, 0) == exemplars.PHOTOGRAPHS[1][1]
    with pytest.raises(errors.SettingsError, match="channels 0 to 2, not 3"):
        exemplars.patch(painted, found, 3, 0)


def test_the_bank_is_the_same_every_time_and_within_the_work_that_a_pass_may_cost() -> None:
    one, large = specimen.random("tiny_resnet18"), specimen.random("squeezenet1_0")
    bank = exemplars.bank_for(one)
    assert bank.crops.shape[1:] == (64, 64, 3)
    assert set(bank.photographs) == set(range(len(exemplars.PHOTOGRAPHS)))
    assert one.entry.multiply_adds * len(bank.crops) <= exemplars.MOST_WORK
    fewer = exemplars.bank_for(large)
    assert large.entry.multiply_adds * len(fewer.crops) <= exemplars.MOST_WORK
    assert len(exemplars.PHOTOGRAPHS) <= len(fewer.crops) < len(bank.crops)
    exemplars.bank.cache_clear()
    assert np.array_equal(exemplars.bank_for(one).crops, bank.crops)
    for left, top, right, bottom in bank.boxes:
        assert right - left == pytest.approx(bottom - top)
        assert left >= 0
        assert top >= 0


@pytest.mark.parametrize("name", ["tiny_resnet18", "vit_b_16"])
def test_every_stage_of_a_network_has_exemplars_for_all_channels(name: str) -> None:
    one = specimen.random(name)
    source = exemplars.bank(one.image_size, 3)
    few = Bank(crops=source.crops[:3], photographs=source.photographs[:3], boxes=source.boxes[:3])
    found = exemplars.exemplars(one, crops=few)
    for stage in one.entry.stages:
        assert found[stage.name].crops.shape == (stage.channels, 3)
        maps = specimen.activations(one, few.crops, stage.name)
        assert np.allclose(found[stage.name].highest, maps.max(axis=(2, 3)), atol=1e-5)
        best = maps[found[stage.name].crops[5, 0], 5]
        assert best[found[stage.name].rows[5, 0], found[stage.name].columns[5, 0]] == pytest.approx(
            found[stage.name].values[5, 0], abs=1e-5
        )


def test_the_channel_that_is_unusual_stands_out_not_the_loud_one(colours: Specimen, painted: Bank) -> None:
    usual = exemplars.exemplars(colours, crops=painted)
    picture = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    picture[10, 12] = (255, 200, 0)  # red is everywhere in the bank; green was never seen there
    red, blue = standouts.standouts(colours, picture, "rgb", usual["rgb"], 2)
    assert (red.channel, blue.channel) == (0, 2)  # green never varied there: nothing is usual for it
    assert red.unusual > 0 > blue.unusual
    assert red.box == (12 / SIDE, 10 / SIDE, 13 / SIDE, 11 / SIDE)
    assert standouts.window((red,)) == 1 / SIDE
    assert standouts.standouts(colours, picture, "silent", usual["silent"]) == ()
    card = standouts.card(picture, red, painted, usual["rgb"])
    assert card.shape[0] == 300
    assert card.shape[2] == 4
    assert (card[..., 3] == 0).any()
    assert rendering.encode(card)

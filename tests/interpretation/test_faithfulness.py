"""Faithfulness: exact answers from a network of which one quadrant alone decides."""

import numpy as np
import pytest
import torch
from torch import nn

from core.backbones import catalogue
from core.backbones.backbone import Backbone, Stage
from core.interpretation import faithfulness
from core.interpretation.attribution import Attribution, attribute
from core.interpretation.specimen import Specimen

pytestmark = pytest.mark.filterwarnings("ignore:Setting")

SIDE = 16


class _Mean(nn.Module):
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features.mean(dim=(2, 3))


class _Quadrant(nn.Module):
    """Let the upper left quarter through."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        mask = torch.zeros(images.shape[-2:])
        mask[: SIDE // 2, : SIDE // 2] = 1
        return images * mask


def quadrant() -> Specimen:
    """Class 0's score is linear: 20 times the mean of the quarter's pixels, class 1's is 0."""
    linear = nn.Linear(3, 2)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[20.0, 20.0, 20.0], [0.0, 0.0, 0.0]]))
        linear.bias.zero_()
    neck = _Mean()
    backbone = Backbone(
        name="tiny_resnet18",
        stages=(Stage(name="stem", module=_Quadrant(), channels=3, reduction=1),),
        neck=neck,
        feature_size=3,
        head=nn.Sequential(neck, linear),
    )
    return Specimen(
        entry=catalogue.entry("tiny_resnet18"),
        backbone=backbone.eval().requires_grad_(False),
        class_names=("lit", "dark"),
        image_size=SIDE,
    )


LIT = np.full((SIDE, SIDE, 3), 200, dtype=np.uint8)


def drawn(values: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> Attribution:
    return Attribution(method="saliency", target=0, stage=None, raw=values[None, None], values=values)


def right() -> Attribution:
    values = np.zeros((2, 2), dtype=np.float32)
    values[0, 0] = 1
    return drawn(values)


def test_removing_the_deciding_quarter_first_falls_at_once() -> None:
    one = quadrant()
    found = faithfulness.curves(one, LIT, drawn(np.pad(np.ones((8, 8), np.float32), ((0, 8), (0, 8)))))
    assert found.deletion.shares[[0, -1]].tolist() == [0, 1]
    assert found.deletion.map[0] > 0.9
    # The quarter is gone after a quarter of the pixels: an even choice between two classes from there on.
    assert found.deletion.map[4:] == pytest.approx(0.5)
    assert found.deletion.area < found.deletion.shuffled_areas.min()
    assert found.insertion.map[-1] == pytest.approx(found.deletion.map[0])


def test_a_map_of_the_wrong_quarter_is_worse_than_chance() -> None:
    one = quadrant()
    wrong = drawn(np.pad(np.ones((8, 8), np.float32), ((8, 0), (8, 0))))
    found = faithfulness.curves(one, LIT, wrong)
    assert found.deletion.area > found.deletion.shuffled_areas.max()
    assert found.deletion.map[4] == pytest.approx(found.deletion.map[0])


def test_the_control_is_seeded() -> None:
    one = quadrant()
    first, again, other = (faithfulness.curves(one, LIT, right(), seed=seed) for seed in (0, 0, 5))
    assert np.array_equal(first.deletion.shuffled, again.deletion.shuffled)
    assert not np.array_equal(first.deletion.shuffled, other.deletion.shuffled)


def test_integrated_gradients_predict_a_linear_score_fully() -> None:
    one = quadrant()
    found = attribute(one, LIT, method="integrated_gradients", target=0)
    measured = faithfulness.stability(one, LIT, found)
    assert measured.score_changes > 0
    assert measured.unexplained == pytest.approx(0, abs=1e-4)


def test_a_map_elsewhere_predicts_little() -> None:
    one = quadrant()
    wrong = np.zeros((SIDE, SIDE), dtype=np.float32)
    wrong[-4:, -4:] = 1
    measured = faithfulness.stability(one, LIT, drawn(wrong))
    assert measured.unexplained == pytest.approx(1, abs=0.05)


def test_sensitivity_is_the_length_of_the_change_over_all_colours() -> None:
    one = quadrant()
    steady = faithfulness.stability(one, LIT, attribute(one, LIT, method="saliency", target=0))
    assert steady.sensitivity == pytest.approx(0, abs=1e-6)  # the gradient of a linear score never moves
    moving = faithfulness.stability(one, LIT, attribute(one, LIT, method="integrated_gradients", target=0))
    values = one.input(LIT).mean().item()
    assert 0 < moving.sensitivity < 0.02 / values  # each pixel of weight x value moves by 0.02 at most


def test_random_numbers_of_the_process_are_left_alone() -> None:
    one = quadrant()
    found = attribute(one, LIT, method="saliency", target=0)
    before = torch.get_rng_state()
    faithfulness.stability(one, LIT, found)
    assert torch.equal(torch.get_rng_state(), before)

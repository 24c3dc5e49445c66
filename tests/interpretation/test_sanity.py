"""The randomisation test: which maps notice, in which order parts are forgotten, and what stays untouched."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from core import errors
from core.interpretation import sanity, specimen
from core.interpretation.specimen import Specimen

pytestmark = pytest.mark.filterwarnings("ignore:Setting")

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)


def small(seed: int) -> Specimen:
    one = specimen.random("tiny_resnet18", seed)
    return Specimen(entry=one.entry, backbone=one.backbone, class_names=one.class_names, image_size=32)


def test_parts_are_forgotten_from_the_top_and_the_map_changes() -> None:
    one, control = small(0), small(1)
    before = {name: tensor.clone() for name, tensor in one.backbone.state_dict().items()}
    steps = list(sanity.randomise(one, control, PICTURE, method="saliency", target=2))
    assert [step.part for step in steps] == [None, "head", "layer4", "layer3", "layer2", "layer1", "stem"]
    assert steps[0].rank == pytest.approx(1)
    assert steps[0].ssim == pytest.approx(1)
    assert all(not np.array_equal(a.values, b.values) for a, b in pairwise(steps))
    assert all(step.rank is not None and step.rank < 0.9 for step in steps[1:])
    # Neither network was changed.
    assert all(torch.equal(tensor, before[name]) for name, tensor in one.backbone.state_dict().items())


def test_at_the_end_only_the_random_network_is_left() -> None:
    one, other, control = small(0), small(7), small(1)
    last = [
        list(sanity.randomise(start, control, PICTURE, method="saliency", target=2))[-1]
        for start in (one, other)
    ]
    assert np.array_equal(last[0].values, last[1].values)


def test_forgetting_is_seeded_and_leaves_the_process_generator_alone() -> None:
    one, control = small(0), small(1)
    before = torch.get_rng_state()
    first, again = (
        [s.values for s in sanity.randomise(one, control, PICTURE, method="grad_cam", target=2)] for _ in "ab"
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_steps_come_one_by_one() -> None:
    steps = sanity.randomise(small(0), small(1), PICTURE, method="saliency", target=2)
    assert next(steps).part is None
    assert next(steps).part == "head"


def test_a_constant_map_has_no_correlation() -> None:
    flat = np.ones((4, 4), dtype=np.float32)
    assert sanity._rank(flat, flat) is None
    assert sanity._ssim(np.zeros((4, 4), np.float32), flat) is None


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(errors.SettingsError, match="method must be one of"):
        next(sanity.randomise(small(0), small(1), PICTURE, method="tea_leaves", target=0))

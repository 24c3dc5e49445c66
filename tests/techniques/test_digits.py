"""The digits' domains, their network and its training, and how domains are told apart."""

import math

import numpy as np
import pytest
import torch

from core.techniques.digits import domains as digits
from core.techniques.digits import separability
from core.techniques.digits.network import accuracy, random_network
from core.techniques.digits.tensors import as_tensors
from core.techniques.digits.training import ramp, train

RANDOM = np.random.default_rng(0)


def test_blending_inverts_the_background_under_the_ink():
    background = np.array([[[[10, 200, 128]]]], dtype=np.uint8)
    ink, paper = np.full_like(background, 255), np.zeros_like(background)
    assert digits.blend(paper, background).tolist() == background.tolist()
    assert digits.blend(ink, background).ravel().tolist() == [245, 55, 127]


def test_the_parts_share_no_digit_and_the_test_no_photograph():
    domains = digits.digit_domains("inverted", 3)
    parts = [domains.source, domains.source_test, domains.target, domains.target_test]
    assert [len(part) for part in parts] == [600, 200, 600, 397]
    plain = [part.images if number < 2 else 255 - part.images for number, part in enumerate(parts)]
    once = {image.tobytes() for part in plain for image in part}
    everything = digits._digits().images
    assert len(once) == len({image.tobytes() for image in everything})  # dealt out, none twice
    for of_training, of_test in digits._backgrounds():
        # An all but even crop says nothing about the photograph that it is from.
        found = [{crop.tobytes() for crop in part if crop.std() > 3} for part in (of_training, of_test)]
        assert all(found)
        assert not found[0] & found[1]


def test_missing_digits_are_missing_from_the_target_alone():
    domains = digits.digit_domains("coloured", 0, images=300, missing=1.0)
    assert set(domains.target.labels) == set(domains.target_test.labels) == set(range(5))
    assert set(domains.source.labels) == set(range(10))


def test_told_apart_is_half_for_equal_clouds_and_one_for_distant_ones():
    clouds = [RANDOM.normal(size=(400, 3)) for _ in range(4)]
    assert separability.told_apart(*clouds) == pytest.approx(0.5, abs=0.08)
    apart = [clouds[0], clouds[1] + 9, clouds[2], clouds[3] + 9]
    assert separability.told_apart(*apart) == 1.0


def test_training_learns_plain_digits_and_leaves_torchs_generator_alone():
    parts = digits.digit_domains("photographs", 0)
    before = torch.get_rng_state()
    one = random_network(0)
    list(train(one, as_tensors(parts.source), steps=80, seed=0))
    assert accuracy(one, as_tensors(parts.source_test)) > 0.85
    assert torch.equal(torch.get_rng_state(), before)
    assert not one.training


def test_the_ramp_is_the_papers():
    for done in (0.0, 0.1, 0.5, 1.0):
        assert ramp(done, 1.0, 10.0) == pytest.approx(2 / (1 + math.exp(-10 * done)) - 1)
    assert ramp(0.0, 3.0, 10.0) == 0
    assert ramp(0.0, 3.0, 0.0) == 3.0
    assert ramp(0.5, 2.0, 5.0) == pytest.approx(2 * math.tanh(5 * 0.5 / 2))

import copy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.advice import similarity, source
from core.advice.report import Measures
from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.datasets.open import open_dataset
from core.errors import DataError, SettingsError
from core.interpretation import readout

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]


@pytest.fixture(scope="module")
def built_in() -> Backbone:
    backbone = stages.build("tiny_resnet18")
    weights.load_pretrained(backbone)
    return backbone


@pytest.fixture(scope="module")
def patches() -> Arrays:
    dataset = open_dataset("everyday-patches", side=64)
    return dataset.train.images, dataset.train.labels, dataset.class_names


def noise(counts: tuple[int, ...], side: int = 32) -> Arrays:
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.random.default_rng(0).integers(0, 256, (len(labels), side, side, 3), dtype=np.uint8)
    return images, labels, tuple(f"class {number}" for number in range(len(counts)))


def test_everything_is_measured_at_every_stage(built_in: Backbone, patches: Arrays) -> None:
    found = similarity.measure(built_in, *patches, most=96)
    assert [one.stage for one in found.stages] == [stage.name for stage in built_in.table]
    assert (found.images, found.classes, found.backbone) == (96, 12, "tiny_resnet18")
    assert found.per_class == int(np.median(np.bincount(patches[1])))
    assert found.chance == pytest.approx(1 / 12)
    for one in found.stages:
        assert one.frechet is not None
        assert one.probe is None
        for value in (one.frechet, one.neighbours, one.logme, one.h_score):
            assert value.low <= value.value <= value.high
    assert set(found.seconds) == {"sample", "features", "frechet", "neighbours", "scores"}


def test_the_neighbours_are_those_of_the_layers_page(built_in: Backbone, patches: Arrays) -> None:
    images, labels, names = patches
    chosen = np.arange(0, len(labels), 9)
    found = similarity.measure(built_in, images[chosen], labels[chosen], names)
    features = similarity.pooled(built_in, images[chosen])["layer4"]
    votes = readout.neighbours(features, labels[chosen], readout.neighbours_for(labels[chosen]))
    assert found.stages[-1].neighbours.value == pytest.approx(votes.mean())


def test_true_classes_are_told_apart_and_shuffled_ones_are_not(built_in: Backbone, patches: Arrays) -> None:
    images, labels, names = patches
    shuffled = np.random.default_rng(0).permutation(labels)
    true, chance = (
        similarity.measure(built_in, images, one, names, most=120).stages[-1] for one in (labels, shuffled)
    )
    assert true.neighbours.low > chance.neighbours.high
    assert true.logme.low > chance.logme.high
    assert true.h_score.low > chance.h_score.high
    assert chance.logme.value < 0.02


def test_photographs_are_nearer_to_the_source_than_digits(built_in: Backbone, patches: Arrays) -> None:
    digits = open_dataset("digits", side=64).train
    near = similarity.measure(built_in, *patches, most=60)
    far = similarity.measure(built_in, digits.images, digits.labels, tuple("0123456789"), most=60)
    for one, other in zip(near.stages, far.stages, strict=True):
        assert one.frechet is not None
        assert other.frechet is not None
        assert one.frechet.high < other.frechet.low


def test_the_probe_is_the_cross_validated_one(built_in: Backbone, patches: Arrays) -> None:
    images, labels, names = patches
    chosen = np.flatnonzero(labels < 2)[::8]
    found = similarity.measure(built_in, images[chosen], labels[chosen], names[:2], probe=True)
    features = similarity.pooled(built_in, images[chosen])["layer3"].astype(np.float64)
    probe = found.stages[3].probe
    assert probe is not None
    assert probe.value == pytest.approx(readout.probe(features, labels[chosen]).mean())
    assert found.seconds["probe"] > 0


def test_source_statistics_hold_for_the_shipped_weights_at_their_side_only(built_in: Backbone) -> None:
    assert source.spreads(built_in, 64) is not None
    assert source.spreads(built_in, 32) is None
    changed = copy.deepcopy(built_in)
    with torch.no_grad():
        next(changed.parameters()).view(-1)[0] += 1e-3
    assert source.spreads(changed, 64) is None
    assert source.spreads(stages.build("squeezenet1_1"), 64) is None


def test_source_statistics_of_imagenets_network_order_what_is_near_and_far() -> None:
    """Photographs of things, to which it is used, are nearer than handwritten digits."""
    backbone = stages.build(catalogue.DEFAULT)
    weights.load_pretrained(backbone)
    near, far = (
        similarity.measure(backbone, data.train.images, data.train.labels, data.class_names, most=60)
        for data in (open_dataset(name, side=128) for name in ("everyday-patches", "digits"))
    )
    for ours, theirs in zip(near.stages[-2:], far.stages[-2:], strict=True):
        assert ours.frechet is not None
        assert theirs.frechet is not None
        assert ours.frechet.high < theirs.frechet.low
    assert source.spreads(backbone, 112) is not None
    assert source.spreads(backbone, 224) is None


@pytest.mark.parametrize(("name", "side"), [("squeezenet1_1", 32), ("swin_t", 32), ("vit_b_16", 224)])
def test_every_kind_of_network_is_measured(name: str, side: int) -> None:
    found = similarity.measure(stages.build(name), *noise((2, 2), side))
    assert len(found.stages) == catalogue.entry(name).depth
    assert all(one.frechet is None for one in found.stages)
    assert all(np.isfinite([one.logme.low, one.logme.high, one.h_score.low]).all() for one in found.stages)


def test_unbalanced_classes_and_classes_of_two(built_in: Backbone) -> None:
    found = similarity.measure(built_in, *noise((2, 30, 7), 64), per_class=500)
    assert (found.images, found.per_class) == (39, 500)
    assert found.chance == pytest.approx(30 / 39)


def test_the_network_is_left_as_it_was(built_in: Backbone) -> None:
    built_in.train()
    before = {key: value.clone() for key, value in built_in.state_dict().items()}
    similarity.measure(built_in, *noise((3, 3), 64))
    assert built_in.training
    assert all(torch.equal(value, before[key]) for key, value in built_in.state_dict().items())
    built_in.eval()


def test_steps_come_in_order_and_end_with_the_measures(built_in: Backbone) -> None:
    *steps, last = similarity.steps(built_in, *noise((3, 3), 64))
    shares = [one.share for one in steps if not isinstance(one, Measures)]
    assert shares == sorted(shares)
    assert len(shares) == len(steps) == 6
    assert isinstance(last, Measures)


def test_too_little_to_measure_is_said_in_one_sentence(built_in: Backbone) -> None:
    with pytest.raises(DataError, match="two"):
        similarity.measure(built_in, *noise((5,), 64))
    with pytest.raises(DataError, match="class 1"):
        similarity.measure(built_in, *noise((5, 1), 64))
    images, labels, names = noise((2, 2), 64)
    with pytest.raises(DataError, match="class 0"):  # the same picture twice is one picture
        similarity.measure(built_in, images[[0, 0, 2, 3]], labels, names)
    with pytest.raises(SettingsError, match="at least 16 pixels"):
        similarity.measure(built_in, *noise((2, 2), 8))

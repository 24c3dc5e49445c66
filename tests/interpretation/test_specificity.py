"""General to specific: readings, selectivity and similarity of features whose answers are known."""

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import make_blobs
from sklearn.preprocessing import StandardScaler

from core.datasets.dataset import ImageDataset, LabelledImages
from core.errors import DataError
from core.events import Progress
from core.interpretation import readout, specificity, specimen
from core.interpretation.specificity_report import (
    ClassicalReading,
    Reading,
    Readings,
    SpecificityReport,
    StageReading,
    against_last,
    findings,
)

NAMES = ("a", "b", "c")


def labels_of(each: int, classes: int) -> NDArray[np.int64]:
    return np.tile(np.arange(classes), each).astype(np.int64)


def noise(count: int, side: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3)).astype(np.uint8)


def dataset(images: NDArray[np.uint8], labels: NDArray[np.int64], names: tuple[str, ...]) -> ImageDataset:
    part = LabelledImages(images=images, labels=labels)
    return ImageDataset(name="x", title="x", class_names=names, train=part, test=None, fingerprint="x")


def last(states: Iterator[Progress | SpecificityReport]) -> tuple[list[Progress], SpecificityReport]:
    *steps, report = states
    assert isinstance(report, SpecificityReport)
    return [step for step in steps if isinstance(step, Progress)], report


# --- readout --------------------------------------------------------------------------------------------


def test_separable_classes_are_all_read_rightly() -> None:
    features, labels = make_blobs(60, n_features=8, centers=3, cluster_std=0.1, random_state=0)
    assert readout.probe(features, labels).all()
    assert readout.neighbours(features, labels, 5).all()


def test_noise_is_read_at_chance() -> None:
    features = np.random.default_rng(0).normal(size=(240, 6))
    labels = labels_of(80, 3)
    for right in (readout.probe(features, labels), readout.neighbours(features, labels, 5)):
        accuracy = Reading(right=right).accuracy
        assert accuracy.low < 1 / 3 < accuracy.high


def test_a_feature_that_gives_away_the_fold_alone_does_not_help() -> None:
    """An image's own label, readable only by having memorised it, must not count: identity features."""
    labels = labels_of(20, 2)
    assert Reading(right=readout.probe(np.eye(40), labels)).accuracy.value <= 0.5


def test_more_features_than_images_give_the_same_as_without_the_rotation() -> None:
    random = np.random.default_rng(0)
    labels = labels_of(20, 2)
    wide = random.normal(size=(40, 50)) + 0.3 * labels[:, None]
    rotated, test = readout._scaled(wide[:30], wide[30:])
    scaler = StandardScaler().fit(wide[:30])
    standard, held_out = scaler.transform(wide[:30]), scaler.transform(wide[30:])
    assert rotated.shape[1] < 30
    # Inner products of the rows are all that an L2-penalised solution and its predictions depend on.
    assert np.allclose(rotated @ rotated.T, standard @ standard.T)
    assert np.allclose(test @ rotated.T, held_out @ standard.T)


def test_two_images_of_each_class_are_enough() -> None:
    features = np.array([[0.0, 0.1], [0.1, 0.0], [5.0, 5.1], [5.1, 5.0]])
    labels = np.array([0, 0, 1, 1])
    assert readout.neighbours_for(labels) == 1
    assert readout.neighbours(features, labels, 1).all()
    assert readout.probe(features, labels).all()


def test_folds_are_even_and_hold_every_class_out() -> None:
    labels = np.repeat(np.arange(4), [7, 5, 2, 1])
    folds = readout.deal(labels, 5, seed=3)
    assert folds[-1] == -1  # the only image of its class is never held out
    assert sorted(np.bincount(folds[folds >= 0])) == [2, 3, 3, 3, 3]
    assert set(folds[labels == 1]) == {0, 1, 2, 3, 4}


def test_a_tie_goes_to_the_nearer_voters() -> None:
    # One feature beside a constant would be ±1 after standardising; angles keep distances apart.
    angles = np.array([0.0, 0.05, 0.3, 3.2, 3.3, 3.4])
    features = np.column_stack([np.cos(angles), np.sin(angles)])
    labels = np.array([0, 0, 1, 1, 1, 1])
    assert readout.neighbours(features, labels, 2)[0]


# --- selectivity ----------------------------------------------------------------------------------------


def test_selectivity_by_hand() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    responses = np.array(
        [  # one class only; all alike; class means 3, 1, 1: (3 - 1) / (3 + 1); silent
            [2.0, 1.0, 4.0, 0.0],
            [4.0, 1.0, 2.0, 0.0],
            [0.0, 1.0, 1.0, 0.0],
            [0.0, 1.0, 1.0, 0.0],
            [0.0, 1.0, 2.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
        ]
    )
    found = specificity.selectivity(responses, labels)
    assert found[:3] == pytest.approx([1.0, 0.0, 0.5])
    assert np.isnan(found[3])


def test_shuffled_labels_leave_little_selectivity_with_many_images() -> None:
    labels = labels_of(500, 2)
    responses = np.column_stack([(labels == 0).astype(float), (labels == 1) + 0.5])
    assert np.median(specificity.selectivity(responses, labels)) > 0.45
    assert np.median(specificity.shuffled_selectivity(responses, labels)) < 0.08


def test_selectivity_of_one_class_is_refused() -> None:
    with pytest.raises(DataError, match="second class"):
        specificity.selectivity(np.ones((4, 2)), np.zeros(4, dtype=np.int64))


# --- the sample -----------------------------------------------------------------------------------------


def test_the_sample_is_even_seeded_and_free_of_copies() -> None:
    images, labels = noise(90), np.repeat(np.arange(3), [60, 20, 10])
    images[5] = images[7]
    one = specificity.draw_sample(dataset(images, labels, NAMES), 45, seed=1)
    assert np.bincount(one.labels).tolist() == [17, 17, 10]
    assert (one.available, one.duplicates) == (89, 1)
    again = specificity.draw_sample(dataset(images, labels, NAMES), 45, seed=1)
    other = specificity.draw_sample(dataset(images, labels, NAMES), 45, seed=2)
    assert np.array_equal(one.images, again.images)
    assert not np.array_equal(one.images, other.images)


@pytest.mark.parametrize(
    ("labels", "words"), [([0, 0, 0, 0], "second class|only 0"), ([0, 0, 0, 1], "only 1")]
)
def test_too_few_pictures_are_one_sentence(labels: list[int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        specificity.draw_sample(dataset(noise(4), np.array(labels), ("a", "b")))


# --- the whole ------------------------------------------------------------------------------------------


def state_of(one: specimen.Specimen) -> str:
    digest = hashlib.sha256()
    for tensor in one.backbone.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in one.backbone.modules()]
    return f"{digest.hexdigest()} {sum(hooks)} {[module.training for module in one.backbone.modules()]}"


def coloured(each: int, side: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noise that is brighter in one colour by class."""
    labels = labels_of(each, 3)
    images = noise(len(labels), side) // 2
    images[np.arange(len(labels)), ..., labels] += 120
    return images, labels


def test_a_colour_is_read_at_every_stage_and_the_network_stays_as_it_was() -> None:
    one, control = specimen.random("tiny_resnet18", seed=1), specimen.random("tiny_resnet18")
    before = state_of(one)
    images, labels = coloured(8, 32)
    steps, report = last(
        specificity.measure(one, control, specificity.draw_sample(dataset(images, labels, NAMES)))
    )
    assert state_of(one) == before
    assert [stage.name for stage in report.stages] == [stage.name for stage in one.entry.stages]
    assert report.stages[0].trained.probe.right.all()
    assert (report.images, report.classes, report.voters) == (24, 3, 5)
    assert report.chance == pytest.approx(1 / 3)
    assert [report.cka[n][n] for n in range(len(report.stages))] == pytest.approx([1.0] * len(report.stages))
    assert report.cka[0][2] == report.cka[2][0]
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] < 1


def test_a_network_against_itself_has_the_same_figures_twice() -> None:
    one = specimen.random("squeezenet1_1")
    images, labels = coloured(2, 32)
    _, report = last(specificity.measure(one, one, specificity.draw_sample(dataset(images, labels, NAMES))))
    for stage in report.stages:
        assert np.array_equal(stage.trained.probe.right, stage.random.probe.right)
        assert stage.cka_random == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["vit_b_16", "swin_t", "vgg16", "efficientnet_b0"])
def test_every_family_gives_one_number_a_channel(name: str) -> None:
    one = specimen.random(name)
    side = one.entry.image_size if one.entry.fixed_size else max(one.entry.smallest_size, 32)
    *shares, found = specificity.features(one, noise(2, side))
    assert shares[-1] == 1.0
    assert isinstance(found, tuple)
    for stage, entry in zip(found, one.entry.stages, strict=True):
        assert stage.pooled.shape == stage.positive.shape == (2, entry.channels)
        assert (stage.positive >= 0).all()
        assert (stage.positive >= stage.pooled - 1e-5 * np.abs(stage.pooled).max() - 1e-6).all()


def test_activity_has_a_map_for_every_stage_with_positions() -> None:
    one = specimen.random("tiny_resnet18")
    found = specificity.activity(one, noise(1)[0])
    whole = specimen.activations(one, noise(1), "layer2")
    assert np.allclose(found["layer2"], np.abs(whole[0]).mean(axis=0))
    assert list(found) == [stage.name for stage in one.entry.stages if one.has_positions(stage.name)]


def test_features_equal_the_mean_over_positions() -> None:
    one = specimen.random("tiny_resnet18")
    *_, found = specificity.features(one, noise(3))
    assert isinstance(found, tuple)
    with torch.inference_mode():
        whole = one.backbone.run_stages(one.input(noise(3)))
    assert np.allclose(found[-1].pooled, whole.mean(dim=(2, 3)).numpy(), atol=1e-5)


# --- the sentences --------------------------------------------------------------------------------------


def reading(right: int, of: int = 200) -> Readings:
    flags = Reading(right=np.arange(of) < right)
    return Readings(probe=flags, neighbours=flags)


def report_of(trained: list[int], random: list[int]) -> SpecificityReport:
    return SpecificityReport(
        stages=tuple(
            StageReading(
                name=f"stage{number}",
                channels=4,
                trained=reading(one),
                random=reading(other),
                selectivity=None,
                shuffled=None,
                cka_random=None,
            )
            for number, (one, other) in enumerate(zip(trained, random, strict=True))
        ),
        cka=(),
        images=200,
        classes=2,
        chance=0.5,
        voters=5,
        seconds=0.0,
    )


def test_a_real_peak_is_named_with_its_lead() -> None:
    report = report_of([120, 180, 150], [110, 110, 110])
    found = against_last(report)
    assert found is not None
    assert found.difference.value == pytest.approx(0.15)
    where, random = findings(report)
    assert "**stage1**: 90.0 %" in where
    assert "15.0 points" in where
    assert "more than after the last stage" in where
    assert "learning gave 35.0 points" in random


def test_a_lead_of_luck_is_not_claimed() -> None:
    where, random = findings(report_of([120, 152, 150], [151, 110, 110]))
    assert "not better than the last stage" in where
    assert "no difference seen" in random


def test_five_tries_cost_what_one_try_would_have_shown() -> None:
    """7 of 7 pairs: the interval excludes zero for the best of two stages, not for the best of five."""
    assert "more than after" in findings(report_of([157, 150], [100] * 2))[0]
    where = findings(report_of([100, 100, 100, 157, 150], [100] * 5))[0]
    assert "not better than the last stage" in where
    assert "best of 5, +3.5 points [−" in where


def test_the_last_stage_can_win_and_so_can_random_weights_and_hog() -> None:
    hog = (ClassicalReading(name="HOG", size=1, readings=reading(199)),)
    where, random, classical = findings(report_of([100, 150], [190, 100]), hog)
    assert "It is the last stage" in where
    assert "here they beat what was learned, by 20.0 points" in random
    assert "HOG wins with 99.5 %" in classical

"""The built-in sets: real pictures, balanced enough, and not one pixel shared by train and test."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core.datasets.builtin import EVERYDAY, GAP, SCIENCE, Patch, PatchSet, Photograph, builtin, cut
from core.datasets.catalogue import DATASETS
from core.datasets.dataset import LabelledImages
from core.datasets.open import load
from core.datasets.splits import class_counts, split
from core.errors import SettingsError

PHOTOGRAPHS = [
    pytest.param(photograph, patch_set, id=photograph.class_name)
    for patch_set in (EVERYDAY, SCIENCE)
    for photograph in patch_set.photographs
]


@pytest.mark.parametrize(("photograph", "patch_set"), PHOTOGRAPHS)
def test_no_two_patches_share_a_pixel_and_the_regions_keep_a_gap(
    photograph: Photograph, patch_set: PatchSet
) -> None:
    patches = list(cut(photograph, patch_set.size))
    size = patch_set.size
    seen = np.zeros((1500, 1500), bool)
    for patch in patches:
        window = seen[patch.top : patch.top + size, patch.left : patch.left + size]
        assert not window.any()
        window[:] = True
        assert patch.pixels.shape == (size, size, 3)

    def of(in_test: bool) -> list[Patch]:
        return [patch for patch in patches if patch.in_test is in_test]

    assert max(patch.left + size for patch in of(False)) + GAP <= min(patch.left for patch in of(True))


@pytest.mark.parametrize("name", ["everyday-patches", "science-patches"])
def test_patch_sets_are_well_sized_tasks(name: str) -> None:
    dataset = builtin(name, side=16)
    assert dataset.test is not None
    classes = len(dataset.class_names)
    assert class_counts(dataset.train, classes).min() >= 30
    assert class_counts(dataset.test, classes).min() >= 10
    assert len(dataset.test) >= 300
    assert dataset.report.duplicates == ()


def test_science_patches_are_told_apart_by_texture_alone() -> None:
    dataset = builtin("science-patches", side=24)
    assert dataset.test is not None
    assert (dataset.train.images == dataset.train.images[..., :1]).all()  # grey

    def brightness(part: LabelledImages) -> np.ndarray:
        values = part.images[..., 0].reshape(len(part), -1).astype(float)
        return np.stack([values.mean(axis=1), values.std(axis=1)], axis=1) / 255

    simple = LogisticRegression(max_iter=1000).fit(brightness(dataset.train), dataset.train.labels)
    assert simple.score(brightness(dataset.test), dataset.test.labels) < 0.6


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    dataset = builtin("digits", side=8)
    assert len(dataset.train) == 1797
    assert dataset.test is None
    expected = (load_digits().images[5] * 255 / 16).round()
    np.testing.assert_array_equal(dataset.train.images[5, ..., 0], expected)
    np.testing.assert_array_equal(dataset.train.labels, load_digits().target)


def test_faces_come_first() -> None:
    dataset = builtin("lfw-faces", side=25)
    assert dataset.class_names == ("face", "no face")
    assert class_counts(dataset.train, 2).tolist() == [100, 100]
    grey = dataset.train.images[..., 0].astype(float)  # (200, 25, 25)
    edges = np.abs(np.diff(grey, axis=2)).mean(axis=(1, 2))
    assert np.median(edges[:100]) > 2 * np.median(edges[100:])  # eyes and mouths against blurred background


@pytest.mark.parametrize("name", [name for name, row in DATASETS.items() if row.kind == "builtin"])
def test_the_catalogues_words_and_counts_are_true(name: str) -> None:
    row = DATASETS[name]
    dataset = load(name, side=8)
    assert len(dataset.class_names) == row.classes
    assert len(dataset.train) + (len(dataset.test) if dataset.test else 0) == row.images
    assert (dataset.title, dataset.about, dataset.licence) == (row.title, row.about, row.licence)
    assert dataset.citation == row.citation


@pytest.mark.parametrize("name", [name for name, row in DATASETS.items() if row.kind == "builtin"])
def test_they_are_the_same_every_time_and_follow_the_side(name: str) -> None:
    assert builtin(name, side=12).fingerprint == builtin(name, side=12).fingerprint
    large = builtin(name, side=20)
    assert large.train.images.shape[1:] == (20, 20, 3)
    splits = split(large, per_class=5, seed=0)
    assert class_counts(splits.train, len(large.class_names)).tolist() == [5] * len(large.class_names)


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(SettingsError, match="digits"):
        builtin("dogits", side=8)

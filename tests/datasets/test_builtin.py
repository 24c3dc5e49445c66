"""The built-in sets: real pictures, balanced enough, and not one pixel shared by train and test."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core.datasets.builtin import (
    EVERYDAY,
    EVERYDAY_CLOSEUPS,
    GAP,
    SCIENCE,
    SCIENCE_CLOSEUPS,
    PatchSet,
    Photograph,
    builtin,
    cut,
)
from core.datasets.catalogue import DATASETS
from core.datasets.dataset import LabelledImages
from core.datasets.open import load
from core.datasets.splits import class_counts, split
from core.errors import SettingsError

PATCH_SETS = {
    "everyday-patches": EVERYDAY,
    "science-patches": SCIENCE,
    "everyday-closeups": EVERYDAY_CLOSEUPS,
    "science-closeups": SCIENCE_CLOSEUPS,
}
PHOTOGRAPHS = [
    pytest.param(photograph, patch_set, id=f"{name} {photograph.class_name}")
    for name, patch_set in PATCH_SETS.items()
    for photograph in patch_set.photographs
]


@pytest.mark.parametrize(("photograph", "patch_set"), PHOTOGRAPHS)
def test_no_pixel_is_in_training_and_test_and_the_regions_keep_a_gap(
    photograph: Photograph, patch_set: PatchSet
) -> None:
    patches = list(cut(photograph, patch_set.size, step=patch_set.step, test_share=patch_set.test_share))
    size = patch_set.size
    seen = {False: np.zeros((1500, 1500), int), True: np.zeros((1500, 1500), int)}
    for patch in patches:
        seen[patch.in_test][patch.top : patch.top + size, patch.left : patch.left + size] += 1
        assert patch.pixels.shape == (size, size, 3)
    assert not (seen[False].astype(bool) & seen[True].astype(bool)).any()
    assert seen[True].max() == 1
    assert (seen[False].max() == 1) == (patch_set.step is None)

    def starts(in_test: bool) -> list[int]:
        return [
            patch.top if photograph.test_below else patch.left
            for patch in patches
            if patch.in_test is in_test
        ]

    assert max(starts(False)) + size + GAP <= min(starts(True))


@pytest.mark.parametrize(
    ("name", "fewest_train", "fewest_test", "test"),
    [
        ("everyday-patches", 30, 10, 300),
        ("science-patches", 30, 10, 300),
        ("everyday-closeups", 27, 7, 150),
        ("science-closeups", 40, 7, 120),
    ],
)
def test_patch_sets_are_well_sized_tasks(name: str, fewest_train: int, fewest_test: int, test: int) -> None:
    dataset = builtin(name, side=16)
    assert dataset.test is not None
    classes = len(dataset.class_names)
    assert class_counts(dataset.train, classes).min() >= fewest_train
    assert class_counts(dataset.test, classes).min() >= fewest_test
    assert len(dataset.test) >= test
    assert dataset.report.duplicates == ()


def test_what_a_change_of_the_small_patches_would_break_is_as_it_was() -> None:
    """Stored runs, the advice's evidence and measured experiments refer to these very pixels."""
    assert builtin("everyday-patches", side=32).fingerprint.startswith("5c0c7c4d1c1c68e3")
    assert builtin("science-patches", side=32).fingerprint.startswith("323960203aa5d104")


@pytest.mark.parametrize("name", ["science-patches", "science-closeups"])
def test_science_pictures_are_told_apart_by_texture_alone(name: str) -> None:
    dataset = builtin(name, side=24)
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

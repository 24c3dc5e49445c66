"""Splits: disjoint, stratified, seeded, exact in N per class, honest about duplicates."""

import numpy as np
import pytest

from core.datasets.assemble import assemble
from core.datasets.dataset import ImageDataset, LabelledImages, Splits
from core.datasets.splits import class_counts, split
from core.errors import DataError, SettingsError


def part(counts: tuple[int, ...], *, start: int = 0) -> LabelledImages:
    """One 2 × 2 image per number: each has its own content."""
    labels = np.repeat(np.arange(len(counts)), counts)
    numbers = np.arange(start, start + len(labels))
    images = np.zeros((len(labels), 2, 2, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = numbers % 256, numbers // 256
    return LabelledImages(images=images, labels=labels)


def data(counts: tuple[int, ...], test: tuple[int, ...] | None = None) -> ImageDataset:
    return assemble(
        name="numbers",
        class_names=tuple(f"class {label}" for label in range(len(counts))),
        train=part(counts),
        test=part(test, start=10_000) if test else None,
    )


def contents(images: LabelledImages) -> set[bytes]:
    return {image.tobytes() for image in images.images}


def counts_of(splits: Splits, classes: int) -> list[list[int]]:
    return [class_counts(each, classes).tolist() for each in (splits.train, splits.validation, splits.test)]


def test_parts_are_disjoint_and_use_every_image() -> None:
    dataset = data((40, 60))
    splits = split(dataset, per_class=None, seed=3)
    parts = [contents(each) for each in (splits.train, splits.validation, splits.test)]
    assert set.union(*parts) == contents(dataset.train)
    assert sum(map(len, parts)) == 100


def test_shares_hold_in_every_class() -> None:
    assert counts_of(split(data((40, 80)), per_class=None, seed=0), 2) == [[24, 48], [6, 12], [10, 20]]


def test_a_test_part_of_its_own_is_kept_whole() -> None:
    dataset = data((40, 80), test=(5, 6))
    splits = split(dataset, per_class=None, seed=0)
    assert splits.test is dataset.test
    assert counts_of(splits, 2)[:2] == [[32, 64], [8, 16]]


def test_per_class_counts_training_images_exactly() -> None:
    splits = split(data((40, 80), test=(5, 6)), per_class=7, seed=0)
    assert counts_of(splits, 2) == [[7, 7], [7, 7], [5, 6]]


def test_a_small_class_gives_what_it_has() -> None:
    assert counts_of(split(data((10, 80), test=(5, 6)), per_class=30, seed=0), 2)[:2] == [[8, 30], [2, 16]]


def test_the_seed_decides_and_labels_stay_with_their_images() -> None:
    dataset = data((40, 60))
    first, again, other = (split(dataset, per_class=10, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.train.images, again.train.images)
    assert contents(first.train) != contents(other.train)
    label_of = {
        image.tobytes(): label
        for image, label in zip(dataset.train.images, dataset.train.labels, strict=True)
    }
    for each in (first.train, first.validation, first.test):
        assert [label_of[image.tobytes()] for image in each.images] == each.labels.tolist()


def test_more_images_per_class_contain_the_fewer_and_leave_the_test_part_alone() -> None:
    dataset = data((40, 60))
    few, more, all_of_them = (split(dataset, per_class=count, seed=5) for count in (3, 12, None))
    assert contents(few.train) < contents(more.train) < contents(all_of_them.train)
    assert contents(few.test) == contents(more.test) == contents(all_of_them.test)


def test_images_of_the_same_content_stay_in_one_part() -> None:
    train = part((60, 60))
    train.images[20:40] = train.images[:20]  # every picture of the first twenty occurs twice
    train.images[100:110] = train.images[90]  # one occurs eleven times
    dataset = assemble(name="copies", class_names=("a", "b"), train=train)
    for seed in range(20):
        splits = split(dataset, per_class=None, seed=seed)
        parts = [contents(each) for each in (splits.train, splits.validation, splits.test)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
        assert len(splits.train) + len(splits.validation) + len(splits.test) == 120


def test_a_class_of_one_repeated_picture_is_still_split() -> None:
    train = part((6, 6))
    train.images[:6] = 0
    splits = split(assemble(name="same", class_names=("a", "b"), train=train), per_class=None, seed=0)
    assert min(map(min, counts_of(splits, 2))) >= 1


@pytest.mark.parametrize("count", [3, 4, 5])
def test_the_smallest_classes_reach_every_part(count: int) -> None:
    splits = split(data((count, 50)), per_class=None, seed=0)
    assert min(map(min, counts_of(splits, 2))) >= 1


def test_too_small_classes_are_named() -> None:
    whole = data((3, 50))
    small = ImageDataset(
        name="small",
        title="",
        class_names=whole.class_names,
        fingerprint="",
        train=whole.train.subset(np.arange(1, 53)),
        test=None,
    )
    with pytest.raises(DataError, match="“class 0” has too few images"):
        split(small, per_class=None, seed=0)


@pytest.mark.parametrize("settings", [{"per_class": 0}, {"validation_share": 1.0}, {"test_share": -0.1}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        split(data((9, 9)), **({"per_class": None, "seed": 0} | settings))  # type: ignore[arg-type]


def test_the_data_set_is_not_changed() -> None:
    dataset = data((20, 20))
    before = dataset.train.images.copy(), dataset.train.labels.copy()
    split(dataset, per_class=4, seed=0)
    np.testing.assert_array_equal(dataset.train.images, before[0])
    np.testing.assert_array_equal(dataset.train.labels, before[1])

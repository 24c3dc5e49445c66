"""Splits: disjoint, stratified, seeded, exact in N per class, honest about duplicates."""

import numpy as np
import pytest

from core.datasets.assemble import assemble
from core.datasets.dataset import ImageDataset, LabelledImages, Splits
from core.datasets.splits import class_counts, some_of_each_class, split
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


@pytest.mark.parametrize("different", [1, 2])
def test_a_class_with_fewer_different_pictures_than_parts_is_refused(different: int) -> None:
    train = part((6, 6))
    train.images[different:6] = train.images[0]
    with pytest.raises(DataError, match=f"“a” has only {different} different picture"):
        assemble(name="same", class_names=("a", "b"), train=train)


def test_identical_pictures_are_refused_in_one_sentence() -> None:
    train = part((6, 6))
    train.images[:] = 0
    with pytest.raises(DataError, match="All 12 pictures are the same one"):
        assemble(name="same", class_names=("a", "b"), train=train)


def twins(own: tuple[int, int], shared: int) -> LabelledImages:
    """Two classes with so many pictures of their own, and some that lie in both."""
    numbers = [
        *range(own[0]),
        *range(1000, 1000 + shared),
        *range(500, 500 + own[1]),
        *range(1000, 1000 + shared),
    ]
    labels = np.repeat([0, 1], [own[0] + shared, own[1] + shared])
    images = np.zeros((len(labels), 2, 2, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.array(numbers) % 256, np.array(numbers) // 256
    return LabelledImages(images=images, labels=labels)


@pytest.mark.parametrize("per_class", [None, 4])
@pytest.mark.parametrize(
    ("own", "shared"), [((20, 20), 4), ((2, 20), 8), ((1, 9), 9), ((0, 10), 10), ((0, 0), 12)]
)
def test_a_picture_with_two_labels_is_in_one_part_only(
    own: tuple[int, int], shared: int, per_class: int | None
) -> None:
    dataset = assemble(name="twins", class_names=("a", "b"), train=twins(own, shared))
    (caveat,) = dataset.report.caveats
    assert f"{shared} pictures lie in more classes than one (“a” and “b”): labels disagree" in caveat
    for seed in range(20):
        splits = split(dataset, per_class=per_class, seed=seed)
        parts = [contents(each) for each in (splits.train, splits.validation, splits.test)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
        assert min(map(min, counts_of(splits, 2))) >= 1
        both = contents(dataset.train.subset(np.flatnonzero(dataset.train.labels == 0))) & contents(
            dataset.train.subset(np.flatnonzero(dataset.train.labels == 1))
        )
        if min(own) >= 2:  # enough of their own: the others are learned from alone
            assert "neither chosen nor tested on" in caveat
            assert not both & (parts[1] | parts[2])
        else:
            assert "hardly any others" in caveat
        if per_class is None:
            assert len(splits.train) + len(splits.validation) + len(splits.test) == len(dataset.train)


def test_a_picture_with_two_labels_beside_a_test_part_of_its_own_is_learned_from() -> None:
    dataset = assemble(
        name="twins", class_names=("a", "b"), train=twins((5, 5), 3), test=part((4, 4), start=10_000)
    )
    splits = split(dataset, per_class=None, seed=0)
    assert not contents(splits.train) & contents(splits.validation)
    assert len(splits.test) == 8
    assert "labels disagree" in dataset.report.caveats[0]


def test_test_pictures_that_are_in_training_are_left_out_of_the_test_and_said() -> None:
    train, test = part((10, 10)), part((6, 6), start=10_000)
    test.images[:3] = train.images[:3]  # three of class a
    test.images[6] = train.images[9]  # one of class a that is called b here
    dataset = assemble(name="again", class_names=("a", "b"), train=train, test=test)
    assert dataset.test is not None
    assert not contents(dataset.train) & contents(dataset.test)
    assert class_counts(dataset.test, 2).tolist() == [3, 5]
    assert dataset.report.caveats == (
        "4 of the 12 pictures of the test part are also in the training part (1 under another class: labels disagree); "
        "they are left out of the test, which counts only pictures never seen before.",
    )
    assert len(dataset.report.duplicates) == len(dataset.report.skipped) == 4


def test_a_test_part_that_is_training_through_and_through_is_not_used() -> None:
    train = part((10, 10))
    dataset = assemble(name="same", class_names=("a", "b"), train=train, test=train.subset(np.arange(3, 15)))
    assert dataset.test is None
    assert "12 of the 12" in dataset.report.caveats[0]
    assert "drawn from the training part" in dataset.report.caveats[0]
    splits = split(dataset, per_class=None, seed=0)
    assert not contents(splits.train) & contents(splits.test)


def test_labels_that_disagree_within_the_test_part_are_left_out() -> None:
    test = part((5, 5), start=10_000)
    test.images[5] = test.images[0]
    dataset = assemble(name="again", class_names=("a", "b"), train=part((10, 10)), test=test)
    assert dataset.test is not None
    assert len(dataset.test) == 8
    assert "labels disagree" in dataset.report.caveats[0]


def test_a_class_that_the_test_part_lacks_is_said() -> None:
    dataset = assemble(
        name="lacking", class_names=("a", "b", "c"), train=part((9, 9, 9)), test=part((4, 0, 4), start=10_000)
    )
    (caveat,) = dataset.report.caveats
    assert caveat.startswith(
        "The test part has no picture of “b”: accuracy, chance and scores are over the 2 classes"
    )


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
    with pytest.raises(DataError, match="“class 0” has too few different images"):
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


def test_some_of_each_class_are_other_ones_for_other_seeds_and_keep_their_order() -> None:
    whole = part((9, 2, 12))
    some, others = some_of_each_class(whole, 4, 0), some_of_each_class(whole, 4, 1)
    assert class_counts(some, 3).tolist() == [4, 2, 4]
    order = [image.tobytes() for image in whole.images]
    assert [order.index(image.tobytes()) for image in some.images] == sorted(
        order.index(image.tobytes()) for image in some.images
    )
    assert contents(some) != contents(others)

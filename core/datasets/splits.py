"""Seeded, stratified parts of a data set: fitted on, chosen on, and touched once.

scikit-learn's splitters allot by proportion; here the number of training images per class is exact, and
images with the same content never end up in different parts.
"""

import numpy as np
from numpy.typing import NDArray

from core.datasets.assemble import content_hashes
from core.datasets.dataset import ImageDataset, LabelledImages, Splits
from core.errors import DataError, SettingsError, within


def class_counts(part: LabelledImages, classes: int) -> NDArray[np.int64]:
    """Count the images of each of ``classes`` classes: (classes,) int64."""
    return np.bincount(part.labels, minlength=classes).astype(np.int64)


def split(
    dataset: ImageDataset,
    *,
    per_class: int | None,
    seed: int,
    validation_share: float = 0.2,
    test_share: float = 0.25,
) -> Splits:
    """Draw train, validation and test parts, the same for the same seed, each stratified by class.

    The test part is the source's own where it has one; otherwise ``test_share`` of each class.
    ``validation_share`` of each class's other images (at least one) is set aside for validation.
    ``per_class`` counts training images: that many of each class are drawn from what is left, and a class
    with fewer gives all it has. Validation then has at most ``per_class`` images of a class, since nobody
    with N labelled images has many times as many to choose on. For one seed the test part does not depend
    on ``per_class``, and a smaller training set is contained in a larger one.

    Every part has at least one image of every class. Raises `SettingsError` for shares or counts out of
    range, `DataError` for a class that is too small.
    """
    within("validation_share", validation_share, 0.0, 0.9)
    within("test_share", test_share, 0.0, 0.9)
    if per_class is not None and per_class < 1:
        raise SettingsError(f"per_class must be at least 1; it is {per_class}.")
    generator = np.random.default_rng(seed)
    train: list[NDArray[np.int64]] = []
    validation: list[NDArray[np.int64]] = []
    test: list[NDArray[np.int64]] = []
    digests = content_hashes(dataset.train.images)
    for label, class_name in enumerate(dataset.class_names):
        groups = _shuffled_groups(np.flatnonzero(dataset.train.labels == label), digests, generator)
        count = sum(map(len, groups))
        parts_needed = 2 if dataset.test is not None else 3
        if count < parts_needed:
            raise DataError(
                f"Class “{class_name}” has too few images ({count}) to split; it needs at least {parts_needed}."
            )
        drawn = np.empty(0, dtype=np.int64)
        if dataset.test is None:
            drawn, groups = _take(groups, max(1, round(test_share * count)), spare=2)
            test.append(drawn)
        drawn, groups = _take(groups, max(1, round(validation_share * (count - len(drawn)))), spare=1)
        remaining = np.concatenate(groups)
        validation.append(drawn if per_class is None else drawn[:per_class])
        train.append(remaining if per_class is None else remaining[:per_class])
    return Splits(
        train=dataset.train.subset(_sorted(train)),
        validation=dataset.train.subset(_sorted(validation)),
        test=dataset.test if dataset.test is not None else dataset.train.subset(_sorted(test)),
    )


def _shuffled_groups(
    numbers: NDArray[np.int64], digests: list[bytes], generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """The images ``numbers`` of one class in random order, those with the same content together."""
    groups: dict[bytes, list[int]] = {}
    for number in generator.permutation(numbers):
        groups.setdefault(digests[number], []).append(int(number))
    return [np.array(group, dtype=np.int64) for group in groups.values()]


def _take(
    groups: list[NDArray[np.int64]], count: int, *, spare: int
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Take about ``count`` images by whole groups, in order, and leave at least ``spare`` groups.

    Only where too few different images exist is a group cut: then no honest split exists.
    """
    if len(groups) <= spare:
        groups = [numbers[place : place + 1] for numbers in groups for place in range(len(numbers))]
    taken: list[int] = []
    size = 0
    for place, group in enumerate(groups):
        if size + len(group) <= count and len(taken) < len(groups) - spare:
            taken.append(place)
            size += len(group)
    if not taken:
        taken = [int(np.argmin([len(group) for group in groups]))]
    chosen = frozenset(taken)
    left = [group for place, group in enumerate(groups) if place not in chosen]
    return np.concatenate([groups[place] for place in taken]), left


def _sorted(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.sort(np.concatenate(parts))

"""Seeded, stratified parts of a data set: fitted on, chosen on, and touched once.

scikit-learn's splitters allot by proportion; here the number of training images per class is exact, and
images with the same content never end up in different parts.
"""

import numpy as np
from numpy.typing import NDArray

from core.datasets.assemble import content_hashes
from core.datasets.dataset import ImageDataset, LabelledImages, Splits
from core.datasets.repeats import contradicted
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

    Copies of an image go to one part. An image that bears two labels is trained on, under both, since whatever is
    answered is wrong by one of them; where a class has hardly any others it may be drawn for another part, and takes
    its copies along.

    Every part has at least one image of every class. Raises `SettingsError` for shares or counts out of
    range, `DataError` for a class that is too small.
    """
    within("validation_share", validation_share, 0.0, 0.9)
    within("test_share", test_share, 0.0, 0.9)
    if per_class is not None and per_class < 1:
        raise SettingsError(f"per_class must be at least 1; it is {per_class}.")
    generator = np.random.default_rng(seed)
    digests = content_hashes(dataset.train.images)
    several = contradicted(dataset.train.labels, digests)
    every = [
        _shuffled_groups(np.flatnonzero(dataset.train.labels == label), digests, generator)
        for label in range(len(dataset.class_names))
    ]
    placed: dict[
        bytes, str
    ] = {}  # of the images with several labels: the part that has them, unless it is training
    drawn: dict[str, list[NDArray[np.int64]]] = {"test": [], "validation": [], "train": []}
    left: list[list[NDArray[np.int64]]] = []
    for class_name, groups in zip(dataset.class_names, every, strict=True):
        there = {placed.get(digests[group[0]]) for group in groups}
        wanted = {"validation"} - there if dataset.test is not None else {"test", "validation"} - there
        own = [group for group in groups if digests[group[0]] not in several]
        shared = [group for group in groups if digests[group[0]] in several.keys() - placed.keys()]
        spare = 0 if shared else 1  # groups that stay to train on
        if len(own) < len(wanted) + spare:
            own, shared, spare = own + shared, [], 1
        if len(own) < len(wanted) + spare:
            raise DataError(_too_few(class_name, len(groups), 2 if dataset.test is not None else 3))
        count = sum(map(len, own))
        if "test" in wanted:
            taken, own = _take(own, max(1, round(test_share * count)), spare=len(wanted) - 1 + spare)
            count -= len(taken)
            drawn["test"].append(taken)
            placed |= {digests[number]: "test" for number in taken if digests[number] in several}
        if "validation" in wanted:
            taken, own = _take(own, max(1, round(validation_share * count)), spare=spare)
            taken = taken if per_class is None else taken[:per_class]
            drawn["validation"].append(taken)
            placed |= {digests[number]: "validation" for number in taken if digests[number] in several}
        left.append(own + shared)
    for class_name, groups in zip(dataset.class_names, left, strict=True):
        staying = [group for group in groups if digests[group[0]] not in placed]
        if not staying:
            raise DataError(_too_few(class_name, len(groups), 2 if dataset.test is not None else 3))
        remaining = np.concatenate(staying)
        drawn["train"].append(remaining if per_class is None else remaining[:per_class])
    for number, digest in enumerate(digests if placed else ()):
        if digest in placed:
            drawn[placed[digest]].append(np.array([number], dtype=np.int64))
    return Splits(
        train=dataset.train.subset(_sorted(drawn["train"])),
        validation=dataset.train.subset(_sorted(drawn["validation"])),
        test=dataset.test if dataset.test is not None else dataset.train.subset(_sorted(drawn["test"])),
    )


def some_of_each_class(part: LabelledImages, most: int, seed: int) -> LabelledImages:
    """Draw at most ``most`` images of each class, which stay in their order; other ones for other seeds."""
    order = np.random.default_rng(seed).permutation(len(part))
    taken = [order[part.labels[order] == label][:most] for label in np.unique(part.labels)]
    return part.subset(np.sort(np.concatenate(taken)))


def _too_few(class_name: str, different: int, needed: int) -> str:
    return f"Class “{class_name}” has too few different images ({different}) to split; it needs at least {needed}."


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
    """Take about ``count`` images by whole groups, in order, and leave at least ``spare`` groups."""
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
    return np.unique(np.concatenate(parts))  # copies that went along may have been drawn themselves

"""The last step of every source: class checks, duplicates by content, and the fingerprint."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from core import words
from core.datasets import noticed
from core.datasets.dataset import ImageDataset, ImportReport, LabelledImages
from core.datasets.repeats import disagreement, repeats
from core.errors import DataError
from core.images.to_rgb import PictureReading

_CHUNK = 256  # images hashed by one task
_NO_LABELS = np.empty(0, dtype=np.int64)


def assemble(
    *,
    name: str,
    class_names: tuple[str, ...],
    train: LabelledImages,
    test: LabelledImages | None = None,
    title: str = "",
    skipped: tuple[tuple[str, str], ...] = (),
    unread: Sequence[tuple[int, str]] = (),
    unread_test: Sequence[tuple[int, str]] = (),
    converted: tuple[tuple[str, str], ...] = (),
    outside: NDArray[np.float64] | None = None,
    dark: int = 0,
    reading: PictureReading | None = None,
    remarks: tuple[str, ...] = (),
    about: str = "",
    citation: str = "",
    licence: str = "",
) -> ImageDataset:
    """Put the parts together; an image that no file names is called "train 0", "train 1", … in what is reported.

    ``unread``, ``unread_test``: of what could not be read of each part, the class number and the reason, for the
    sentences about a class that has too few images, and about a test part that lacks some. ``outside``: the share of
    each picture that lies outside its centred square, in any order; ``dark``: how many pictures of more than 8 bits
    came out almost black.
    A test picture that is in the training part as well is left out of the test; what `repeats` finds is reported.
    Raises `DataError` if there are fewer than two classes, or too few different images in one to split it.
    """
    unread = [*unread, *unread_test]
    needed = _refuse_small(class_names, train, test, unread)
    train_digests = content_hashes(train.images)
    test_digests = content_hashes(test.images) if test is not None else []
    found = repeats(
        class_names,
        (train.labels, train_digests, train.files or _numbered("train", train)),
        (_NO_LABELS, [], [])
        if test is None
        else (test.labels, test_digests, test.files or _numbered("test", test)),
    )
    if test is not None and not found.kept.all():
        numbers = np.flatnonzero(found.kept)
        test = test.subset(numbers) if len(numbers) else None
        test_digests = [test_digests[number] for number in numbers]
        needed = _refuse_small(class_names, train, test, unread)
    report = ImportReport(
        skipped=(*skipped, *found.skipped),
        converted=converted,
        duplicates=found.duplicates,
        remarks=remarks,
        outside=0.0 if outside is None or not len(outside) else float(outside.mean()),
        wide=0.0 if outside is None or not len(outside) else float((outside > 0.5).mean()),
        dark=dark,
    )
    reading = reading or PictureReading()
    try:
        disagree = disagreement(class_names, train.labels, train_digests, needed=needed)
    except DataError as error:  # what told the pictures apart may be cut away, or black
        why = (noticed.cropped(report, reading), noticed.dark(report, reading))
        raise DataError(" ".join(filter(None, (str(error), *why)))) from error
    return ImageDataset(
        name=name,
        title=title or name,
        class_names=class_names,
        train=train,
        test=test,
        fingerprint=_fingerprint(class_names, train, train_digests, test, test_digests),
        report=replace(
            report, caveats=(*found.caveats, *disagree, *_untested(class_names, test, unread_test))
        ),
        about=about,
        citation=citation,
        licence=licence,
        reading=reading,
    )


def content_hashes(images: NDArray[np.uint8]) -> list[bytes]:
    """SHA-256 of each image of ``images`` (N, side, side, 3), computed by several threads."""
    images = np.ascontiguousarray(images)

    def hashes(start: int) -> list[bytes]:
        return [hashlib.sha256(image).digest() for image in images[start : start + _CHUNK]]

    with ThreadPoolExecutor() as pool:
        return list(chain.from_iterable(pool.map(hashes, range(0, len(images), _CHUNK))))


def _refuse_small(
    class_names: tuple[str, ...],
    train: LabelledImages,
    test: LabelledImages | None,
    unread: Sequence[tuple[int, str]],
) -> int:
    """Raise `DataError` for too few classes or images; returns how many training images a class needs."""
    if len(class_names) < 2:
        only = f" ({class_names[0]})" if class_names else ""
        raise DataError(f"There is only one class{only}; a classifier needs at least two to tell apart.")
    needed, purpose = (
        (2, "learn from and to choose on") if test is not None else (3, "learn, choose and test")
    )
    counts = np.bincount(train.labels, minlength=len(class_names))
    for label, (class_name, count) in enumerate(zip(class_names, counts, strict=True)):
        if count < needed:
            what = f"only {words.count(count, 'image')}" if count else "no image that can be read"
            reasons = Counter(why for one, why in unread if one == label)
            raise DataError(
                f"Class “{class_name}” has {what}; every class needs at least {needed} to {purpose}."
                + _why_unread(reasons)
            )
    return needed


def _why_unread(reasons: Counter[str], of: str = "this class") -> str:
    """Say why files could not be read, by the reason that most of them have; "" where all could."""
    if not reasons:
        return ""
    why, count = reasons.most_common(1)[0]
    total = reasons.total()
    files = words.count(total, "file")
    most = "" if count == total else f", {count:,} of them for this reason"
    return f" {files} of {of} could not be read{most}: {why}"


def _numbered(part: str, images: LabelledImages) -> list[str]:
    return [f"{part} {number}" for number in range(len(images))]


def _untested(
    class_names: tuple[str, ...], test: LabelledImages | None, unread: Sequence[tuple[int, str]]
) -> tuple[str, ...]:
    """Say which classes a test part of its own says nothing about, and why, where files could not be read."""
    if test is None:
        reasons = Counter(why for _, why in unread)
        return (
            (f"A test part is drawn from the training part:{_why_unread(reasons, 'the given test part')}",)
            if reasons
            else ()
        )
    lacking = [class_names[label] for label in set(range(len(class_names))) - set(test.labels.tolist())]
    if not lacking:
        return ()
    names = words.some([f"“{name}”" for name in sorted(lacking)])
    left = len(class_names) - len(lacking)
    over = f"the {left:,} classes that are there" if left > 1 else "the one class that is there"
    return (
        f"The test part has no picture of {names}: accuracy, chance and scores are over {over}, and nothing is "
        "measured of the others."
        + _why_unread(
            Counter(why for label, why in unread if class_names[label] in lacking), "these classes"
        ),
    )


def _fingerprint(
    class_names: tuple[str, ...],
    train: LabelledImages,
    train_digests: list[bytes],
    test: LabelledImages | None,
    test_digests: list[bytes],
) -> str:
    digest = hashlib.sha256(json.dumps([class_names, train.images.shape[1]]).encode())
    for part, digests in ((train, train_digests), (test, test_digests)):
        if part is not None:
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part.labels.astype("<i8").tobytes())
            digest.update(b"".join(digests))
    return digest.hexdigest()

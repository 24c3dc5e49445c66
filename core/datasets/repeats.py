"""The same picture more than once: in two parts, or under two labels. One part only gets it, and it is said.

- In the training and the test part: it is left out of the test, which counts only pictures never seen before.
- Under two labels in the training part: it is learned from, and neither chosen on nor tested on, since whatever is
  answered is wrong by one of its labels (`splits.split`; where a class has hardly any other pictures, it is tested on,
  in one part with all its copies).
- Under two labels in the test part: it is left out of the test.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.arrays import Labels
from core.errors import DataError
from core.words import count


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """``kept`` (N_test,) bool: the test pictures that test; ``skipped`` (file, why): the others.

    ``duplicates`` are (file in train, same picture in test). ``caveats`` are sentences that belong to every accuracy.
    """

    kept: NDArray[np.bool_]
    skipped: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]
    caveats: tuple[str, ...]


def contradicted(labels: Labels, digests: Sequence[bytes]) -> dict[bytes, list[int]]:
    """Find the pictures that bear more labels than one: by digest, their labels in order."""
    found: defaultdict[bytes, set[int]] = defaultdict(set)
    for label, digest in zip(labels.tolist(), digests, strict=True):
        found[digest].add(label)
    return {digest: sorted(several) for digest, several in found.items() if len(several) > 1}


def repeats(
    class_names: tuple[str, ...],
    train: tuple[Labels, Sequence[bytes], Sequence[str]],
    test: tuple[Labels, Sequence[bytes], Sequence[str]],
) -> Repeats:
    """Look for repeats in and between two parts, each given as (labels, digests, files)."""
    train_labels, train_digests, train_files = train
    test_labels, test_digests, test_files = test
    first: dict[bytes, str] = {}
    labels_of: defaultdict[bytes, set[int]] = defaultdict(set)
    for label, digest, file in zip(train_labels.tolist(), train_digests, train_files, strict=True):
        first.setdefault(digest, file)
        labels_of[digest].add(label)
    in_test = contradicted(test_labels, test_digests)
    kept = np.ones(len(test_digests), dtype=bool)
    skipped, duplicates = [], []
    disagree = contrary = 0
    for place, (label, digest, file) in enumerate(
        zip(test_labels.tolist(), test_digests, test_files, strict=True)
    ):
        if digest in first:
            duplicates.append((first[digest], file))
            disagree += labels_of[digest] != {label}
            why = f"The same picture is in the training part ({first[digest]})."
        elif digest in in_test:
            contrary += 1
            why = "The same picture lies in another class of the test part, too: labels disagree."
        else:
            continue
        kept[place] = False
        skipped.append((file, why))
    caveats = []
    if duplicates:
        other = f" ({disagree:,} under another class: labels disagree)" if disagree else ""
        what = (
            "it is not used, and a test part is drawn from the training part instead"
            if len(duplicates) + contrary == len(kept)
            else "they are left out of the test, which counts only pictures never seen before"
            if len(duplicates) > 1
            else "it is left out of the test, which counts only pictures never seen before"
        )
        are = "are" if len(duplicates) > 1 else "is"
        caveats.append(
            f"{len(duplicates):,} of the {len(kept):,} pictures of the test part {are} also in the training part"
            f"{other}; {what}."
        )
    if contrary:
        caveats.append(
            f"{contrary:,} files of the test part lie in more classes than one: labels disagree, and they are left out "
            "of the test."
        )
    return Repeats(kept=kept, skipped=tuple(skipped), duplicates=tuple(duplicates), caveats=tuple(caveats))


def disagreement(
    class_names: tuple[str, ...], labels: Labels, digests: Sequence[bytes], *, needed: int
) -> tuple[str, ...]:
    """Say which training pictures bear two labels, and what becomes of them.

    ``needed`` is how many different pictures a class needs to be split. Raises `DataError` where one has fewer.
    """
    if len(set(digests)) == 1:
        raise DataError(
            f"All {len(digests):,} pictures are the same one, so there is nothing to tell apart; bring different "
            "pictures of every class."
        )
    disputed = contradicted(labels, digests)
    by_class: list[set[bytes]] = [set() for _ in class_names]
    for label, digest in zip(labels.tolist(), digests, strict=True):
        by_class[label].add(digest)
    for name, contents in zip(class_names, by_class, strict=True):
        if len(contents) < needed:
            raise DataError(
                f"Class “{name}” has only {count(len(contents), 'different picture')}; it "
                f"needs at least {needed}, and copies count once."
            )
    if not disputed:
        return ()
    many = f"{len(disputed):,} pictures lie" if len(disputed) > 1 else "1 picture lies"
    poor = [
        f"“{name}”"
        for name, contents in zip(class_names, by_class, strict=True)
        if len(contents - disputed.keys()) < needed - 1
    ]
    use = (
        f"{' and '.join(poor[:3])} {'has' if len(poor) == 1 else 'have'} hardly any others, so they are tested on, "
        "too: all copies in one part, and every answer to them is wrong by one of their labels."
        if poor
        else "Such pictures are learned from, and neither chosen nor tested on."
    )
    return (f"{many} in more classes than one ({_classes(disputed, class_names)}): labels disagree. {use}",)


def _classes(disputed: dict[bytes, list[int]], class_names: tuple[str, ...]) -> str:
    pairs = sorted({tuple(class_names[label] for label in labels) for labels in disputed.values()})
    shown = "; ".join(" and ".join(f"“{name}”" for name in names) for names in pairs[:3])
    return shown + ("; …" if len(pairs) > 3 else "")

"""What was read, said before anything is trained: classes with their counts, what was left out, what to know."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from core.datasets.dataset import ImageDataset
from core.datasets.splits import class_counts
from core.training.events import Event

LISTED = 50  # classes, and files that were left out, in text; JSON has all


@dataclass(frozen=True, kw_only=True)
class DataRead(Event):
    """``classes``: name, and images in the training part and in the source's own test part (None: it has none)."""

    kind: ClassVar[str] = "data"
    data_name: str
    classes: tuple[dict[str, Any], ...]
    left_out: tuple[tuple[str, str], ...]  # (file, why)
    remarks: tuple[str, ...]
    caveats: tuple[str, ...]  # said again with every accuracy


def data_read(dataset: ImageDataset) -> DataRead:
    """Gather it."""
    names, test = dataset.class_names, dataset.test
    train_counts = class_counts(dataset.train, len(names))
    test_counts = None if test is None else class_counts(test, len(names))
    return DataRead(
        data_name=dataset.name,
        classes=tuple(
            {
                "name": name,
                "train": int(train_counts[label]),
                "test": None if test_counts is None else int(test_counts[label]),
            }
            for label, name in enumerate(names)
        ),
        left_out=dataset.report.skipped,
        remarks=dataset.report.remarks,
        caveats=dataset.report.caveats,
    )


def data_lines(event: DataRead) -> Iterator[str]:
    """Say it in lines."""
    for name, why in event.left_out[:LISTED]:
        yield f"Left out: {name}. {why}"
    if len(event.left_out) > LISTED:
        yield f"Left out: {len(event.left_out) - LISTED:,} more files."
    yield from event.remarks
    yield from event.caveats
    counted = [
        f"{one['name']} {one['train']:,}" + ("" if one["test"] is None else f" + {one['test']:,} test")
        for one in event.classes[:LISTED]
    ]
    more = f", and {len(event.classes) - LISTED:,} more" if len(event.classes) > LISTED else ""
    yield f"{len(event.classes):,} classes: {', '.join(counted)}{more}"

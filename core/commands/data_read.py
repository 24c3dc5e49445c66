"""What was read, said before anything is trained: what was left out, what to know, and the classes by name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from core.datasets import noticed
from core.datasets.dataset import ImageDataset
from core.datasets.splits import class_counts
from core.events import Event, Note

_LISTED = 50  # classes in text; JSON has all


@dataclass(frozen=True, kw_only=True)
class DataRead(Event):
    """``classes``: name, and images in the training part and in the source's own test part (None: it has none)."""

    kind: ClassVar[str] = "data"
    data_name: str
    classes: tuple[dict[str, Any], ...]

    def text(self) -> str:
        """Name the classes in a line."""
        named = [
            f"{one['name']} {one['train']:,}" + ("" if one["test"] is None else f" + {one['test']:,} test")
            for one in self.classes[:_LISTED]
        ]
        more = f", and {len(self.classes) - _LISTED:,} more" if len(self.classes) > _LISTED else ""
        return f"{len(self.classes):,} classes: {', '.join(named)}{more}"


def data_read(dataset: ImageDataset) -> Iterator[Note | DataRead]:
    """Say what the import noticed, and last the classes."""
    for name, why in dataset.report.skipped:
        yield Note(message=f"Left out: {name}. {why}")
    read = noticed.sentences(dataset.report, dataset.reading)
    for sentence in (*dataset.report.remarks, *dataset.report.caveats, *read):
        yield Note(message=sentence)
    if noticed.cropped(dataset.report, dataset.reading):
        yield Note(message="The options for that are --fit pad and --fit squash.")
    names, test = dataset.class_names, dataset.test
    train_counts = class_counts(dataset.train, len(names))
    test_counts = None if test is None else class_counts(test, len(names))
    yield DataRead(
        data_name=dataset.name,
        classes=tuple(
            {
                "name": name,
                "train": int(train_counts[label]),
                "test": None if test_counts is None else int(test_counts[label]),
            }
            for label, name in enumerate(names)
        ),
    )

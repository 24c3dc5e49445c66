"""Which images a run learns from, which it chooses by, and which it is tested on. Torch-free."""

from core import errors
from core.datasets.dataset import ImageDataset, Splits
from core.datasets.splits import class_counts, split
from core.training.config import FinetuneConfig


def draw_parts(dataset: ImageDataset, config: FinetuneConfig) -> Splits:
    """Draw the parts that training with ``config`` uses; they depend on ``per_class`` and ``seed`` alone.

    Raises `DataError` for a class without training images: nothing could be learned about it.
    """
    splits = split(dataset, per_class=config.per_class, seed=config.seed)
    counts = class_counts(splits.train, len(dataset.class_names))
    for name, count in zip(dataset.class_names, counts, strict=True):
        if not count:
            raise errors.DataError(f"The class {name} has no training images; add some or remove the class.")
    return splits

"""The linear probe: logistic regression on frozen features, and a sentence for features that allow none."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import DataError, WeightsError
from core.training import logistic
from core.training.cache import Features
from core.training.logistic import DEFAULT_STRENGTH, Probe, fold_numbers, write

__all__ = ["DEFAULT_STRENGTH", "Probe", "fit", "fold_numbers", "rows_of", "write"]


def rows_of(features: Features) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read what a probe learns from, view by view: features (views · images, D) and labels (views · images,)."""
    numbers, views = torch.arange(len(features)), range(features.views.count)
    rows = [features.batch(numbers, view).float().cpu().numpy() for view in views]
    return np.concatenate(rows).astype(np.float64), np.tile(features.labels.cpu().numpy(), len(views))


def fit(
    features: NDArray[np.float64], labels: NDArray[np.int64], *, images: int, seed: int
) -> Iterator[tuple[int, int] | Probe]:
    """Solve as `logistic.fit` does; `WeightsError` for features that are not finite, `DataError` for equal ones."""
    if not np.isfinite(features).all():
        raise WeightsError(
            "The network's features of these images grow beyond all numbers; choose other weights."
        )
    if (features == features[0]).all():
        raise DataError(
            "The network answers all training pictures alike, so nothing can be told apart by its answers; bring "
            "pictures that differ more, or choose another network."
        )
    yield from logistic.fit(features, labels, images=images, seed=seed)

"""The training pictures of what was chosen: as many of each class as a run would learn from."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.datasets.open import load
from core.events import OnProgress
from core.runs import service
from core.runs.spec import UPLOAD
from widgets import frame
from widgets.previews import Choice

if TYPE_CHECKING:
    from core.datasets.dataset import ImageDataset


def of(
    choice: Choice, side: int, progress: OnProgress | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
    """Read images (N, side, side, 3), labels (N,) and class names; the test part stays unseen."""
    from core.training.sweep import draw, parts

    dataset = _open(choice, side, progress)
    pool, _ = parts(dataset, 0)
    numbers = draw(pool.labels, choice.per_class, seed=0)
    return pool.images[numbers], pool.labels[numbers], dataset.class_names


def _open(choice: Choice, side: int, progress: OnProgress | None) -> "ImageDataset":
    if not choice.reference.startswith(UPLOAD):
        return load(choice.reference, side=side, fit=choice.fit, progress=progress)
    from core.datasets.foreign import from_zip

    path = service.upload_path(frame.visitor(), choice.reference)
    return from_zip(path, side=side, fit=choice.fit, progress=progress)

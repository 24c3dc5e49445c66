"""How alike a task is to what a network has learned: measured on the task's own images, stage by stage.

One forward pass gives the pooled features behind every stage; everything else is computed from those.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController
from torch import Tensor

from core.advice import source
from core.advice.report import Measures, StageMeasures
from core.arrays import Labels
from core.backbones import catalogue
from core.backbones.backbone import Backbone
from core.datasets.dataset import ImageDataset, LabelledImages
from core.events import Progress
from core.images import augmentation
from core.images.normalisation import Normalisation
from core.interpretation import readout
from core.interpretation.specificity import MOST_IMAGES, Sample, draw_sample
from core.interpretation.specimen import batch_size
from core.metrics import frechet, jackknife, transferability
from core.metrics.classification import wilson
from core.metrics.similarity import pooled_features
from core.training import precision

Images = NDArray[np.uint8]
FeatureMatrix = NDArray[np.float32]

# Small products gain nothing by a second thread, and where another process wants the core they wait for it, spinning:
# 105 s instead of 1 for the scores of 1,000 pictures on a busy machine of two cores.
_THREADS = ThreadpoolController()


def measure(
    backbone: Backbone,
    images: Images,
    labels: Labels,
    class_names: Sequence[str],
    *,
    per_class: int | None = None,
    probe: bool = False,
    most: int = MOST_IMAGES,
    size: int | None = None,
    seed: int = 0,
) -> Measures:
    """Measure images (N, S, S, 3) uint8 with labels (N,) from 0; `steps` without the steps."""
    *_, found = steps(
        backbone,
        images,
        labels,
        class_names,
        per_class=per_class,
        probe=probe,
        most=most,
        size=size,
        seed=seed,
    )
    assert isinstance(found, Measures)
    return found


def steps(
    backbone: Backbone,
    images: Images,
    labels: Labels,
    class_names: Sequence[str],
    *,
    per_class: int | None = None,
    probe: bool = False,
    most: int = MOST_IMAGES,
    size: int | None = None,
    seed: int = 0,
) -> Iterator[Progress | Measures]:
    """Yield how far the measurement is, and last its result. The network is left as it was.

    ``images`` are the training images; the network sees them at ``size`` pixels (None: as they are). At most about
    ``most`` of them are looked at, drawn evenly over the classes; exact copies count once, since a copy among the
    neighbours is an answer given away. ``per_class`` is how many the task has (None: counted here). ``probe`` adds the
    cross-validated linear probe, the one measure that takes long. Raises `DataError` for fewer than two classes, or
    than two images of one, and `SettingsError` for a side that the network cannot take.
    """
    seconds: dict[str, float] = {}
    entry = catalogue.entry(backbone.name)
    side = size or images.shape[1]
    entry.check_size(side)
    with _timed(seconds, "sample"):
        sample = sample_of(images, labels, class_names, most=most, seed=seed)
        counts = np.bincount(labels, minlength=len(class_names))
        folds = readout.deal(sample.labels, jackknife.GROUPS, seed)
    yield Progress(done=0.05, phase="One forward pass")
    with _timed(seconds, "features"):
        features = pooled(backbone, sample.images, side)
    names = [stage.name for stage in backbone.table]
    with _timed(seconds, "frechet"):
        known = source.spreads(backbone, side)
        distances = {
            name: None if known is None else frechet.measured(features[name], known[name], folds)
            for name in names
        }
    found = []
    for number, name in enumerate(names):
        begun = 0.4 if not probe else 0.1
        yield Progress(done=begun + (1 - begun) * number / len(names), phase=f"Reading {name}")
        rows = features[name].astype(np.float64)
        with _timed(seconds, "neighbours"), _THREADS.limit(limits=1, user_api="blas"):
            votes = readout.neighbours(rows, sample.labels, readout.neighbours_for(sample.labels))
        with _timed(seconds, "scores"), _THREADS.limit(limits=1, user_api="blas"):
            logme, h_score = transferability.scores(rows, sample.labels, folds)
        right = None
        if probe:
            with _timed(seconds, "probe"), _THREADS.limit(limits=1, user_api="blas"):
                right = readout.probe(rows, sample.labels, seed=seed)
        found.append(
            StageMeasures(
                stage=name,
                frechet=distances[name],
                neighbours=wilson(int(votes.sum()), len(votes)),
                logme=logme,
                h_score=h_score,
                probe=None if right is None else wilson(int(right.sum()), len(right)),
            )
        )
    yield Measures(
        backbone=backbone.name,
        stages=tuple(found),
        images=len(sample.labels),
        classes=len(np.unique(sample.labels)),
        per_class=per_class or int(np.median(counts[counts > 0])),
        chance=float(np.bincount(sample.labels).max() / len(sample.labels)),
        seconds={phase: round(value, 3) for phase, value in seconds.items()},
    )


def pooled(backbone: Backbone, images: Images, size: int | None = None) -> dict[str, FeatureMatrix]:
    """Pooled features (N, C) behind every stage, by name, of images (N, S, S, 3) uint8 in one forward pass.

    The network sees squares of ``size`` pixels; None: the images as they are.
    """
    entry = catalogue.entry(backbone.name)
    normalisation = Normalisation(mean=entry.mean, std=entry.std, source=entry.normalisation_source)
    side = size or images.shape[1]
    step = batch_size(side)
    device = next(backbone.parameters()).device

    def batches() -> Iterator[Tensor]:
        for start in range(0, len(images), step):
            pixels = torch.from_numpy(images[start : start + step].copy()).to(device)
            yield augmentation.resize(normalisation.apply(pixels.permute(0, 3, 1, 2)), side)  # (B, 3, S, S)

    with precision.autocast(device):
        return pooled_features(backbone, batches())


def sample_of(
    images: Images, labels: Labels, class_names: Sequence[str], *, most: int = MOST_IMAGES, seed: int = 0
) -> Sample:
    """Draw the images that are looked at, evenly over the classes; `DataError` where there are too few."""
    readout.check(labels, class_names)
    whole = ImageDataset(
        name="task",
        title="task",
        class_names=tuple(class_names),
        train=LabelledImages(images=images, labels=labels),
        test=None,
        fingerprint="",
    )
    return draw_sample(whole, most, seed)


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    """Add the time spent inside to ``phase``."""
    begin = time.perf_counter()
    yield
    seconds[phase] = seconds.get(phase, 0.0) + time.perf_counter() - begin

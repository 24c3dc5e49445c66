"""The figures of one evaluation, with their uncertainty, by scikit-learn and SciPy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from core import errors
from core.metrics.report import ClassFigures, ClassificationReport, Interval, ReliabilityBin

CONFIDENCE = 0.95
CALIBRATION_BINS = 15  # Guo et al. 2017 (arXiv 1706.04599)
TOP = 5


def wilson(hits: int, count: int, confidence: float = CONFIDENCE) -> Interval:
    """Share ``hits / count`` with its Wilson score interval (Wilson 1927), 95 %. ``count`` must be positive."""
    # Python integers: SciPy refuses some of NumPy's.
    result = stats.binomtest(int(hits), int(count))
    interval = result.proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(value=hits / count, low=float(interval.low), high=float(interval.high))


def mean_interval(values: Sequence[float]) -> Interval:
    """Mean over seeds with its 95 % t interval, in the unit of ``values``.

    It is not clipped to 0-1, and with two seeds it is as wide as honesty demands. Raises `SettingsError`
    for fewer than two values, since one run says nothing about how runs vary.
    """
    if len(values) < 2:
        raise errors.SettingsError(
            "An interval over seeds needs at least two runs; add one with another seed."
        )
    mean, error = float(np.mean(values)), float(stats.sem(values))
    half = error * float(stats.t.ppf((1 + CONFIDENCE) / 2, df=len(values) - 1))
    return Interval(value=mean, low=mean - half, high=mean + half)


def reliability(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64]
) -> tuple[tuple[ReliabilityBin, ...], float]:
    """Bin images by their top probability; return the bins that hold any, and the calibration error (0-1).

    ``probabilities`` (N, C), ``labels`` (N,). Expected calibration error: the mean gap between confidence
    and accuracy, weighted by the bins' counts (Guo et al. 2017, arXiv 1706.04599; 15 equal-width bins).
    """
    confidence = probabilities.max(axis=1).astype(np.float64)  # (N,)
    hit = probabilities.argmax(axis=1) == labels  # (N,)
    edges = np.linspace(0.0, 1.0, CALIBRATION_BINS + 1)
    place = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, CALIBRATION_BINS - 1)  # (low, high]
    bins, error = [], 0.0
    for number in np.unique(place):
        inside = place == number
        mean_confidence, accuracy = float(confidence[inside].mean()), float(hit[inside].mean())
        error += abs(mean_confidence - accuracy) * float(inside.mean())
        bins.append(
            ReliabilityBin(
                low=float(edges[number]),
                high=float(edges[number + 1]),
                confidence=mean_confidence,
                accuracy=accuracy,
                count=int(inside.sum()),
            )
        )
    return tuple(bins), error


def report(
    scores: ArrayLike, labels: ArrayLike, class_names: Sequence[str], *, caveats: tuple[str, ...] = ()
) -> ClassificationReport:
    """Evaluate probabilities ``scores`` (N, C) against ``labels`` (N,), class numbers from 0.

    ``caveats`` are what the data set's report says without which the figures mislead.

    Where two classes tie for the highest probability, the lower number is named. Macro figures are means over
    the classes that occur among ``labels``. Raises `DataError` without images, `RunError` where scores are
    not finite (the training diverged), ValueError where the shapes do not fit or rows do not sum to 1.
    """
    probabilities = np.asarray(scores)
    truth = np.asarray(labels, dtype=np.int64)
    count, classes = len(truth), len(class_names)
    if count == 0:
        raise errors.DataError(
            "There are no test images, so nothing can be measured; add some to the test part."
        )
    if probabilities.shape != (count, classes):
        raise ValueError(f"scores are {probabilities.shape}, {count} labels and {classes} classes are given")
    if truth.min() < 0 or truth.max() >= classes:
        raise ValueError(f"labels run from {truth.min()} to {truth.max()}, classes from 0 to {classes - 1}")
    if not np.isfinite(probabilities).all():
        raise errors.RunError("The network's scores are no longer finite; try a smaller learning rate.")
    # bf16 softmax rounds to 3 digits; logits by mistake are off by far more.
    if probabilities.min() < 0 or np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1).max() > 0.02:
        raise ValueError("scores must be probabilities: rows of a softmax that sum to 1")
    predicted = probabilities.argmax(axis=1)
    every = np.arange(classes)
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=every, zero_division=0
    )
    present = support > 0
    bins, calibration_error = reliability(probabilities, truth)
    top5 = None
    if classes > TOP:
        best = np.argpartition(-probabilities, TOP - 1, axis=1)[:, :TOP]  # (N, 5)
        top5 = float((best == truth[:, None]).any(axis=1).mean())
    return ClassificationReport(
        accuracy=wilson(int((predicted == truth).sum()), count),
        top5=top5,
        chance=float(support.max() / count),
        macro_precision=float(precision[present].mean()),
        macro_recall=float(recall[present].mean()),
        macro_f1=float(f1[present].mean()),
        classes=tuple(
            ClassFigures(
                name=name,
                precision=float(precision[number]) if present[number] else None,
                recall=float(recall[number]) if present[number] else None,
                f1=float(f1[number]) if present[number] else None,
                count=int(support[number]),
            )
            for number, name in enumerate(class_names)
        ),
        confusion=tuple(
            tuple(int(cell) for cell in row) for row in confusion_matrix(truth, predicted, labels=every)
        ),
        expected_calibration_error=calibration_error,
        reliability=bins,
        count=count,
        caveats=caveats,
    )

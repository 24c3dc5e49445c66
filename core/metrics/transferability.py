"""Scores that guess from features and labels alone how well a network will transfer: LogME and the H-score.

Both are closed formulas: nothing is trained. Neither beats plain nearest neighbours reliably (arXiv 2503.18528,
2204.01403), so neither should ever be shown without them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.arrays import Floats, Labels
from core.metrics import jackknife
from core.metrics.report import Interval

# Where features reproduce the labels exactly, the evidence has no maximum. Noise is then taken to be this share of
# the labels' square more than it is, which caps LogME at about 10 nats.
LEAST_NOISE = 1e-9
_RANK = 1e-12  # of the largest squared singular value: what is smaller is rounding
_GRID = (
    300  # ratios of the two precisions that are tried; the tests ask for 1e-5 nats beside a general optimiser
)


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureRows:
    """Features (N, C) of N images and their class numbers (N,), brought to at most N columns.

    With more features than images they are rotated into the space that the images span, which changes neither score.
    ``size`` remembers how many features there were.
    """

    features: Floats
    labels: Labels  # 0 … classes - 1, each of them present
    size: int

    @classmethod
    def of(cls, features: ArrayLike, labels: ArrayLike) -> "FeatureRows":
        """Check and convert; ValueError where shapes do not fit, values are not finite or there is but one class."""
        rows, present = np.asarray(features, dtype=np.float64), np.asarray(labels)
        if rows.ndim != 2 or present.shape != (len(rows),):
            raise ValueError(
                f"features (N, C) and labels (N,) are needed, not {rows.shape} and {present.shape}"
            )
        if not np.isfinite(rows).all():
            raise ValueError("features must be finite")
        names, numbers = np.unique(present, return_inverse=True)
        if len(names) < 2:
            raise ValueError("two classes or more are needed")
        size = rows.shape[1]
        if size > len(rows):
            values, vectors = np.linalg.eigh(rows @ rows.T)
            kept = values > _RANK * max(values[-1], np.finfo(np.float64).tiny)
            rows = vectors[:, kept] * np.sqrt(values[kept])  # (N, rank)
        return cls(features=rows, labels=numbers.astype(np.int64), size=size)

    @property
    def one_hot(self) -> Floats:
        """Membership (N, classes), 0 or 1."""
        member: Floats = (self.labels[:, None] == np.arange(self.labels.max() + 1)).astype(np.float64)
        return member


def logme(features: ArrayLike, labels: ArrayLike) -> float:
    """Log of the maximum evidence per image that a Bayesian linear model finds for the classes, in nats.

    Features (N, C) as they are, labels (N,). For each class a regression on its 0/1 membership with priors on weights
    and noise, both chosen to maximise the evidence; mean over classes. You et al. 2021 (arXiv 2102.11005). It does not
    change when features are rotated or scaled. The maximum is looked up on a grid of the one ratio that matters, for
    all classes at once: the authors' fixed point (arXiv 2110.10545) leads to the same place, but crawls where noise
    prevails, and 200 steps of it still fell short by 6e-5 nats in the tests.
    """
    rows = FeatureRows.of(features, labels)
    y = rows.one_hot
    return _logme(rows.features.T @ rows.features, rows.features.T @ y, y.sum(axis=0), len(y))


def label_evidence(labels: ArrayLike) -> float:
    """`logme` of a model that knows how frequent each class is and nothing else, in nats per image.

    The largest mean log-likelihood of a constant with Gaussian noise. It depends on the number of classes (2: -0.73,
    10: -0.22), so LogME of different tasks can be compared only after it is subtracted.
    """
    _, counts = np.unique(np.asarray(labels), return_counts=True)
    share = counts / counts.sum()
    return float(np.mean(-0.5 * np.log(2 * np.pi * np.e * share * (1 - share))))


def h_score(features: ArrayLike, labels: ArrayLike) -> float:
    """Variance between the classes' means in units of the whole: 0 (classes look alike) to classes - 1.

    Bao et al. 2019 (An information-theoretic approach to transferability), with the covariance shrunk as Ibrahim
    et al. 2021 (arXiv 2110.06893) do after Ledoit & Wolf 2004, without which few images of many features look
    perfectly separated. Covariances are sums divided by N.
    """
    rows = FeatureRows.of(features, labels)
    return _h_score(rows.features, rows.one_hot, rows.size)


def scores(features: ArrayLike, labels: ArrayLike, folds: Labels) -> tuple[Interval, Interval]:
    """Both with 95 % intervals: LogME above `label_evidence` (nats), H-score as a share of classes - 1 (0-1).

    So brought to scales on which tasks with different numbers of classes compare. ``folds`` (N,) deals the images to
    groups of the jackknife; no class may lie in one group as a whole.
    """
    rows = FeatureRows.of(features, labels)
    x, y, most = rows.features, rows.one_hot, int(rows.labels.max())
    gram, sums = x.T @ x, x.T @ y

    def both(left_out: NDArray[np.bool_]) -> tuple[float, float]:
        out, kept = x[left_out], ~left_out
        inner_y = y[kept]
        evidence = _logme(
            gram - out.T @ out, sums - out.T @ y[left_out], inner_y.sum(axis=0), int(kept.sum())
        )
        return (
            evidence - label_evidence(rows.labels[kept]),
            _h_score(x[kept], inner_y, rows.size) / most,
        )

    whole = both(np.zeros(len(x), dtype=np.bool_))
    parts = [both(folds == fold) for fold in np.unique(folds)]
    share = jackknife.interval(whole[1], [one for _, one in parts])
    return (
        jackknife.interval(whole[0], [one for one, _ in parts]),
        Interval(value=share.value, low=max(share.low, 0.0), high=min(share.high, 1.0)),
    )


def _logme(gram: Floats, sums: Floats, counts: Floats, images: int) -> float:
    """LogME from F'F (C, C), F'Y (C, classes) and the classes' counts, which are the squares of Y's columns."""
    values, vectors = np.linalg.eigh(gram)
    kept = values > _RANK * max(values[-1], np.finfo(np.float64).tiny)
    s = values[kept][:, None]  # (rank, 1)
    if not len(s):
        return float(np.mean(-0.5 * np.log(2 * np.pi * np.e * counts / images)))
    z = np.square(vectors[:, kept].T @ sums) / s  # (rank, classes): squares of Y in the features' directions
    outside = np.maximum(counts - z.sum(axis=0), 0.0)  # and in none of them
    # Precision of the weights over precision of the noise, from "no noise" to "no signal"; (grid, 1).
    ratio = np.geomspace(LEAST_NOISE * s.min(), 1e8 * s.max(), _GRID)[:, None]
    # The noise precision that is best for a ratio is images / spread.
    spread = ratio / (s.T + ratio) @ z + outside + LEAST_NOISE * counts  # (grid, classes)
    complexity = np.log1p(s.T / ratio).sum(axis=1, keepdims=True) / images
    evidence = -0.5 * (np.log(2 * np.pi * np.e * spread / images) + complexity)
    return float(np.mean([_peak(column) for column in evidence.T]))


def _peak(values: Floats) -> float:
    """Maximum of a smooth curve over equal steps: that of the parabola through the largest value and its neighbours."""
    place = int(np.argmax(values))
    if place in (0, len(values) - 1):
        return float(values[place])
    before, top, after = values[place - 1 : place + 2]
    bend = 2 * top - before - after
    return float(top + (after - before) ** 2 / (8 * bend)) if bend > 0 else float(top)


def _h_score(x: Floats, y: Floats, size: int) -> float:
    """H-score of x (N, C') with membership y (N, classes); ``size`` features before any rotation."""
    centred = x - x.mean(axis=0)
    covariance = centred.T @ centred / len(x)
    trace = float(np.trace(covariance))
    if trace <= 0:
        return 0.0
    shrinkage = _ledoit_wolf(centred, covariance, size)
    counts = y.sum(axis=0)
    means = (y.T @ centred) / counts[:, None]  # (classes, C')
    between = means * np.sqrt(counts / len(x))[:, None]  # its square is the covariance of the classes' means
    shrunk = (1 - shrinkage) * covariance
    # With exactly as many directions as vary, nothing may be left to invert; a hair keeps it solvable.
    shrunk[np.diag_indices_from(shrunk)] += max(shrinkage, 1e-10) * trace / size
    return float((1 - shrinkage) * np.sum(between.T * np.linalg.solve(shrunk, between.T)))


def _ledoit_wolf(centred: Floats, covariance: Floats, size: int) -> float:
    """Shrinkage (0-1) towards a multiple of the identity in ``size`` dimensions: Ledoit & Wolf 2004.

    scikit-learn's `ledoit_wolf_shrinkage` from sums that are at hand, and also after a rotation to fewer columns.
    """
    square = float(np.square(covariance).sum())
    fourth = float(np.square(np.square(centred).sum(axis=1)).mean())
    distance = square - float(np.trace(covariance)) ** 2 / size
    if distance <= 0:  # it is a multiple of the identity already
        return 0.0
    return float(np.clip((fourth - square) / len(centred) / distance, 0.0, 1.0))

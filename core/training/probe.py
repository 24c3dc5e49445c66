"""The linear probe: a convex problem, solved instead of trained.

Multinomial logistic regression with an L2 penalty by L-BFGS on standardised features; the strength of the
penalty comes from cross-validation. Alain & Bengio 2016 (arXiv 1610.01644); the protocol is that of Kornblith
et al. 2019 (arXiv 1805.08974).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import nn

from core.errors import DataError, WeightsError

Floats = NDArray[np.float64]

FOLDS = 3
STRENGTHS = tuple(10.0**power for power in np.arange(-5.0, 1.5, 0.75))  # C: large is a weak penalty
DEFAULT_STRENGTH = 1e-2  # where there is nothing to cross-validate: one image per class
MOST_ITERATIONS = 2000


@dataclass(frozen=True, kw_only=True, eq=False)
class Probe:
    """Class scores are ``features @ weight.T + bias``."""

    weight: Floats  # (classes, D)
    bias: Floats  # (classes,)
    strength: float  # the chosen C
    converged: bool


def fold_numbers(labels: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Deal the images (N,) of each class out to ``folds``; -1 (never held out) for a class of one image."""
    numbers = np.full(len(labels), -1, dtype=np.int64)
    random = np.random.default_rng(seed)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        if len(members) > 1:
            numbers[members] = np.arange(len(members)) % folds
    return numbers


def fit(
    features: Floats, labels: NDArray[np.int64], *, images: int, seed: int
) -> Iterator[tuple[int, int] | Probe]:
    """Solve for ``features`` (views · images, D), view by view, and ``labels`` (views · images,) 0 … classes - 1.

    Yields (fits done, fits at most), and last the `Probe`. All views of an image share its fold. Raises
    `WeightsError` where features are not finite, `DataError` where no feature varies.
    """
    if not np.isfinite(features).all():
        raise WeightsError(
            "The network's features of these images grow beyond all numbers; choose other weights."
        )
    mean, std = features.mean(axis=0), features.std(axis=0)
    std = np.where(std > 1e-6 * std.max(initial=1e-30), std, np.inf)  # constant features get weight 0
    if not np.isfinite(std).any():
        raise DataError(
            "The network answers all training pictures alike, so nothing can be told apart by its answers; bring "
            "pictures that differ more, or choose another network."
        )
    standard = (features - mean) / std
    rotated, back = _rotate(standard)
    folds = np.tile(fold_numbers(labels[:images], FOLDS, seed), len(labels) // images)
    held_out = [fold for fold in range(FOLDS) if np.any(folds == fold)]
    strength = DEFAULT_STRENGTH
    total = len(STRENGTHS) * len(held_out) + 1
    done = 0
    if held_out:
        models = {fold: _model() for fold in held_out}
        losses: list[float] = []
        for candidate in STRENGTHS:
            loss = 0.0
            for fold, model in models.items():
                inside = folds != fold
                model.set_params(C=candidate).fit(rotated[inside], labels[inside])
                loss += _log_loss(model, rotated[~inside], labels[~inside])
                done += 1
                yield done, total
            losses.append(loss)
            # Convex in practice: two steps past the smallest loss decide, and weak penalties cost most.
            if len(losses) - int(np.argmin(losses)) > 2:
                break
        strength = STRENGTHS[int(np.argmin(losses))]
    model = _model().set_params(C=strength).fit(rotated, labels)
    yield total, total
    weight = model.coef_ if len(model.classes_) > 2 else np.concatenate([-model.coef_, model.coef_]) / 2
    bias = (
        model.intercept_
        if len(model.classes_) > 2
        else np.concatenate([-model.intercept_, model.intercept_]) / 2
    )
    weight = (weight @ back.T if back is not None else weight) / std
    yield Probe(
        weight=weight,
        bias=bias - weight @ mean,
        strength=strength,
        converged=bool(np.max(model.n_iter_) < MOST_ITERATIONS),
    )


def write(probe: Probe, layer: nn.Linear) -> None:
    """Write the solution into a classifier of the same shape."""
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(probe.weight))
        layer.bias.copy_(torch.from_numpy(probe.bias))


def _model() -> LogisticRegression:
    return LogisticRegression(max_iter=MOST_ITERATIONS, tol=1e-4, warm_start=True)


def _rotate(features: Floats) -> tuple[Floats, Floats | None]:
    """With more features than rows, go to the space that the rows span: the same solution for less work.

    An L2-penalised solution is a combination of the rows, and a rotation leaves the penalty as it is.
    Returns coordinates (rows, r) and the basis (D, r), or the features and None where nothing is to gain.
    """
    rows, size = features.shape
    if size <= rows:
        return features, None
    values, vectors = np.linalg.eigh(features @ features.T)  # (rows,), (rows, rows)
    kept = values > 1e-10 * values[-1]
    lengths = np.sqrt(values[kept])
    return vectors[:, kept] * lengths, features.T @ (vectors[:, kept] / lengths)


def _log_loss(model: LogisticRegression, features: Floats, labels: NDArray[np.int64]) -> float:
    """Sum of ``-log p(label)`` over the rows."""
    logs = model.predict_log_proba(features)
    return float(-logs[np.arange(len(labels)), labels].sum())

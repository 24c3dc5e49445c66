"""Logistic regression for linear probes: a convex problem, solved instead of trained.

Multinomial logistic regression with an L2 penalty by L-BFGS on standardised features; the strength of the
penalty comes from cross-validation. Alain & Bengio 2016 (arXiv 1610.01644); the protocol is that of Kornblith
et al. 2019 (arXiv 1805.08974).

This file needs nothing but NumPy and PyTorch, on purpose: an exported script carries its text, so that it finds the
same solution to the bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

FOLDS = 3
STRENGTHS = tuple(10.0**power for power in np.arange(-5.0, 1.5, 0.75))  # C: large is a weak penalty
DEFAULT_STRENGTH = 1e-2  # where there is nothing to cross-validate: one image per class
MOST_ITERATIONS = 2000
SLOPE = 1e-4  # of the mean loss in any weight, below which a solution counts as found: scikit-learn's default


@dataclass(frozen=True, kw_only=True, eq=False)
class Probe:
    """Class scores are ``features @ weight.T + bias``."""

    weight: NDArray[np.float64]  # (classes, D)
    bias: NDArray[np.float64]  # (classes,)
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
    features: NDArray[np.float64], labels: NDArray[np.int64], *, images: int, seed: int
) -> Iterator[tuple[int, int] | Probe]:
    """Solve for ``features`` (views · images, D), view by view, and ``labels`` (views · images,) 0 … classes - 1.

    Yields (fits done, fits at most), and last the `Probe`. All views of an image share its fold.
    """
    mean, std = features.mean(axis=0), features.std(axis=0)
    std = np.where(std > 1e-6 * std.max(initial=1e-30), std, np.inf)  # constant features get weight 0
    rotated, back = _rotate((features - mean) / std)
    rows, targets = torch.from_numpy(rotated), torch.from_numpy(labels)
    folds = np.tile(fold_numbers(labels[:images], FOLDS, seed), len(labels) // images)
    held_out = [fold for fold in range(FOLDS) if np.any(folds == fold)]
    solved = _Solver(classes=int(labels.max()) + 1, size=rotated.shape[1])
    strength = DEFAULT_STRENGTH
    total = len(STRENGTHS) * len(held_out) + 1
    done = 0
    if held_out:
        solvers = {fold: _Solver(classes=int(labels.max()) + 1, size=rotated.shape[1]) for fold in held_out}
        losses: list[float] = []
        for candidate in STRENGTHS:
            loss = 0.0
            for fold, solver in solvers.items():
                inside = torch.from_numpy(folds != fold)
                solver.solve(rows[inside], targets[inside], candidate)
                loss += solver.log_loss(rows[~inside], targets[~inside])
                done += 1
                yield done, total
            losses.append(loss)
            # Convex in practice: two steps past the smallest loss decide, and weak penalties cost most.
            if len(losses) - int(np.argmin(losses)) > 2:
                break
        strength = STRENGTHS[int(np.argmin(losses))]
    converged = solved.solve(rows, targets, strength)
    yield total, total
    weight, bias = solved.weight.detach().numpy(), solved.bias.detach().numpy()
    weight = (weight @ back.T if back is not None else weight) / std
    yield Probe(weight=weight, bias=bias - weight @ mean, strength=strength, converged=converged)


def write(probe: Probe, layer: nn.Linear) -> None:
    """Write the solution into a classifier of the same shape."""
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(probe.weight))
        layer.bias.copy_(torch.from_numpy(probe.bias))


class _Solver:
    """Logistic regression in float64; each solution is where the next search starts."""

    def __init__(self, *, classes: int, size: int) -> None:
        self.weight = torch.zeros(classes, size, dtype=torch.float64, requires_grad=True)
        self.bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)

    def solve(self, rows: Tensor, labels: Tensor, strength: float) -> bool:
        """Minimise the mean log loss of ``rows`` (N, D) and the penalty; whether the minimum was reached."""
        # As in scikit-learn: C is the weight of a row's loss against half of the squared weights; two classes are
        # told apart by one row of weights, of which each of the two rows here is half.
        penalty = (1.0 if len(self.bias) == 2 else 0.5) / (strength * len(labels))
        search = torch.optim.LBFGS(
            [self.weight, self.bias],
            max_iter=MOST_ITERATIONS,
            history_size=10,
            tolerance_grad=SLOPE,
            tolerance_change=1e-12,
            line_search_fn="strong_wolfe",
        )

        def objective() -> Tensor:
            search.zero_grad()
            loss = functional.cross_entropy(rows @ self.weight.T + self.bias, labels)
            loss = loss + penalty * self.weight.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        search.step(objective)  # type: ignore[no-untyped-call]
        objective()  # at the solution: the search may end on a trial step
        gradients = [one.grad for one in (self.weight, self.bias) if one.grad is not None]
        return all(float(gradient.abs().max()) <= SLOPE for gradient in gradients)

    @torch.no_grad()
    def log_loss(self, rows: Tensor, labels: Tensor) -> float:
        """Sum of ``-log p(label)`` over ``rows`` (N, D)."""
        return float(
            functional.cross_entropy(rows @ self.weight.T + self.bias, labels, reduction="sum").item()
        )


def _rotate(features: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
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

"""An embarrassingly simple approach to zero-shot learning. Romera-Paredes & Torr 2015 (ICML). Torch-free."""

from itertools import product

import numpy as np

from core.arrays import Floats, Labels

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # of both penalties, relative to the size of what they are added to
FOLDS = 3


def solve(features: Floats, labels: Labels, descriptions: Floats, gamma: float, lam: float) -> Floats:
    """Solve for V (D, attributes), with which class z scores x V s_z: the paper's equation 5.

    ``features`` X (M, D), ``labels`` (M,) index ``descriptions`` S (classes, attributes), of seen classes alone.
    V minimises |X V S' - Y|^2 + gamma |V S'|^2 + lam |X V|^2 + gamma lam |V|^2 with Y = 1 for a picture's own class
    and -1 for the others, so V = (X'X + gamma I)^-1 X'Y S (S'S + lam I)^-1.
    """
    x, s = features, descriptions
    y = np.where(labels[:, None] == np.arange(len(s)), 1.0, -1.0)  # (M, classes)
    left = np.linalg.solve(x.T @ x + gamma * np.eye(x.shape[1]), x.T @ y @ s)  # (D, attributes)
    return np.asarray(np.linalg.solve(s.T @ s + lam * np.eye(s.shape[1]), left.T).T)


def strengths(
    features: Floats, labels: Labels, descriptions: Floats, generator: np.random.Generator
) -> tuple[float, float]:
    """Choose gamma and lam by hiding seen classes in turn, `FOLDS` groups of them, as the paper does.

    The pair that names the hidden classes' pictures best among these classes, on average.
    """
    groups = np.array_split(generator.permutation(len(descriptions)), min(FOLDS, len(descriptions) // 2))
    size_x = np.square(features).sum() / features.shape[1]
    size_s = np.square(descriptions).sum() / descriptions.shape[1]
    accuracies: dict[tuple[float, float], float] = {}
    for gamma, lam in product(STRENGTHS, STRENGTHS):
        right = []
        for hidden in groups:
            rest = np.setdiff1d(np.arange(len(descriptions)), hidden)
            known, asked = np.isin(labels, rest), np.isin(labels, hidden)
            matrix = solve(
                features[known],
                np.searchsorted(rest, labels[known]),
                descriptions[rest],
                gamma * size_x,
                lam * size_s,
            )
            named = hidden[(features[asked] @ matrix @ descriptions[hidden].T).argmax(axis=1)]
            right.append((named == labels[asked]).mean())
        accuracies[gamma * size_x, lam * size_s] = float(np.mean(right))
    return max(accuracies, key=lambda pair: accuracies[pair])

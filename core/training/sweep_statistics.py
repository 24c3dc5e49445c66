"""Means, intervals and comparisons over seeds and test images at a time. Torch-free.

An accuracy depends on two sources of chance: the seeds (which images were learned from, the head, the order) and
the test images. The bootstrap here draws both anew, with S - 1 of S seeds in each draw, since plain resampling
understates the spread of a few (Owen 2007, "The pigeonhole bootstrap", arXiv 0712.1111; Rao & Wu 1988, JASA
83:231). All arms meet the same seeds and images in every draw, so that their differences are paired.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.arrays import Flags, Floats
from core.metrics.report import Interval

LEVEL = 0.05  # of all comparisons of a sweep together
DRAWS = 4000
_IMAGES_DRAWN = 50_000_000  # in all draws together: beyond, fewer draws, so that a page need not wait
_FEWEST_DRAWS = 1000
_Z = 1.959964  # 97.5 % quantile of the normal distribution


def draws(hits: Flags, *, seed: int = 0) -> Floats:
    """Mean accuracies (B, A) of ``hits`` (A, S, N) over seeds and test images drawn anew, the same for all arms."""
    arms, seeds, images = hits.shape
    count = min(DRAWS, max(_FEWEST_DRAWS, _IMAGES_DRAWN // images))
    random = np.random.default_rng(seed)
    flat = hits.reshape(arms * seeds, images).astype(np.float32).T  # (N, A * S)
    found = np.empty((count, arms))
    at_once = max(1, 2_000_000 // images)
    for begin in range(0, count, at_once):
        some = min(at_once, count - begin)
        times = _times(random, some, images, images)  # (b, N): how often each image is drawn
        # Whole numbers below 2 ** 24, hence exact: equal arms are equal in every draw.
        right = (times.astype(np.float32) @ flat).reshape(some, arms, seeds).astype(np.float64)
        chosen = _times(random, some, seeds, max(1, seeds - 1))  # (b, S)
        found[begin : begin + some] = np.einsum("bas,bs->ba", right, chosen)
    found /= images * max(1, seeds - 1)
    return found


def _times(random: np.random.Generator, rows: int, kinds: int, drawn: int) -> NDArray[np.int64]:
    """How often each of ``kinds`` comes up in ``drawn`` draws with replacement: (rows, kinds)."""
    picks = random.integers(kinds, size=(rows, drawn)) + kinds * np.arange(rows)[:, None]
    return np.bincount(picks.ravel(), minlength=rows * kinds).reshape(rows, kinds)


def interval(hits: Flags, drawn: Floats) -> Interval:
    """95 % interval of the mean of ``hits`` (S, N), whose bootstrap draws are ``drawn`` (B,).

    Wilson's interval for as many images as would be this unsure by themselves: it stays between 0 and 1, and is
    not empty where every answer was right, as the bootstrap's own percentiles are.
    """
    value = float(hits.mean())
    variance = float(drawn.var())
    images = value * (1 - value) / variance if variance > 0 else float(hits.shape[1])
    middle = (value + _Z**2 / (2 * images)) / (1 + _Z**2 / images)
    half = _Z / (1 + _Z**2 / images) * math.sqrt(value * (1 - value) / images + (_Z / (2 * images)) ** 2)
    return Interval(
        value=value, low=max(0.0, min(middle - half, value)), high=min(1.0, max(middle + half, value))
    )


def compare(
    hits: dict[str, Flags], seeds: dict[str, tuple[int, ...]], racing: Sequence[str], best: str
) -> dict[str, tuple[Interval, Interval, float | None]]:
    """Accuracy, regret and corrected p-value of every arm; arms that racing left out on the seeds that they have."""
    found: dict[str, tuple[Interval, Interval, float | None]] = {}
    alone: dict[str, float] = {}
    for group in (
        [name for name in hits if name in racing],
        *([name] for name in hits if name not in racing),
    ):
        names = list(dict.fromkeys([*group, best]))
        common = [seed for seed in seeds[group[0]] if all(seed in seeds[name] for name in names)]
        table = np.stack([hits[name][[seeds[name].index(seed) for seed in common]] for name in names])
        drawn = draws(table)
        for place, name in enumerate(group):
            found[name] = (
                interval(table[place], drawn[:, place]),
                regret(table, drawn, place),
                None,
            )
            if name != best:
                alone[name] = likelihood_by_chance(
                    table[names.index(best)], table[place], drawn[:, names.index(best)] - drawn[:, place]
                )
    for name, corrected in holm(alone).items():
        accuracy, behind, _ = found[name]
        if corrected >= LEVEL:
            # The best seems better than it is, since it was chosen for it: what cannot be told from it may equal it.
            behind = Interval(value=behind.value, low=0.0, high=behind.high)
        found[name] = (accuracy, behind, corrected)
    return found


def regret(table: Flags, drawn: Floats, place: int) -> Interval:
    """How much less than the best: which arm is best is asked anew in every draw.

    The upper end is never below what this many images can exclude, were none answered differently.
    """
    means = table.mean(axis=(1, 2))
    value = float(means.max() - means[place])
    behind = drawn.max(axis=1) - drawn[:, place]
    low, high = np.quantile(behind, (LEVEL / 2, 1 - LEVEL / 2))
    unseen = 1 - (LEVEL / 2) ** (1 / table.shape[2])
    return Interval(value=value, low=min(float(low), value), high=min(1.0, max(float(high), value, unseen)))


def likelihood_by_chance(best: Flags, other: Flags, behind: Floats) -> float:
    """How likely a difference as large as between ``best`` and ``other`` (S, N) is by chance, two-sided.

    The larger of two: from the bootstrap's differences ``behind`` (B,), which count both seeds and images, and from
    a test that flips the sign of whole images' differences, which is right for few images, too (for one seed it is
    McNemar's).
    """
    count = len(behind)
    tail = min(int((behind <= 0).sum()), int((behind >= 0).sum()))
    resampled = min(1.0, 2 * (tail + 1) / (count + 1))
    by_image = best.sum(axis=0, dtype=np.int64) - other.sum(axis=0, dtype=np.int64)  # (N,)
    by_image = by_image[by_image != 0]
    signs = np.random.default_rng(1).integers(2, size=(count, len(by_image)), dtype=np.int8) * 2 - 1
    flipped = np.abs(signs.astype(np.float32) @ by_image.astype(np.float32)) >= abs(int(by_image.sum()))
    return max(resampled, (int(flipped.sum()) + 1) / (count + 1))


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Correct for making several comparisons (Holm 1979): all of them together err with 5 % at most."""
    corrected: dict[str, float] = {}
    least = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[name]))
        corrected[name] = least
    return corrected

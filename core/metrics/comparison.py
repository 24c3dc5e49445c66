"""Is this difference real? Two results laid side by side, with an answer in plain words."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from core import errors
from core.metrics.classification import CONFIDENCE, wilson
from core.metrics.report import Difference, Interval
from core.words import interval, points

ALPHA = 1 - CONFIDENCE
SAME = 1e-9  # shares closer than this differ by rounding alone


def verdict(difference: Interval, p_value: float | None, names: tuple[str, str]) -> str:
    """Say it in words: who is better, that no difference was seen, or that it is too close to call.

    The interval and the test rest on different approximations; where one sees a difference and the other
    does not, the honest answer is the last.
    """
    apart = difference.low > 0 or difference.high < 0
    significant = apart if p_value is None else p_value < ALPHA
    if apart and significant:
        first_wins = difference.value > 0
        low, high = (difference.low, difference.high) if first_wins else (-difference.high, -difference.low)
        return (
            f"{names[0] if first_wins else names[1]} is better by {points(abs(difference.value), sign=False)} "
            f"{interval(low, high)}"
        )
    what = "No difference seen" if apart == significant else "Too close to call"
    return f"{what}: {points(difference.value)} {interval(difference.low, difference.high)}"


def paired_difference(
    correct_a: ArrayLike, correct_b: ArrayLike, names: tuple[str, str] = ("A", "B")
) -> Difference:
    """Accuracy of A minus that of B on the same test images; ``correct_*`` (N,) bool, in the same order.

    Interval: Newcombe 1998 (Statistics in Medicine 17:2635), method 10, Wilson limits combined with the
    correlation of the pairs. Test: McNemar's, exact. Raises `DataError` without images, ValueError where the
    lengths differ.
    """
    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"paired results need equal lengths, not {a.shape} and {b.shape}")
    count = len(a)
    if count == 0:
        raise errors.DataError("There are no test images, so these runs cannot be compared.")
    both, neither = int((a & b).sum()), int((~a & ~b).sum())
    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    share_a, share_b = wilson(both + only_a, count), wilson(both + only_b, count)
    product = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    excess = float(both * neither - only_a * only_b)
    if excess > 0:  # Newcombe's continuity correction of the correlation
        excess = max(excess - count / 2, 0.0)
    correlation = excess / sqrt(product) if product else 0.0
    value = (only_a - only_b) / count
    down_a, up_a = share_a.value - share_a.low, share_a.high - share_a.value
    down_b, up_b = share_b.value - share_b.low, share_b.high - share_b.value
    difference = Interval(
        value=value,
        low=value - sqrt(max(down_a**2 - 2 * correlation * down_a * up_b + up_b**2, 0.0)),
        high=value + sqrt(max(up_a**2 - 2 * correlation * up_a * down_b + down_b**2, 0.0)),
    )
    discordant = only_a + only_b
    p_value = float(stats.binomtest(only_a, discordant).pvalue) if discordant else 1.0
    return Difference(
        names=names,
        difference=difference,
        p_value=p_value,
        paired=True,
        count=count,
        method="same test images: Newcombe's interval for paired proportions (1998), exact McNemar test",
        verdict=verdict(difference, p_value, names),
    )


def unpaired_difference(
    hits_a: int, count_a: int, hits_b: int, count_b: int, names: tuple[str, str] = ("A", "B")
) -> Difference:
    """Accuracy of A minus that of B on different test images: ``hits`` right of ``count``.

    Interval: Newcombe 1998 (Statistics in Medicine 17:873), method 10. Raises `DataError` without images.
    """
    if min(count_a, count_b) < 1:
        raise errors.DataError("There are no test images, so these runs cannot be compared.")
    a, b = wilson(hits_a, count_a), wilson(hits_b, count_b)
    value = a.value - b.value
    difference = Interval(
        value=value,
        low=value - sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2),
        high=value + sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2),
    )
    return Difference(
        names=names,
        difference=difference,
        p_value=None,
        paired=False,
        count=min(count_a, count_b),
        method="different test images: Newcombe's interval for independent proportions (1998)",
        verdict=verdict(difference, None, names),
    )


def seeds_difference(
    values_a: Sequence[float],
    values_b: Sequence[float],
    names: tuple[str, str] = ("A", "B"),
    *,
    paired: bool = False,
) -> Difference:
    """Mean of A minus mean of B over seeds: Welch's t interval, or the paired one where seeds correspond.

    Raises `SettingsError` for fewer than two seeds a side, ValueError where pairs do not match up.
    """
    if min(len(values_a), len(values_b)) < 2:
        raise errors.SettingsError(
            "A comparison over seeds needs at least two runs a side; add another seed."
        )
    a, b = np.asarray(values_a, dtype=np.float64), np.asarray(values_b, dtype=np.float64)
    value = float(a.mean() - b.mean())
    if paired and len(a) != len(b):
        raise ValueError(f"paired seeds need equal lengths, not {len(a)} and {len(b)}")
    spread = np.ptp(a - b) if paired else max(np.ptp(a), np.ptp(b))
    if spread < SAME:
        # No spread at all: SciPy's t statistic would divide by zero.
        difference, p_value = Interval(value=value, low=value, high=value), float(abs(value) < SAME)
    else:
        result = stats.ttest_rel(a, b) if paired else stats.ttest_ind(a, b, equal_var=False)
        interval = result.confidence_interval(CONFIDENCE)
        difference = Interval(value=value, low=float(interval.low), high=float(interval.high))
        p_value = float(result.pvalue)
    return Difference(
        names=names,
        difference=difference,
        p_value=p_value,
        paired=paired,
        count=min(len(a), len(b)),
        method="over seeds: paired t interval" if paired else "over seeds: Welch's t interval (1947)",
        verdict=verdict(difference, p_value, names),
    )

"""How much a figure would vary with other images, where no formula says so: the grouped jackknife.

Not a plain bootstrap. That draws images with replacement, so some stand in the sample twice: a nearest neighbour then
finds its own copy, and LogME and H-score see fewer independent images than they count, which makes features look
better than they are. The jackknife only ever leaves images out.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from core.metrics.classification import CONFIDENCE
from core.metrics.report import Interval

GROUPS = 20


def interval(whole: float, parts: Sequence[float]) -> Interval:
    """Put a 95 % interval around ``whole``, the figure on all images.

    ``parts`` are the same figure, each with another one of G groups left out. Variance: (G - 1)/G times the sum of
    squared deviations (Quenouille 1949; Efron & Stein 1981, Annals of Statistics 9:586, show that it tends to be
    too large rather than too small); t quantile with G - 1 degrees of freedom. Compared with the spread over 24 real
    draws (three data sets, two stages), the error is 0.9 to 1.5 times as large with 200 images, 0.95 to 1.9 times with
    40: for the H-score and LogME rather too careful, for the Fréchet distance about right.
    """
    groups = len(parts)
    if groups < 2:
        raise ValueError(f"a jackknife needs at least two groups, not {groups}")
    values = np.asarray(parts, dtype=np.float64)
    error = float(np.sqrt((groups - 1) / groups * np.square(values - values.mean()).sum()))
    half = error * float(stats.t.ppf((1 + CONFIDENCE) / 2, df=groups - 1))
    return Interval(value=whole, low=whole - half, high=whole + half)

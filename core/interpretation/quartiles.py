"""A measure over the channels of a stage: lower quartile, median, upper quartile. Torch-free."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Quartiles:
    """Half of the channels lie between ``low`` and ``high``."""

    low: float
    median: float
    high: float


def quartiles(values: NDArray[np.floating]) -> Quartiles:
    """Summarise the values of a stage's channels (C,), at least one."""
    low, median, high = (float(part) for part in np.percentile(values, (25, 50, 75)))
    return Quartiles(low=low, median=median, high=high)

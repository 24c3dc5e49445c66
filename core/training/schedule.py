"""Learning rates as pure functions of the step: nothing to save, nothing to resume."""

import math
from collections.abc import Sequence


def warm_up_cosine(step: int, *, steps: int, peak: float, warm_up: float) -> float:
    """Rate of ``step`` (from 0) of ``steps``: a linear rise over the share ``warm_up``, then half a cosine to 0.

    The first step already moves; the last one is small but not zero.
    """
    # Goyal et al. 2017, arXiv 1706.02677; Loshchilov & Hutter 2017, arXiv 1608.03983.
    rise = math.ceil(warm_up * steps)
    if step < rise:
        return peak * (step + 1) / (rise + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def learning_rate(
    step: int, *, segments: Sequence[int], steps_per_epoch: int, peak: float, warm_up: float
) -> float:
    """Rate of ``step`` (from 0, over the whole run) of a run made of ``segments``, each a number of epochs.

    A run starts as one segment. Extending it appends one, over which the schedule is laid anew (a warm
    restart), so a run's rates depend on the list of its segments alone: not on when it was stopped, resumed
    or extended. Steps behind the last segment have rate 0.
    """
    start = 0
    for epochs in segments:
        steps = epochs * steps_per_epoch
        if step < start + steps:
            return warm_up_cosine(step - start, steps=steps, peak=peak, warm_up=warm_up)
        start += steps
    return 0.0

"""Whether pictures that somebody brings are a measured data set, from which the advice has learned. Torch-free."""

from math import log

from core.advice import evidence
from core.advice.report import Measures

# Of the data sets as they ship in ``../shared/data``, those brought as ZIPs differed from their own measures by 0 to
# 0.06 (600 of many pictures are looked at), and from the nearest other's by 0.20 to 0.81 in the distance's logarithm
# and 0.07 to 0.51 in the share of rightly named neighbours.
DISTANCE_APART = 0.1  # of the logarithm of the Fréchet distance, at any stage
SHARE_APART = 0.06  # of rightly named neighbours, at any stage
COUNT_APART = 0.05  # of the number of pictures of each class


def data_set(measures: Measures) -> str | None:
    """Name the measured data set (of `tasks.TASKS`) that these pictures are, as far as their measures tell.

    Only whole data sets are recognised: a few pictures of one measure much like a few of another.
    """
    known = evidence.load(measures.backbone)
    if known is None:
        return None
    return next(
        (
            task
            for (task, per_class), seeds in known.measures.items()
            if per_class is None and any(_alike(measures, one) for one in seeds)
        ),
        None,
    )


def _alike(one: Measures, other: Measures) -> bool:
    if one.classes != other.classes or abs(one.per_class / other.per_class - 1) > COUNT_APART:
        return False
    for here, there in zip(one.stages, other.stages, strict=True):
        if abs(here.neighbours.value - there.neighbours.value) > SHARE_APART:
            return False
        if here.frechet is None or there.frechet is None:
            continue
        near, far = sorted((max(here.frechet.value, 1e-9), max(there.frechet.value, 1e-9)))
        if log(far / near) > DISTANCE_APART:
            return False
    return True

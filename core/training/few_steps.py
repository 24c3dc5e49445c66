"""What runs of few steps lose to BatchNorm's lag, and controls to a short budget: measured, shipped. Torch-free.

`tools/study_few_steps.py` has measured it, on every data set of the evidence.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from core.metrics.report import Interval

FILE = Path(__file__).parent / "measured" / "few_steps.json"

What = Literal["recomputed", "twice"]  # against statistics that run along; against ten epochs


@dataclass(frozen=True, kw_only=True)
class Gain:
    """What a change brought in points of test accuracy: the mean over ``sets`` data sets with its 95 % interval."""

    what: What
    arm: str  # "scratch", "full", "half"
    per_class: int  # training images of each class
    points: Interval
    sets: int
    seeds: int


@cache
def gains() -> tuple[Gain, ...]:
    """Read what ships."""
    values: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(Gain(**(one | {"points": Interval(**one["points"])})) for one in values["gains"])


def gain(what: What, arm: str, per_class: float) -> Gain:
    """Pick the gain that was measured at the number of images per class nearest to ``per_class``, by their ratio."""
    found = [one for one in gains() if (one.what, one.arm) == (what, arm)]
    return min(found, key=lambda one: abs(math.log(one.per_class / per_class)))

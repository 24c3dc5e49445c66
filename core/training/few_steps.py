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
from core.words import interval, number

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
    return tuple(Gain(**(gain | {"points": Interval(**gain["points"])})) for gain in values["gains"])


def sentence() -> str:
    """Say what recomputed statistics bring in short runs, arm by arm."""
    names = {"scratch": "from scratch", "full": "where everything is trained", "half": "with half frozen"}
    sizes = sorted({one.per_class for one in gains() if one.what == "recomputed" and one.arm == "full"})
    parts = []
    for size in sizes:
        each = ", ".join(
            f"{spoken(gain('recomputed', arm, size).points)} {name}" for arm, name in names.items()
        )
        parts.append(f"with {size} pictures a class {each}")
    return (
        "BatchNorm's running averages lag behind in short runs, so its statistics are recomputed over the training "
        f"pictures. In runs of ten epochs that brought, in points of accuracy: {'; '.join(parts)} (mean of "
        f"{gain('recomputed', 'full', sizes[0]).sets} data sets, 95 % interval)."
    )


def spoken(points: Interval) -> str:
    """Write points of accuracy with their interval: "+1.2 [−0.3, 2.7]"."""
    return f"{number(points.value, sign=True)} {interval(points.low / 100, points.high / 100)}"


def gain(what: What, arm: str, per_class: float) -> Gain:
    """Pick the gain that was measured at the number of images per class nearest to ``per_class``, by their ratio."""
    measured = [known for known in gains() if (known.what, known.arm) == (what, arm)]
    return min(measured, key=lambda known: abs(math.log(known.per_class / per_class)))

"""The riding story with pictures, as measured by ``tools/measure_picture_bridge.py``: torch-free."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.metrics.classification import mean_interval
from core.metrics.report import Interval
from core.metrics.verdict import judged
from core.words import interval, number, percent, points

SOURCE, TARGET = "bicycle", "motorcycle"
OTHERS = ("bus", "pickup_truck", "streetcar", "tractor")
COUNTS = (0, 5, 10, 20, 50, 100)  # motorcycles to learn from, and as many others
FILE = Path(__file__).parent / "measured" / "pictures.json"


@dataclass(frozen=True, kw_only=True)
class PictureArm:
    """A network by what it knew before it saw a motorcycle."""

    title: str
    what: str
    role: Literal["frozen", "trainable", "control"] | None  # its colour; None: a source that misleads


ARMS: dict[str, PictureArm] = {
    "scratch": PictureArm(title="From scratch", what="random weights", role="control"),
    "bicycle": PictureArm(
        title="From bicycles", what="random weights, then bicycles; everything kept", role="trainable"
    ),
    "reversed": PictureArm(
        title="From reversed bicycles", what="the same, with its two answers swapped", role=None
    ),
    "built_in": PictureArm(
        title="Built-in weights", what="200 classes, no cycles among them; new head", role="frozen"
    ),
    "built_in_bicycle": PictureArm(title="Built-in, then bicycles", what="both", role="trainable"),
}


@dataclass(frozen=True, kw_only=True)
class MeasuredPictures:
    """Accuracies (0-1) on held-out pictures, half motorcycles: (seeds, counts) for each arm."""

    accuracy: dict[str, NDArray[np.float64]]
    sources: dict[str, NDArray[np.float64]]  # (seeds,) on held-out bicycles against others
    provenance: dict[str, Any]


def gained(of: MeasuredPictures, arm: str, over: str, count: int) -> Interval:
    """By how much ``arm`` is better than ``over`` after ``count`` motorcycles: the mean over seeds, paired, 95 %."""
    place = COUNTS.index(count)
    return mean_interval((of.accuracy[arm][:, place] - of.accuracy[over][:, place]).tolist())


def lessons(of: MeasuredPictures) -> list[str]:
    """Say in Markdown what the curves show; every figure is computed from them."""
    base = {arm: percent(float(of.accuracy[arm][:, 0].mean()), 0) for arm in ARMS}
    leads = [gained(of, "bicycle", "scratch", count) for count in COUNTS[1:]]
    sure = [count for count, lead in zip(COUNTS[1:], leads, strict=True) if judged(lead) == "helps"]
    least, most = (choose(lead.value for lead in leads) for choose in (min, max))
    where = (
        "at every one"
        if len(sure) == len(leads)
        else f"at {', '.join(map(str, sure))}"
        if sure
        else "nowhere"
    )
    after = percent(float(of.accuracy["reversed"][:, 1].mean()), 0)
    both = of.accuracy["built_in_bicycle"]
    hurt = mean_interval((both[:, 1] - both[:, 0]).tolist())
    built_in = gained(of, "built_in", "scratch", COUNTS[2])
    sign = {"hurts": "a loss", "helps": "a gain"}.get(judged(hurt), "no certain change")
    return [
        f"**Jump-start.** Without a single motorcycle, the network that knows bicycles is right in "
        f"{base['bicycle']} of the pictures; one that knows nothing in {base['scratch']}. With "
        f"{COUNTS[1]} to {COUNTS[-1]} motorcycles it leads by {number(100 * least)} to {points(most, sign=False)}; the "
        f"95 % interval of the lead excludes zero {where}.",
        f"**Negative transfer.** Taught the wrong way round, it begins below chance, at {base['reversed']}; "
        f"{COUNTS[1]} motorcycles lift it to {after}. It has less to unlearn than a rider: only its head is "
        "turned round.",
        "**Much knowledge beats a little.** The built-in weights know no cycle, but learned from 100,000 pictures: "
        f"{points(built_in.value)} {interval(built_in.low, built_in.high)} over scratch with {COUNTS[2]} motorcycles. "
        f"Bicycles on top give {base['built_in_bicycle']} before the first one; practising everything on only "
        f"{COUNTS[1]} then is {sign} ({points(hurt.value)} {interval(hurt.low, hurt.high)}).",
    ]


def table(of: MeasuredPictures) -> str:
    """Write every accuracy in %, and the lead of bicycles over scratch in points, with intervals, as Markdown."""
    rows = [
        "| Accuracy (%) after … motorcycles | " + " | ".join(map(str, COUNTS)) + " |",
        "|---|" + "---|" * len(COUNTS),
    ]
    for name, arm in ARMS.items():
        found = [mean_interval(list(of.accuracy[name][:, place])) for place in range(len(COUNTS))]
        cells = [f"{number(100 * one.value, 0)} {interval(one.low, one.high, 0)}" for one in found]
        rows.append(f"| {arm.title} | " + " | ".join(cells) + " |")
    gains = [gained(of, "bicycle", "scratch", count) for count in COUNTS]
    leads = [f"{number(100 * one.value, sign=True)} {interval(one.low, one.high)}" for one in gains]
    rows.append("| **Bicycles over scratch, points** | " + " | ".join(leads) + " |")
    return "\n".join(rows)


def write(
    accuracy: Mapping[str, Sequence[Sequence[float]]],
    *,
    sources: Mapping[str, Sequence[float]],
    provenance: Mapping[str, Any],
    path: Path = FILE,
) -> None:
    """Write what ships."""
    path.parent.mkdir(exist_ok=True)
    rounded = {arm: np.round(rows, 4).tolist() for arm, rows in accuracy.items()}
    content = {
        "provenance": dict(provenance),
        "counts": list(COUNTS),
        "accuracy": rounded,
        "sources": {arm: np.round(row, 4).tolist() for arm, row in sources.items()},
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@cache
def measured(path: Path = FILE) -> MeasuredPictures | None:
    """Read what ships; None where nothing has been measured yet."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return MeasuredPictures(
        accuracy={arm: np.asarray(content["accuracy"][arm], dtype=np.float64) for arm in ARMS},
        sources={arm: np.asarray(row, dtype=np.float64) for arm, row in content["sources"].items()},
        provenance=content["provenance"],
    )

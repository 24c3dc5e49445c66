"""The riding story with pictures, as measured by ``tools/measure_picture_bridge.py``: torch-free."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.figures.template import Role

SOURCE, TARGET = "bicycle", "motorcycle"
OTHERS = ("bus", "pickup_truck", "streetcar", "tractor")
COUNTS = (0, 5, 10, 20, 50, 100)  # motorcycles to learn from, and as many others
FILE = Path(__file__).parent / "measured" / "pictures.json"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A network by what it knew before it saw a motorcycle."""

    title: str
    what: str
    role: Role | None  # None: a source that misleads


ARMS: dict[str, Arm] = {
    "scratch": Arm(title="From scratch", what="random weights", role="control"),
    "bicycle": Arm(
        title="From bicycles", what="random weights, then bicycles; everything kept", role="trainable"
    ),
    "reversed": Arm(title="From reversed bicycles", what="the same, with its two answers swapped", role=None),
    "built_in": Arm(
        title="Built-in weights", what="200 classes, no cycles among them; new head", role="frozen"
    ),
    "built_in_bicycle": Arm(title="Built-in, then bicycles", what="both", role="trainable"),
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Accuracies (0-1) on held-out pictures, half motorcycles: (seeds, counts) for each arm."""

    accuracy: dict[str, NDArray[np.float64]]
    sources: dict[str, NDArray[np.float64]]  # (seeds,) on held-out bicycles against others
    provenance: dict[str, Any]


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
def measured(path: Path = FILE) -> Measured | None:
    """Read what ships; None where nothing has been measured yet."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return Measured(
        accuracy={arm: np.asarray(content["accuracy"][arm], dtype=np.float64) for arm in ARMS},
        sources={arm: np.asarray(row, dtype=np.float64) for arm, row in content["sources"].items()},
        provenance=content["provenance"],
    )

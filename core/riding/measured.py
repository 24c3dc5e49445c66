"""The figures that ship: the experiment with 20 seeds and what belongs to it, made by ``tools/measure_riding.py``."""

import json
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.riding.experiment_report import RidingReport
from core.riding.policy import LAYERS, Policies

FOLDER = Path(__file__).parent / "measured"
TABLE = FOLDER / "experiment.json"
RIDERS = FOLDER / "riders.npz"


@dataclass(frozen=True, kw_only=True)
class MeasuredRiders:
    """Everything in the file; the first axis of every array is the seed."""

    provenance: dict[str, Any]  # date, versions, CPU seconds, seeds
    motorcycle: RidingReport  # all arms
    second: RidingReport  # the main arms on the second motorcycle
    long: RidingReport  # three arms, practised on until nothing changes
    forgetting: RidingReport  # the same practice on the motorcycle, but tested on the bicycle
    sources: dict[str, NDArray[np.float64]]  # survival (seeds,) of a source on its own machine
    factors: tuple[float, ...]  # what the bicycle riders' torque is multiplied by …
    strengthened: NDArray[np.float64]  # … and their survival on the motorcycle, unpractised: (seeds, factors)
    doses: tuple[int, ...]  # source rides before …
    until_goal: dict[str, NDArray[np.float64]]  # … and motorcycle updates until the goal: (seeds, doses)
    gains: dict[str, NDArray[np.float64]]  # learned gains (seeds, 6), see `gains.learned_gains`


@cache
def measured() -> MeasuredRiders:
    """Read the file once."""
    read = json.loads(TABLE.read_text(encoding="utf-8"))
    return MeasuredRiders(
        provenance=read["provenance"],
        motorcycle=RidingReport.from_json(read["motorcycle"]),
        second=RidingReport.from_json(read["second"]),
        long=RidingReport.from_json(read["long"]),
        forgetting=RidingReport.from_json(read["forgetting"]),
        sources={name: np.array(values) for name, values in read["sources"].items()},
        factors=tuple(read["factors"]),
        strengthened=np.array(read["strengthened"]),
        doses=tuple(read["doses"]),
        until_goal={
            name: np.array([[inf if value is None else value for value in row] for row in rows])
            for name, rows in read["until_goal"].items()
        },
        gains={name: np.array(values) for name, values in read["gains"].items()},
    )


def write(values: dict[str, Any]) -> None:
    """Write the file, one line a field and a curve, so that a change can be read."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    for start in (
        '"motorcycle":',
        '"second":',
        '"long":',
        '"forgetting":',
        '"sources":',
        '"factors":',
        '{"arm":',
    ):
        text = text.replace(start, "\n" + start)
    TABLE.write_text(text + "\n", encoding="utf-8")


def write_riders(riders: dict[str, Policies]) -> None:
    """Write single riders, by name."""
    FOLDER.mkdir(exist_ok=True)
    arrays = {
        f"{name}.{place}": array for name, one in riders.items() for place, array in enumerate(one.arrays())
    }
    np.savez_compressed(RIDERS, **arrays)  # type: ignore[arg-type]


@cache
def riders() -> dict[str, Policies]:
    """Read the riders that the animation shows, by name."""
    with np.load(RIDERS, allow_pickle=False) as read:
        names = sorted({key.rsplit(".", 1)[0] for key in read.files})
        return {
            name: Policies(
                weights=tuple(read[f"{name}.{2 * layer}"] for layer in range(LAYERS)),
                biases=tuple(read[f"{name}.{2 * layer + 1}"] for layer in range(LAYERS)),
            )
            for name in names
        }

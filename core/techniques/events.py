"""What an experiment says while it runs: how far it is, what it measured, what it has to show. Torch-free."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the whole experiment is."""

    done: float  # 0-1
    doing: str  # "Seed 2 of 5: DANN"


@dataclass(frozen=True, kw_only=True)
class Score:
    """One measurement of one arm with one seed."""

    arm: str
    seed: int
    value: float
    x: float | None = None  # on the technique's axis, if it has one
    quantity: str = ""  # empty: the technique's first


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A sentence computed from what was measured."""

    text: str


# --- panels: what there is to see beyond the scores -------------------------------------------------------

# Fire is trained, a method; ice is frozen; grey is a baseline or a control; the others mean nothing by themselves.
Colour = Literal["fire", "ice", "grey", "gold", "teal", "violet", "method", "baseline", "control", "frozen"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A curve; with ``low`` and ``high`` it has a band."""

    name: str
    colour: Colour
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    dashed: bool = False


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Curves over a common axis; ``share`` draws 0-1 as percent."""

    x_title: str
    y_title: str
    lines: tuple[Line, ...]
    share: bool = False
    logarithmic_x: bool = False
    logarithmic_y: bool = False


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Points of one kind in the plane."""

    name: str
    colour: Colour
    points: Sequence[tuple[float, float]]
    symbols: Sequence[int] | None = None  # class of each point, drawn as a digit or a letter


@dataclass(frozen=True, kw_only=True)
class Clouds:
    """Scatter plots beside each other: (title, clouds) each, "before" and "after"."""

    plots: tuple[tuple[str, tuple[Cloud, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A matrix of numbers, drawn as a heat map with its values."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Sequence[Sequence[float]]
    x_title: str = ""
    y_title: str = ""
    low: float | None = None
    high: float | None = None
    share: bool = False


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Small pictures in rows, each with a caption; uint8 arrays (H, W) or (H, W, 3)."""

    pictures: tuple[NDArray[np.uint8], ...] = field(repr=False)
    captions: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"pictures": [one.tolist() for one in self.pictures], "captions": list(self.captions)}


Drawing = Lines | Clouds | Grid | Pictures


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Something to see, under a title and above a caption; a later one of the same name replaces it."""

    name: str
    title: str
    caption: str
    drawing: Drawing


Event = Progress | Score | Remark | Panel

_DRAWINGS: dict[str, type[Drawing]] = {"lines": Lines, "clouds": Clouds, "grid": Grid, "pictures": Pictures}
_EVENTS: dict[str, type[Event]] = {"progress": Progress, "score": Score, "remark": Remark, "panel": Panel}


def to_json(event: Event) -> dict[str, Any]:
    """Plain values; `from_json` reads them back."""
    kind = next(name for name, one in _EVENTS.items() if isinstance(event, one))
    if not isinstance(event, Panel):
        return {"event": kind} | asdict(event)
    drawing = event.drawing
    plain = drawing.to_json() if isinstance(drawing, Pictures) else asdict(drawing)
    kind_of_drawing = next(name for name, one in _DRAWINGS.items() if isinstance(drawing, one))
    return {
        "event": kind,
        "name": event.name,
        "title": event.title,
        "caption": event.caption,
        "drawing": {"kind": kind_of_drawing} | plain,
    }


def from_json(values: dict[str, Any]) -> Event:
    """Rebuild what `to_json` wrote."""
    rest = dict(values)
    kind = _EVENTS[rest.pop("event")]
    if kind is Panel:
        rest["drawing"] = _drawing(dict(rest["drawing"]))
    return kind(**rest)


def _drawing(values: dict[str, Any]) -> Drawing:
    kind = _DRAWINGS[values.pop("kind")]
    if kind is Lines:
        values["lines"] = tuple(Line(**one) for one in values["lines"])
    elif kind is Clouds:
        values["plots"] = tuple(
            (title, tuple(Cloud(**one) for one in clouds)) for title, clouds in values["plots"]
        )
    elif kind is Grid:
        values["rows"], values["columns"] = tuple(values["rows"]), tuple(values["columns"])
    else:
        values["pictures"] = tuple(np.array(one, dtype=np.uint8) for one in values["pictures"])
        values["captions"] = tuple(values["captions"])
    return kind(**values)

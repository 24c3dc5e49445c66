"""What an experiment says while it runs, beside what everything says (`core.events`): scores, and panels to see.

Torch-free.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from core import codec
from core.events import Event


@dataclass(frozen=True, kw_only=True)
class Score(Event):
    """One measurement of one arm with one seed."""

    kind: ClassVar[str] = "score"
    arm: str
    seed: int
    value: float
    x: float | None = None  # on the technique's axis, if it has one
    quantity: str = ""  # empty: the technique's first


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


Drawing = Lines | Clouds | Grid | Pictures
codec.tagged(Drawing, "kind")


@dataclass(frozen=True, kw_only=True)
class Panel(Event):
    """Something to see, under a title and above a caption; a later one of the same name replaces it."""

    kind: ClassVar[str] = "panel"
    name: str
    title: str
    caption: str
    drawing: Drawing


EVENTS: tuple[type[Event], ...] = (Score, Panel)

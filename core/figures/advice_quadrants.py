"""Where a task stands: how alike the source, how many pictures; the textbooks' four rules behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

import plotly.graph_objects as go

from core.advice.quadrants import QUADRANTS, SMALL_BELOW
from core.advice.report import Quadrant
from core.figures.axes import axis
from core.figures.marks import GUIDE, box, line, note, points
from core.figures.template import DATA, FIRE, GREY, ICE, SMALL, Theme, faded, figure, ground, label

FEWEST, MOST = 0.3, 120_000  # images per class that the chart reaches; below 2 there is room for the rules
_ENDS = ("like everyday photos", "unlike")
BORDER = 0.5  # where "different" begins
# A dot's name is drawn where it covers no other: (width of a letter, height of a line) as shares of the plot, on a
# narrow screen. Names that find no room are read by pointing at the dot.
_LETTER, _LINE = 0.0235, 0.052
_TINTS: dict[Quadrant, str] = {
    "small-similar": ICE,
    "small-different": GREY,
    "large-similar": FIRE,
    "large-different": FIRE,
}
NameRoom = tuple[float, float, float, float]  # left, right, bottom, top as shares of the plot
_TOLD = {"series": "", "also": ["Data set", "What it shows"]}


@dataclass(frozen=True, kw_only=True)
class KnownDataSet:
    """A known data set: where it lies from similar (0) to different (1), and its images per class."""

    title: str
    about: str
    unlike: float
    per_class: int
    near: bool = False  # the advice leans on it most


@dataclass(frozen=True, kw_only=True)
class TaskPlace:
    """The task itself, as far as it is known: from … to on both axes."""

    unlike: tuple[float, float]
    per_class: tuple[int, int]


def quadrants(
    known: Sequence[KnownDataSet],
    place: TaskPlace | None,
    *,
    theme: Theme = "light",
) -> go.Figure:
    """Draw the four rules, known data sets in gold, and the task as a dot within the box of what is known about it.

    Ice blue ground: everything frozen; fire: everything trained; grey: where the textbooks disagree.
    """
    on = ground(theme)
    traces = [_data_sets(sorted(known, key=lambda data_set: not data_set.near), place, on.ink)]
    if place is not None:
        traces += _task(place, on.ink, on.paper)
    decades = [2, 10, 100, 1_000, 10_000, 100_000]
    return figure(
        traces,
        theme,
        says=_says(known, place),
        height=460,
        margin={"t": 10, "l": 8, "r": 8, "b": 34},
        xaxis=axis(
            told=f"From 0, {_ENDS[0]}, to 1, {_ENDS[1]}", range=[0, 1], showticklabels=False, showgrid=False
        ),
        yaxis=axis(
            {"text": "Training pictures of each class", "standoff": 4},
            type="log",
            range=[log10(FEWEST), log10(MOST)],
            tickvals=decades,
            ticktext=[f"{images:,}" for images in decades],
            showgrid=False,
        ),
        shapes=[_ground(name) for name in QUADRANTS],
        annotations=[*(_rule(name, on.ink) for name in QUADRANTS), *_ends(on.ink)],
    )


def _data_sets(known: Sequence[KnownDataSet], place: TaskPlace | None, ink: str) -> dict[str, Any]:
    sides = _sides(known, place)
    return points(
        [data_set.unlike for data_set in known],
        [data_set.per_class for data_set in known],
        DATA,
        size=[13 if data_set.near else 9 for data_set in known],
        rim={"width": [2 if data_set.near else 0 for data_set in known], "color": ink},
        name="known data sets",
        meta=_TOLD,
        mode="markers+text",
        text=[
            "" if side is None else f" {label(data_set.title)} "
            for data_set, side in zip(known, sides, strict=True)
        ],
        textposition=[side or "middle right" for side in sides],
        textfont={"size": SMALL - 1, "color": ink},
        customdata=[[label(data_set.title), label(data_set.about)] for data_set in known],
        hover="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{y:,} pictures of each class",
    )


def _corner(name: Quadrant) -> NameRoom:
    """Left, right, bottom and top of a quadrant."""
    left, right = (0.0, BORDER) if name.endswith("similar") else (BORDER, 1.0)
    bottom, top = (FEWEST, SMALL_BELOW) if name.startswith("small") else (SMALL_BELOW, MOST)
    return left, right, bottom, top


def _ground(name: Quadrant) -> dict[str, Any]:
    left, right, bottom, top = _corner(name)
    x, y = (left + 0.004, right - 0.004), (bottom * 1.04, top / 1.04)
    return box(faded(_TINTS[name], 0.17), x=x, y=y, layer="below")


def _rule(name: Quadrant, ink: str) -> dict[str, Any]:
    """The rule stands where no data set is: above the large ones, below the small ones."""
    left, _, bottom, top = _corner(name)
    entry = QUADRANTS[name]
    large = name.startswith("large")
    return note(
        f"<b>{entry.title}</b><br>" + entry.short.replace("\n", "<br>"),
        left + 0.02,
        log10(top) - 0.08 if large else log10(bottom) + 0.06,
        ink,
        size=SMALL - 1,
        anchor="left top" if large else "left bottom",
        align="left",
    )


def _ends(ink: str) -> list[dict[str, Any]]:
    """What left and right mean, under the chart."""
    on_paper: dict[str, Any] = {"xref": "paper", "yref": "paper"}
    return [
        note(f"← {_ENDS[0]}", 0.0, -0.015, ink, anchor="left top", **on_paper),
        note(f"{_ENDS[1]} →", 1.0, -0.015, ink, anchor="right top", **on_paper),
    ]


def _task(place: TaskPlace, ink: str, paper: str) -> list[dict[str, Any]]:
    """Draw the box of what is known, and the dot in its middle."""
    (left, right), (low, high) = place.unlike, place.per_class
    known = f"known: {left:.2f} to {right:.2f}, {low:,} to {high:,} pictures of each class"
    outline = line(
        [left, right, right, left, left],
        [low, low, high, high, low],
        FIRE,
        width=2,
        dash="dot",
        name="what is known",
        meta=GUIDE,
        fill="toself",
        fillcolor=faded(FIRE, 0.22),
    )
    dot = points(
        [(left + right) / 2],
        [10 ** ((log10(low) + log10(high)) / 2)],
        FIRE,
        size=20,
        rim={"width": 3, "color": paper},
        name="your task",
        meta=_TOLD,
        mode="markers+text",
        text=["<b>Your task</b>" + ("" if _known_kind(place) else ", at this height")],
        textposition="top center",
        textfont={"size": SMALL + 1, "color": ink},
        customdata=[["Your task", known]],
        hover="Your task: about %{y:,.0f} pictures of each class",
    )
    return [outline, dot]


def _known_kind(place: TaskPlace) -> bool:
    """Whether all that is known lies on one side of the border: else the dot in the middle means nothing across."""
    return place.unlike[1] <= BORDER or place.unlike[0] >= BORDER


def _sides(known: Sequence[KnownDataSet], place: TaskPlace | None) -> list[str | None]:
    """Where each dot's name is written; None for names that find no room. The first come first."""
    taken: list[NameRoom] = []
    if place is not None:
        middle = sum(place.unlike) / 2
        centre = _height((place.per_class[0] * place.per_class[1]) ** 0.5)
        taken.append((middle - 0.17, middle + 0.17, centre - 0.03, centre + 0.1))
        if place.per_class[0] == place.per_class[1]:  # what is known is a line, which no name should cross
            taken.append((*place.unlike, centre - 0.008, centre + 0.008))
    dots = [(data_set.unlike, _height(data_set.per_class)) for data_set in known]
    chosen: list[str | None] = []
    for data_set, dot in zip(known, dots, strict=True):
        rooms = _rooms(dot, _LETTER * len(data_set.title) + 0.03)
        free = [
            (sum(_inside(other, room) for other in dots), side)
            for side, room in rooms.items()
            if room[0] >= 0 and room[1] <= 1 and not any(_overlap(room, other) for other in taken)
        ]
        # What the advice leans on is named even where the name covers a dot of another data set.
        fewest = min((covered for covered, _ in free), default=1)
        side = next((side for covered, side in free if covered == fewest), None)
        if fewest and not data_set.near:
            side = None
        if side is not None:
            taken.append(rooms[side])
        chosen.append(side)
    return chosen


def _rooms(dot: tuple[float, float], width: float) -> dict[str, NameRoom]:
    """Where a name of this width may stand beside a dot, by Plotly's names, the best places first."""
    x, y = dot
    left, centre, right = (x - width, x), (x - width / 2, x + width / 2), (x, x + width)
    middle, top = (y - _LINE / 2, y + _LINE / 2), (y + 0.01, y + 0.01 + _LINE)
    bottom = (y - 0.01 - _LINE, y - 0.01)
    return {
        "middle right": (x + 0.01, x + width, *middle),
        "middle left": (x - width, x - 0.01, *middle),
        "top center": (*centre, *top),
        "bottom center": (*centre, *bottom),
        "top left": (*left, *top),
        "bottom left": (*left, *bottom),
        "top right": (*right, *top),
        "bottom right": (*right, *bottom),
    }


def _height(per_class: float) -> float:
    return (log10(per_class) - log10(FEWEST)) / (log10(MOST) - log10(FEWEST))


def _inside(dot: tuple[float, float], room: NameRoom) -> bool:
    return room[0] < dot[0] < room[1] and room[2] < dot[1] < room[3]


def _overlap(room: NameRoom, other: NameRoom) -> bool:
    return room[0] < other[1] and other[0] < room[1] and room[2] < other[3] and other[2] < room[3]


def _says(known: Sequence[KnownDataSet], place: TaskPlace | None) -> str:
    """Say where the task lies, and what is near."""
    if place is None:
        return f"{len(known)} measured data sets by likeness and size; your task is not described yet."
    low, high = place.per_class
    like = (
        ("like" if place.unlike[1] <= BORDER else "unlike")
        if _known_kind(place)
        else "perhaps like, perhaps unlike"
    )
    size = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    near = ", ".join(data_set.title for data_set in known if data_set.near)
    return f"Your task: {like} everyday photos, {size} pictures of each class" + (
        f"; the advice leans most on {near}." if near else "."
    )

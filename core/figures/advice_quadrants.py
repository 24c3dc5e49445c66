"""Where a task stands: how alike the source, how many pictures; the textbooks' four rules behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

import plotly.graph_objects as go

from core.advice.quadrants import QUADRANTS, SMALL_BELOW
from core.advice.report import Quadrant
from core.figures.template import DATA, FIRE, GREY, GUIDE, ICE, SMALL, Theme, faded, figure, ground, label

FEWEST, MOST = 0.3, 120_000  # images per class that the chart reaches; below 2 there is room for the rules
BORDER = 0.5  # where "different" begins
# A dot's name is drawn where it covers no other: (width of a letter, height of a line) as shares of the plot, on a
# narrow screen. Names that find no room are read by pointing at the dot.
_LETTER, _LINE = 0.0235, 0.052
Box = tuple[float, float, float, float]  # left, right, bottom, top as shares of the plot
_TINTS: dict[Quadrant, str] = {
    "small-similar": ICE,
    "small-different": GREY,
    "large-similar": FIRE,
    "large-different": FIRE,
}


@dataclass(frozen=True, kw_only=True)
class Landmark:
    """A known data set: where it lies from similar (0) to different (1), and its images per class."""

    title: str
    about: str
    unlike: float
    per_class: int
    near: bool = False  # the advice leans on it


@dataclass(frozen=True, kw_only=True)
class Place:
    """The task itself, as far as it is known: from … to on both axes."""

    unlike: tuple[float, float]
    per_class: tuple[int, int]


def quadrants(
    landmarks: Sequence[Landmark],
    place: Place | None,
    *,
    ends: tuple[str, str] = ("like everyday photos", "unlike"),
    theme: Theme = "light",
) -> go.Figure:
    """Draw the four rules, known data sets in gold, and the task as a dot within the box of what is known about it.

    Ice blue ground: everything frozen; fire: everything trained; grey: where the textbooks disagree.
    """
    on = ground(theme)
    known = sorted(landmarks, key=lambda one: not one.near)
    named = _named(known, place)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "name": "known data sets",
            "meta": {"series": "", "also": ["Data set", "What it shows"]},
            "mode": "markers+text",
            "x": [one.unlike for one in known],
            "y": [one.per_class for one in known],
            "text": [
                "" if side is None else f" {label(one.title)} "
                for one, side in zip(known, named, strict=True)
            ],
            "textposition": [side or "middle right" for side in named],
            "textfont": {"size": SMALL - 1, "color": on.ink},
            "marker": {
                "size": [13 if one.near else 9 for one in known],
                "color": DATA,
                "line": {"width": [2 if one.near else 0 for one in known], "color": on.ink},
            },
            "customdata": [[label(one.title), label(one.about)] for one in known],
            "hovertemplate": "<b>%{customdata[0]}</b><br>%{customdata[1]}<br>"
            "%{y:,} pictures of each class<extra></extra>",
        }
    ]
    if place is not None:
        traces += _task(place, on.ink, on.paper)
    layout = {
        "height": 460,
        "margin": {"t": 10, "l": 8, "r": 8, "b": 34},
        "meta": {"xaxis": {"name": f"From 0, {ends[0]}, to 1, {ends[1]}"}},
        "xaxis": {
            "range": [0, 1],
            "showticklabels": False,
            "showgrid": False,
        },
        "yaxis": {
            "type": "log",
            "range": [log10(FEWEST), log10(MOST)],
            "tickvals": [2, 10, 100, 1_000, 10_000, 100_000],
            "ticktext": ["2", "10", "100", "1,000", "10,000", "100,000"],
            "showgrid": False,
            "title": {"text": "Training pictures of each class", "standoff": 4},
        },
        "shapes": [_ground(name) for name in QUADRANTS],
        "annotations": [*(_rule(name, on.ink) for name in QUADRANTS), *_ends(ends, on.ink)],
    }
    return figure(traces, layout, theme)


def _corner(name: Quadrant) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a quadrant."""
    left, right = (0.0, BORDER) if name.endswith("similar") else (BORDER, 1.0)
    bottom, top = (FEWEST, SMALL_BELOW) if name.startswith("small") else (SMALL_BELOW, MOST)
    return left, right, bottom, top


def _ground(name: Quadrant) -> dict[str, Any]:
    left, right, bottom, top = _corner(name)
    return {
        "type": "rect",
        "layer": "below",
        "x0": left + 0.004,
        "x1": right - 0.004,
        "y0": bottom * 1.04,
        "y1": top / 1.04,
        "fillcolor": faded(_TINTS[name], 0.17),
        "line": {"width": 0},
    }


def _rule(name: Quadrant, ink: str) -> dict[str, Any]:
    """The rule stands where no data set is: above the large ones, below the small ones."""
    left, _, bottom, top = _corner(name)
    entry = QUADRANTS[name]
    large = name.startswith("large")
    return {
        "text": f"<b>{entry.title}</b><br>" + entry.short.replace("\n", "<br>"),
        "x": left + 0.02,
        "y": log10(top) - 0.08 if large else log10(bottom) + 0.06,
        "xanchor": "left",
        "yanchor": "top" if large else "bottom",
        "align": "left",
        "showarrow": False,
        "font": {"size": SMALL - 1, "color": ink},
    }


def _ends(ends: tuple[str, str], ink: str) -> list[dict[str, Any]]:
    """What left and right mean, under the chart."""
    return [
        {
            "text": text,
            "xref": "paper",
            "yref": "paper",
            "x": x,
            "y": -0.015,
            "xanchor": anchor,
            "yanchor": "top",
            "showarrow": False,
            "font": {"size": SMALL, "color": ink},
        }
        for text, x, anchor in ((f"← {ends[0]}", 0.0, "left"), (f"{ends[1]} →", 1.0, "right"))
    ]


def _task(place: Place, ink: str, paper: str) -> list[dict[str, Any]]:
    """Draw the box of what is known, and the dot in its middle."""
    (left, right), (low, high) = place.unlike, place.per_class
    middle = (left + right) / 2
    centre = 10 ** ((log10(low) + log10(high)) / 2)
    return [
        {
            "type": "scatter",
            "name": "what is known",
            "meta": GUIDE,
            "mode": "lines",
            "x": [left, right, right, left, left],
            "y": [low, low, high, high, low],
            "fill": "toself",
            "fillcolor": faded(FIRE, 0.22),
            "line": {"color": FIRE, "width": 2, "dash": "dot"},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "name": "your task",
            "meta": {"series": "", "also": ["Data set", "What it shows"]},
            "mode": "markers+text",
            "x": [middle],
            "y": [centre],
            "text": ["<b>Your task</b>"],
            "textposition": "top center",
            "textfont": {"size": SMALL + 1, "color": ink},
            "marker": {"size": 20, "color": FIRE, "line": {"width": 3, "color": paper}},
            "customdata": [
                [
                    "Your task",
                    f"known: {left:.2f} to {right:.2f}, {low:,} to {high:,} pictures of each class",
                ]
            ],
            "hovertemplate": "Your task: about %{y:,.0f} pictures of each class<extra></extra>",
        },
    ]


def _named(known: Sequence[Landmark], place: Place | None) -> list[str | None]:
    """Where each dot's name is written; None for names that find no room. The first come first."""
    taken: list[Box] = []
    if place is not None:
        middle = sum(place.unlike) / 2
        centre = _height((place.per_class[0] * place.per_class[1]) ** 0.5)
        taken.append((middle - 0.17, middle + 0.17, centre - 0.03, centre + 0.1))
        if place.per_class[0] == place.per_class[1]:  # what is known is a line, which no name should cross
            taken.append((*place.unlike, centre - 0.008, centre + 0.008))
    dots = [(one.unlike, _height(one.per_class)) for one in known]
    named: list[str | None] = []
    for one, (x, y) in zip(known, dots, strict=True):
        width = _LETTER * len(one.title) + 0.03
        sides: dict[str, Box] = {
            "middle right": (x + 0.01, x + width, y - _LINE / 2, y + _LINE / 2),
            "middle left": (x - width, x - 0.01, y - _LINE / 2, y + _LINE / 2),
            "top center": (x - width / 2, x + width / 2, y + 0.01, y + 0.01 + _LINE),
            "bottom center": (x - width / 2, x + width / 2, y - 0.01 - _LINE, y - 0.01),
            "top left": (x - width, x, y + 0.01, y + 0.01 + _LINE),
            "bottom left": (x - width, x, y - 0.01 - _LINE, y - 0.01),
            "top right": (x, x + width, y + 0.01, y + 0.01 + _LINE),
            "bottom right": (x, x + width, y - 0.01 - _LINE, y - 0.01),
        }
        free = [
            (sum(_inside(dot, box) for dot in dots), side)
            for side, box in sides.items()
            if box[0] >= 0 and box[1] <= 1 and not any(_overlap(box, other) for other in taken)
        ]
        # What the advice leans on is named even where the name covers a dot of another data set.
        fewest = min((covered for covered, _ in free), default=1)
        side = next((side for covered, side in free if covered == fewest), None)
        if side is not None and fewest and not one.near:
            side = None
        if side is not None:
            taken.append(sides[side])
        named.append(side)
    return named


def _height(per_class: float) -> float:
    return (log10(per_class) - log10(FEWEST)) / (log10(MOST) - log10(FEWEST))


def _inside(dot: tuple[float, float], box: Box) -> bool:
    return box[0] < dot[0] < box[1] and box[2] < dot[1] < box[3]


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]

"""Marks: what every chart draws with, each under its name. Arrays go in, the plain dicts that Plotly reads come out.

Traces are put together with ``|``: ``points(…) | whisker(…)`` are dots with their intervals. ``hover`` is Plotly's
hovertemplate; without one, a mark does not answer the mouse. ``more`` are Plotly's own names. Lengths are in pixels.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from numpy.typing import NDArray

from core.figures.template import SMALL, faded
from core.metrics.report import Interval

Mark = dict[str, Any]
PlotArray = Sequence[Any] | NDArray[Any]

# Values of a trace's ``meta`` (see `core.figures.told`).
GUIDE: Mark = {"told": "nothing"}  # it only guides the eye, or repeats what another trace tells
LEVEL: Mark = {"told": "level"}  # a line of one value, such as chance


def points(
    x: PlotArray,
    y: PlotArray,
    colour: str | Sequence[str],
    *,
    size: float | Sequence[float],
    symbol: str | Sequence[str] | None = None,
    rim: Mapping[str, Any] | None = None,
    hover: str | None = None,
    **more: Any,
) -> Mark:
    """Draw dots; ``rim`` is the line around each, with its ``width`` and its ``color``."""
    looks = {"symbol": symbol, "line": rim}
    marker = {"size": size, "color": colour} | {
        name: look for name, look in looks.items() if look is not None
    }
    return _scatter("markers", x, y, hover) | {"marker": marker} | more


def line(
    x: PlotArray,
    y: PlotArray,
    colour: str,
    *,
    width: float = 3,
    dash: str | None = None,
    dots: float | None = None,
    hover: str | None = None,
    **more: Any,
) -> Mark:
    """Draw a line; with ``dots``, a dot of that size on each of its points."""
    drawn = _scatter("lines" if dots is None else "lines+markers", x, y, hover)
    drawn["line"] = {"color": colour, "width": width} | ({} if dash is None else {"dash": dash})
    if dots is not None:
        drawn["marker"] = {"size": dots, "color": colour}
    return drawn | more


def guide(x: PlotArray, y: PlotArray, colour: str, *, width: float = 3, **more: Any) -> Mark:
    """Draw a line that only guides the eye: no table tells it."""
    return line(x, y, colour, width=width, meta=GUIDE, **more)


def level(name: str, ends: PlotArray, height: float | None, colour: str, *, hover: str | None = None) -> Mark:
    """Draw a dashed line at one value, such as chance, between two ``ends`` on the x axis."""
    return line(ends, [height] * 2, colour, width=2, dash="dash", hover=hover, name=name, meta=LEVEL)


def band(
    x: PlotArray, low: PlotArray, high: PlotArray, colour: str, *, opacity: float = 0.16, **more: Any
) -> Mark:
    """Fill between two curves; the line drawn next is told with both as its interval."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*x, *reversed(x)],
        "y": [*high, *reversed(low)],
        "fill": "toself",
        "fillcolor": faded(colour, opacity),
        "line": {"width": 0},
        "hoverinfo": "skip",
        **more,
    }


def whisker(
    intervals: Sequence[Interval], colour: str, *, along: Literal["x", "y"] = "y", thickness: float = 3
) -> Mark:
    """Draw intervals, in the units of the axis, as bars through the points of the trace that takes this over."""
    return {
        f"error_{along}": {
            "type": "data",
            "symmetric": False,
            "array": [interval.high - interval.value for interval in intervals],
            "arrayminus": [interval.value - interval.low for interval in intervals],
            "thickness": thickness,
            "width": 0,
            "color": colour,
        }
    }


def bars(
    x: PlotArray,
    y: PlotArray,
    colour: str | Sequence[str],
    *,
    rim: Mapping[str, Any] | None = None,
    hover: str | None = None,
    **more: Any,
) -> Mark:
    """Draw bars; ``orientation="h"`` lays them down."""
    marker = {"color": colour} | ({} if rim is None else {"line": rim})
    return {"type": "bar", "x": x, "y": y, "marker": marker, **_answer(hover), **more}


def cells(
    values: PlotArray,
    colours: tuple[str, str],
    *,
    most: float = 1,
    gap: float = 2,
    hover: str | None = None,
    **more: Any,
) -> Mark:
    """Draw a matrix, coloured from 0 to ``most``. ``text`` of `written` puts numbers into the cells."""
    return {
        "type": "heatmap",
        "z": values,
        "zmin": 0,
        "zmax": most,
        "colorscale": [[0, colours[0]], [1, colours[1]]],
        "showscale": False,
        "xgap": gap,
        "ygap": gap,
        **_answer(hover),
        **more,
    }


def written(texts: Sequence[Sequence[str]], ink: str) -> Mark:
    """Write a text into each of the `cells`."""
    return {"text": texts, "texttemplate": "%{text}", "textfont": {"size": SMALL, "color": ink}}


# --- what is no trace: shapes and annotations -------------------------------------------------------------


def rule(
    colour: str,
    *,
    x: float | None = None,
    y: float | None = None,
    width: float = 2,
    dash: str | None = None,
    **more: Any,
) -> Mark:
    """Draw a straight line through the whole chart: across at ``y``, or upright at ``x``. A ``name`` is told."""
    across = {"xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y}
    upright = {"yref": "paper", "y0": 0, "y1": 1, "x0": x, "x1": x}
    look = {"color": colour, "width": width} | ({} if dash is None else {"dash": dash})
    return {"type": "line", "line": look, **(across if x is None else upright), **more}


def box(
    fill: str | None = None,
    *,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    **more: Any,
) -> Mark:
    """Fill a rectangle: from edge to edge of the chart where ``x`` or ``y`` is not said."""
    drawn: Mark = {"type": "rect", "line": {"width": 0}}
    for axis, ends in (("x", x), ("y", y)):
        drawn |= {f"{axis}ref": "paper"} if ends is None else {}
        drawn[f"{axis}0"], drawn[f"{axis}1"] = ends or (0, 1)
    return drawn | ({} if fill is None else {"fillcolor": fill}) | more


def column(place: float, colour: str) -> Mark:
    """Light the column of one place on an axis of names."""
    return box(faded(colour, 0.14), x=(place - 0.46, place + 0.46), layer="below")


def note(
    text: str,
    x: float,
    y: float,
    colour: str,
    *,
    anchor: str = "",
    size: float = SMALL,
    weight: int | None = None,
    **more: Any,
) -> Mark:
    """Write words into the chart; ``anchor`` ("right", "left bottom", …) is the part of them that lies on the place."""
    font = {"size": size, "color": colour} | ({} if weight is None else {"weight": weight})
    sides = {"yanchor" if side in ("top", "middle", "bottom") else "xanchor": side for side in anchor.split()}
    return {"text": text, "x": x, "y": y, "showarrow": False, "font": font, **sides, **more}


def above_row(
    row: int,
    text: str,
    colour: str,
    *,
    side: Literal["left", "right"] = "left",
    size: float = SMALL + 1,
    bold: bool = False,
    lift: float = 0.1,
) -> Mark:
    """Write above a row, at one of its ends: long names must fit on a phone, so that none stands beside its row."""
    return note(
        text,
        1.0 if side == "right" else 0.0,
        row - lift,
        colour,
        anchor=f"{side} bottom",
        size=size,
        weight=700 if bold else 400,
        xref="paper",
    )


def apart(
    ends: Sequence[tuple[float, str, str]], low: float, high: float, gap: float
) -> list[tuple[float, str, str]]:
    """Move names (place, text, colour) apart that would lie on each other, in their order, from ``low`` to ``high``."""
    placed: list[tuple[float, str, str]] = []
    for y, text, colour in sorted(ends, key=lambda end: end[0]):
        floor = placed[-1][0] + gap if placed else low
        placed.append((max(y, floor), text, colour))
    over = placed[-1][0] - high if placed else 0.0
    if over > 0:  # push back down from the top, as far as it needs
        ceiling = high
        for number in range(len(placed) - 1, -1, -1):
            y, text, colour = placed[number]
            placed[number] = (min(y, ceiling), text, colour)
            ceiling = placed[number][0] - gap
    return placed


# --- details ----------------------------------------------------------------------------------------------


def _scatter(mode: str, x: PlotArray, y: PlotArray, hover: str | None) -> Mark:
    return {"type": "scatter", "mode": mode, "x": x, "y": y, **_answer(hover)}


def _answer(hover: str | None) -> Mark:
    """What a mouse gets; ``<extra>`` would else repeat the trace's name in a box of its own."""
    if hover is None:
        return {"hoverinfo": "skip"}
    return {"hovertemplate": hover if "<extra>" in hover else f"{hover}<extra></extra>"}

"""What an experiment has to show beyond its scores: lines in bands, clouds of points, heat maps."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from core.figures.axes import axis, decades
from core.figures.marks import band, cells, line, points, written
from core.figures.template import (
    DATA,
    FIRE,
    GREY,
    ICE,
    RIGHT,
    SMALL,
    WRONG,
    Theme,
    faded,
    figure,
    ground,
    label,
)
from core.techniques.events import Cloud, Clouds, Colour, Grid, Line, Lines
from core.words import count

COLOURS: dict[Colour, str] = {
    "fire": FIRE,
    "method": FIRE,
    "ice": ICE,
    "frozen": ICE,
    "grey": GREY,
    "baseline": GREY,
    "control": GREY,
    "gold": DATA,
    "teal": RIGHT,
    "violet": WRONG,
}
MOST_PLACES = 9  # on an axis, that are named one by one
MOST_SIGNS = 40  # of an axis title, that fit on a phone
MOST_COLUMNS = 6  # of a heat map, that a phone has room for


@dataclass(frozen=True, kw_only=True)
class KeyEntry:
    """What a colour stands for. The page draws the key, not the chart: only a page knows how much fits on a line."""

    name: str
    colour: str  # "#RRGGBB"
    mark: Literal["line", "dots", "point"]


def key(drawing: Lines | Clouds | Grid) -> list[KeyEntry]:
    """Explain every colour; nothing where one colour, or the title of each plot, says it all."""
    if isinstance(drawing, Lines):
        if len(drawing.lines) == 1:
            return []
        return [
            KeyEntry(name=each.name, colour=COLOURS[each.colour], mark="dots" if each.dashed else "line")
            for each in drawing.lines
        ]
    if isinstance(drawing, Grid) or all(len(clouds) == 1 for _, clouds in drawing.plots):
        return []
    names = {cloud.name: COLOURS[cloud.colour] for _, clouds in drawing.plots for cloud in clouds}
    return [KeyEntry(name=name, colour=colour, mark="point") for name, colour in names.items()]


def draw(drawing: Lines | Clouds | Grid, *, theme: Theme = "light") -> list[tuple[str, go.Figure]]:
    """Draw one or several figures, each with its title (empty where there is but one)."""
    if isinstance(drawing, Clouds):
        return [(title, _cloud(title, clouds, theme)) for title, clouds in drawing.plots]
    if isinstance(drawing, Grid):
        return [("", _grid(drawing, theme))]
    return [("", lines(drawing, [COLOURS[each.colour] for each in drawing.lines], theme=theme))]


def lines(drawing: Lines, colours: Sequence[str], *, dots: bool = False, theme: Theme = "light") -> go.Figure:
    """Draw lines, each in its band and its colour, over one axis; with ``dots`` where they were measured."""
    pairs = zip(drawing.lines, colours, strict=True)
    y_title = drawing.y_title + (" (%)" if drawing.share else "")
    return figure(
        [part for each, colour in pairs for part in _line(each, colour, share=drawing.share, dots=dots)],
        theme,
        height=400,
        margin={"l": 8, "r": 14, "t": 14, "b": 8},
        xaxis=axis(
            "<br>".join(textwrap.wrap(drawing.x_title, MOST_SIGNS)), showgrid=False, **_ticks(drawing)
        ),
        yaxis=axis(y_title, **(_decades(drawing) if drawing.logarithmic_y else {})),
    )


def _line(drawn: Line, colour: str, *, share: bool, dots: bool) -> list[dict[str, Any]]:
    """Draw a line and, where its ends are known, its band."""
    scale = 100.0 if share else 1.0
    x, name = list(drawn.x), label(drawn.name)
    bands = []
    if drawn.low is not None and drawn.high is not None and len(x) > 1:
        low, high = ([scale * end for end in ends] for ends in (drawn.low, drawn.high))
        if share:  # a t interval does not know that nothing is above 100 %
            low, high = [max(end, 0.0) for end in low], [min(end, 100.0) for end in high]
        bands.append(band(x, low, high, colour))
    curve = line(
        x,
        [scale * value for value in drawn.y],
        colour,
        width=3.5,
        dash="dot" if drawn.dashed else "solid",
        dots=9,
        mode="lines+markers" if dots else "lines",
        name=name,
        hover=f"<b>{name}</b><br>%{{x:g}}: %{{y:.4g}}",
    )
    return [*bands, curve]


def _readable(colour: str, theme: Theme) -> str:
    """Give a colour as digits and letters need it: darker on a light ground, lighter on a dark one."""
    on = ground(theme)
    return {FIRE: on.trainable, ICE: on.frozen, GREY: on.control}.get(colour, colour)


def _cloud(title: str, clouds: Sequence[Cloud], theme: Theme) -> go.Figure:
    # Directions and distances have no unit: a frame, and nothing to read off.
    bare = {"showticklabels": False, "showgrid": False, "ticks": "", "showline": True, "mirror": True}
    counts = ", ".join(f"{cloud.name} {count(len(cloud.points), 'point')}" for cloud in clouds)
    margin = {"l": 4, "r": 4, "t": 4, "b": 4}
    return figure(
        [_points(cloud, theme) for cloud in clouds],
        theme,
        says=f"{title}: {counts}." if title else f"{counts}.",
        height=330,
        margin=margin,
        xaxis=bare,
        yaxis=bare,
    )


def _points(cloud: Cloud, theme: Theme) -> dict[str, Any]:
    """Draw a cloud as dots, or as the letters it has."""
    colour = COLOURS[cloud.colour]
    places = np.asarray(cloud.points, dtype=float).reshape(-1, 2)
    letters = None if cloud.symbols is None else [str(symbol) for symbol in cloud.symbols]
    return points(
        places[:, 0].tolist(),
        places[:, 1].tolist(),
        faded(colour, 0.75),
        size=7,
        mode="markers" if letters is None else "text",
        name=label(cloud.name),
        meta={"x": "Across", "y": "Upwards"} | ({} if letters is None else {"text": "Symbol"}),
        text=letters,
        textfont={"color": _readable(colour, theme), "size": SMALL, "weight": 700},
        cliponaxis=False,
    )


def _grid(drawing: Grid, theme: Theme) -> go.Figure:
    drawing, on = _upright(drawing), ground(theme)
    scale, digits = (100.0, 0) if drawing.share else (1.0, 2)
    values = scale * np.asarray(drawing.values, dtype=float)
    trace = cells(
        values.tolist(),
        # Full gold would hide light text.
        (faded(DATA, 0.0), faded(DATA, 1.0 if theme == "light" else 0.55)),
        zmin=float(np.nanmin(values)) if drawing.low is None else scale * drawing.low,
        zmax=float(np.nanmax(values)) if drawing.high is None else scale * drawing.high,
        meta={"value": "%" if drawing.share else ""},
        x=[label(name, 16 if len(drawing.columns) > 3 else 24) for name in drawing.columns],
        y=[label(name, 22) for name in drawing.rows],
        **written(
            [["" if np.isnan(value) else f"{value:.{digits}f}" for value in row] for row in values], on.ink
        ),
        hover="%{y}, %{x}: %{z:.4g}",
    )
    across, upright = (
        axis(title, type="category", showgrid=False)
        | {"told": {"name": told, "names": list(map(label, names))}}
        for title, told, names in (
            (drawing.x_title, drawing.x_title, drawing.columns),
            (drawing.y_title, drawing.y_title or "Row", drawing.rows),
        )
    )
    return figure(
        [trace],
        theme,
        height=110 + 36 * len(drawing.rows),
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        xaxis=across,
        yaxis=upright | {"autorange": "reversed"},
    )


def _upright(drawing: Grid) -> Grid:
    """Turn a few long rows into columns: a phone is higher than wide."""
    if len(drawing.columns) <= MOST_COLUMNS or 2 * len(drawing.rows) >= len(drawing.columns):
        return drawing
    return replace(
        drawing,
        rows=drawing.columns,
        columns=drawing.rows,
        values=np.asarray(drawing.values, dtype=float).T.tolist(),
        x_title=drawing.y_title,
        y_title=drawing.x_title,
    )


def _decades(drawing: Lines) -> dict[str, Any]:
    """Name 1, 2 and 5 of every decade in full; Plotly names 2 and 5 by themselves, wherever they stand."""
    values = [float(y) for each in drawing.lines for y in each.y if y > 0]
    if not values:
        return {"type": "log"}
    low, high = np.floor(np.log10(min(values))), np.ceil(np.log10(max(values)))
    return {"type": "log"} | _named(decades(low - 1, high + 1))


def _ticks(drawing: Lines) -> dict[str, Any]:
    """Name the places that were measured, where they are few."""
    logarithmic = drawing.logarithmic_x
    places = sorted({float(x) for each in drawing.lines for x in each.x if x > 0 or not logarithmic})
    kind = {"type": "log"} if logarithmic else {}
    return kind | (_named(places) if 0 < len(places) <= MOST_PLACES else {})


def _named(places: Sequence[float]) -> dict[str, Any]:
    return {"tickvals": places, "ticktext": [f"{place:g}" for place in places]}

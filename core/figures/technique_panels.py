"""What an experiment has to show beyond its scores: lines in bands, clouds of points, heat maps."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

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
class Entry:
    """What a colour stands for. The page draws the key, not the chart: only a page knows how much fits on a line."""

    name: str
    colour: str  # "#RRGGBB"
    mark: Literal["line", "dots", "point"]


def key(drawing: Lines | Clouds | Grid) -> list[Entry]:
    """Explain every colour; nothing where one colour, or the title of each plot, says it all."""
    if isinstance(drawing, Lines):
        if len(drawing.lines) == 1:
            return []
        return [
            Entry(name=one.name, colour=COLOURS[one.colour], mark="dots" if one.dashed else "line")
            for one in drawing.lines
        ]
    if isinstance(drawing, Grid) or all(len(clouds) == 1 for _, clouds in drawing.plots):
        return []
    names = {one.name: COLOURS[one.colour] for _, clouds in drawing.plots for one in clouds}
    return [Entry(name=name, colour=colour, mark="point") for name, colour in names.items()]


def draw(drawing: Lines | Clouds | Grid, *, theme: Theme = "light") -> list[tuple[str, go.Figure]]:
    """Draw one or several figures, each with its title (empty where there is but one)."""
    if isinstance(drawing, Clouds):
        return [(title, _cloud(clouds, theme)) for title, clouds in drawing.plots]
    if isinstance(drawing, Grid):
        return [("", _grid(drawing, theme))]
    drawn = lines(
        [(one, COLOURS[one.colour]) for one in drawing.lines],
        x_title=drawing.x_title,
        y_title=drawing.y_title,
        share=drawing.share,
        logarithmic_x=drawing.logarithmic_x,
        logarithmic_y=drawing.logarithmic_y,
        theme=theme,
        dots=False,
    )
    return [("", drawn)]


def lines(
    drawn: Sequence[tuple[Line, str]],
    *,
    x_title: str,
    y_title: str,
    share: bool,
    logarithmic_x: bool,
    logarithmic_y: bool,
    theme: Theme,
    dots: bool,
) -> go.Figure:
    """Draw lines, each in its band and its colour, over one axis."""
    scale = 100.0 if share else 1.0
    traces: list[dict[str, Any]] = []
    for line, colour in drawn:
        x, y = list(line.x), [scale * one for one in line.y]
        if line.low is not None and line.high is not None and len(x) > 1:
            low, high = [scale * one for one in line.low], [scale * one for one in line.high]
            if share:  # a t interval does not know that nothing is above 100 %
                low, high = [max(one, 0.0) for one in low], [min(one, 100.0) for one in high]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": x + x[::-1],
                    "y": high + low[::-1],
                    "fill": "toself",
                    "fillcolor": faded(colour, 0.16),
                    "line": {"width": 0},
                    "hoverinfo": "skip",
                }
            )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if dots else "lines",
                "name": label(line.name),
                "x": x,
                "y": y,
                "line": {"color": colour, "width": 3.5, "dash": "dot" if line.dashed else "solid"},
                "marker": {"size": 9, "color": colour},
                "hovertemplate": f"<b>{label(line.name)}</b><br>%{{x:g}}: %{{y:.4g}}<extra></extra>",
            }
        )
    layout = {
        "height": 400,
        "margin": {"l": 8, "r": 14, "t": 14, "b": 8},
        "xaxis": {
            "title": {"text": "<br>".join(textwrap.wrap(x_title, MOST_SIGNS))},
            "showgrid": False,
            **_ticks(drawn, logarithmic=logarithmic_x),
        },
        "yaxis": {
            "title": {"text": y_title + (" (%)" if share else "")},
            **(_decades(drawn) if logarithmic_y else {}),
        },
    }
    return figure(traces, layout, theme)


def _readable(colour: str, theme: Theme) -> str:
    """Give a colour as digits and letters need it: darker on a light ground, lighter on a dark one."""
    on = ground(theme)
    return {FIRE: on.trainable, ICE: on.frozen, GREY: on.control}.get(colour, colour)


def _cloud(clouds: Sequence[Cloud], theme: Theme) -> go.Figure:
    traces: list[dict[str, Any]] = []
    for cloud in clouds:
        colour = COLOURS[cloud.colour]
        points = np.asarray(cloud.points, dtype=float).reshape(-1, 2)
        letters = None if cloud.symbols is None else [str(one) for one in cloud.symbols]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers" if letters is None else "text",
                "name": label(cloud.name),
                "meta": {"x": "Across", "y": "Upwards"} | ({} if letters is None else {"text": "Symbol"}),
                "x": points[:, 0].tolist(),
                "y": points[:, 1].tolist(),
                "text": letters,
                "textfont": {"color": _readable(colour, theme), "size": SMALL, "weight": 700},
                "marker": {"size": 7, "color": faded(colour, 0.75)},
                "hoverinfo": "skip",
                "cliponaxis": False,
            }
        )
    # Directions and distances have no unit: a frame, and nothing to read off.
    bare = {"showticklabels": False, "showgrid": False, "ticks": "", "showline": True, "mirror": True}
    layout = {"height": 330, "margin": {"l": 4, "r": 4, "t": 4, "b": 4}, "xaxis": bare, "yaxis": bare}
    return figure(traces, layout, theme)


def _grid(drawing: Grid, theme: Theme) -> go.Figure:
    drawing, on = _upright(drawing), ground(theme)
    scale = 100.0 if drawing.share else 1.0
    values = scale * np.asarray(drawing.values, dtype=float)
    low = scale * drawing.low if drawing.low is not None else float(np.nanmin(values))
    high = scale * drawing.high if drawing.high is not None else float(np.nanmax(values))
    digits = 0 if drawing.share else 2
    trace = {
        "type": "heatmap",
        "meta": {"value": "%" if drawing.share else ""},
        "x": [label(one, 16 if len(drawing.columns) > 3 else 24) for one in drawing.columns],
        "y": [label(one, 22) for one in drawing.rows],
        "z": values.tolist(),
        "zmin": low,
        "zmax": high,
        # Full gold would hide light text.
        "colorscale": [[0, faded(DATA, 0.0)], [1, faded(DATA, 1.0 if theme == "light" else 0.55)]],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "text": [["" if np.isnan(one) else f"{one:.{digits}f}" for one in row] for row in values],
        "texttemplate": "%{text}",
        "textfont": {"size": SMALL, "color": on.ink},
        "hovertemplate": "%{y}, %{x}: %{z:.4g}<extra></extra>",
    }
    layout = {
        "height": 110 + 36 * len(drawing.rows),
        "meta": {
            "xaxis": {"name": drawing.x_title, "names": [label(one) for one in drawing.columns]},
            "yaxis": {"name": drawing.y_title or "Row", "names": [label(one) for one in drawing.rows]},
        },
        "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
        "xaxis": {"title": {"text": drawing.x_title}, "showgrid": False, "type": "category"},
        "yaxis": {
            "title": {"text": drawing.y_title},
            "autorange": "reversed",
            "showgrid": False,
            "type": "category",
        },
    }
    return figure([trace], layout, theme)


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


def _decades(drawn: Sequence[tuple[Line, str]]) -> dict[str, Any]:
    """Name 1, 2 and 5 of every decade in full; Plotly names 2 and 5 by themselves, wherever they stand."""
    values = [float(y) for line, _ in drawn for y in line.y if y > 0]
    if not values:
        return {"type": "log"}
    powers = range(int(np.floor(np.log10(min(values)))) - 1, int(np.ceil(np.log10(max(values)))) + 1)
    places = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return {"type": "log", "tickvals": places, "ticktext": [f"{one:g}" for one in places]}


def _ticks(drawn: Sequence[tuple[Line, str]], *, logarithmic: bool) -> dict[str, Any]:
    """Name the places that were measured, where they are few."""
    places = sorted({float(x) for line, _ in drawn for x in line.x if x > 0 or not logarithmic})
    kind = {"type": "log"} if logarithmic else {}
    if not places or len(places) > MOST_PLACES:
        return kind
    return kind | {"tickvals": places, "ticktext": [f"{one:g}" for one in places]}

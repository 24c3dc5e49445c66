"""What an experiment measured: every arm with its interval and its seeds, and whatever else there is to see."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.template import (
    DATA,
    FIRE,
    GREY,
    ICE,
    RIGHT,
    SIZE,
    SMALL,
    WRONG,
    Ground,
    Mark,
    Theme,
    faded,
    figure,
    ground,
    key,
    label,
)
from core.techniques.events import Clouds, Colour, Grid, Line, Lines
from core.techniques.report import Report, shown
from core.techniques.technique import Arm

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
# Orange is the first method, grey the first baseline and all controls; further ones take what is left, bright and dull.
_METHODS = (FIRE, DATA, RIGHT, WRONG, ICE, "#C2567A")
_BASELINES = (GREY, "#B08B5B", "#6F7FA8", "#7D8F6A", "#A0788C")
_ROW = 58  # pixels of one arm
MOST_PLACES = 9  # on an axis, that are named one by one
_LINE, _MARK = 42, 4  # signs of a key on one line of a phone, and those that a mark takes


def arm_colours(arms: Sequence[Arm]) -> dict[str, str]:
    """Give every arm its colour: methods bright, baselines dull, both in turn; controls grey."""
    found = {arm.name: GREY for arm in arms}
    for role, colours in (("method", _METHODS), ("baseline", _BASELINES)):
        for place, arm in enumerate(one for one in arms if one.role == role):
            found[arm.name] = colours[place % len(colours)]
    return found


def scores(report: Report, quantity: str = "", *, theme: Theme = "light") -> go.Figure:
    """Draw every arm: over the technique's axis as a line in its band, else as a dot with interval and seeds."""
    return _over_axis(report, quantity, theme) if report.technique.axis else _rows(report, quantity, theme)


def _rows(report: Report, quantity: str, theme: Theme) -> go.Figure:
    on, of = ground(theme), report.quantity(quantity)
    scale = 100.0 if of.share else 1.0
    arms = report.technique.arms
    colours = arm_colours(arms)
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    reach: list[float] = []
    for row, arm in enumerate(arms):
        found = report.mean(arm.name, quantity)
        notes.append(
            _note(label(arm.title), 0.0, row, on, anchor="left", size=SMALL + 1, bold=arm.role == "method")
        )
        if found is None:
            continue
        seeds = [scale * one for one in report.values(arm.name, quantity).values()]
        value, low, high = (scale * one for one in (found.value, found.low, found.high))
        reach += [low, high, *seeds]
        notes.append(_note(shown(found.value, of), 1.0, row, on, anchor="right", size=SIZE, bold=True))
        colour = colours[arm.name]
        traces += [
            {
                "type": "scatter",
                "mode": "markers",
                "x": seeds,
                "y": [row + 0.22] * len(seeds),
                "marker": {"size": 7, "color": faded(colour, 0.55)},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "x": [value],
                "y": [row + 0.22],
                "marker": {
                    "size": 16,
                    "color": colour if arm.role != "control" else "rgba(0,0,0,0)",
                    "line": {"width": 3, "color": colour},
                },
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [high - value],
                    "arrayminus": [value - low],
                    "thickness": 5,
                    "width": 0,
                    "color": faded(colour, 0.55),
                },
                "cliponaxis": False,
                "customdata": [[label(arm.title), label(arm.what), low, high]],
                "hovertemplate": "<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{x:.4g} "
                "[%{customdata[2]:.4g}, %{customdata[3]:.4g}]<extra></extra>",
            },
        ]
    layout = {
        "height": 70 + _ROW * len(arms),
        "margin": {"l": 10, "r": 14, "t": 6, "b": 8},
        "xaxis": {
            "title": {"text": of.title + (" (%)" if of.share else "")},
            "range": _range(reach, share=of.share),
            "nticks": 7,
        },
        "yaxis": {"range": [len(arms) - 0.5, -0.62], "visible": False},
        "shapes": [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": row + 0.46,
                "y1": row + 0.46,
                "line": {"width": 1, "color": on.grid},
            }
            for row in range(len(arms) - 1)
        ],
        "annotations": notes,
    }
    return figure(traces, layout, theme)


def _over_axis(report: Report, quantity: str, theme: Theme) -> go.Figure:
    axis, of = report.technique.axis, report.quantity(quantity)
    assert axis is not None
    arms = report.technique.arms
    colours = arm_colours(arms)
    lines = []
    for arm in arms:
        found = [(x, report.mean(arm.name, quantity, x)) for x in report.places(quantity)]
        there = [(x, one) for x, one in found if one is not None]
        lines.append(
            (
                Line(
                    name=arm.title,
                    colour=arm.role,
                    x=[x for x, _ in there],
                    y=[one.value for _, one in there],
                    # Bands where the verdict looks; eight of them would hide each other.
                    low=[one.low for _, one in there] if arm.name in report.technique.verdict else None,
                    high=[one.high for _, one in there] if arm.name in report.technique.verdict else None,
                    dashed=arm.role == "control",
                ),
                colours[arm.name],
            )
        )
    return _lines(
        lines,
        x_title=axis.title,
        y_title=of.title,
        share=of.share,
        logarithmic_x=axis.logarithmic,
        logarithmic_y=False,
        theme=theme,
        dots=True,
    )


def panel(drawing: Lines | Clouds | Grid, *, theme: Theme = "light") -> go.Figure:
    """Draw what an experiment has to show beyond its scores."""
    if isinstance(drawing, Lines):
        return _lines(
            [(one, COLOURS[one.colour]) for one in drawing.lines],
            x_title=drawing.x_title,
            y_title=drawing.y_title,
            share=drawing.share,
            logarithmic_x=drawing.logarithmic_x,
            logarithmic_y=drawing.logarithmic_y,
            theme=theme,
            dots=False,
        )
    return _clouds(drawing, theme) if isinstance(drawing, Clouds) else _grid(drawing, theme)


def _lines(
    lines: Sequence[tuple[Line, str]],
    *,
    x_title: str,
    y_title: str,
    share: bool,
    logarithmic_x: bool,
    logarithmic_y: bool,
    theme: Theme,
    dots: bool,
) -> go.Figure:
    scale = 100.0 if share else 1.0
    traces: list[dict[str, Any]] = []
    for line, colour in lines:
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
    entries: list[tuple[str, str, Mark]] = [
        (label(line.name), colour, "dots" if line.dashed else "line") for line, colour in lines
    ]
    title, rows = _key(entries)
    layout = {
        "height": 400 + 24 * rows,
        "margin": {"l": 8, "r": 14, "t": 22 + 24 * rows, "b": 8},
        "title": title,
        "xaxis": {"title": {"text": x_title}, "showgrid": False, **_ticks(lines, logarithmic=logarithmic_x)},
        "yaxis": {
            "title": {"text": y_title + (" (%)" if share else "")},
            **({"type": "log"} if logarithmic_y else {}),
        },
    }
    return figure(traces, layout, theme)


def _clouds(drawing: Clouds, theme: Theme) -> go.Figure:
    on = ground(theme)
    count = len(drawing.plots)
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"height": 440, "margin": {"l": 6, "r": 6, "b": 6}}
    notes: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for place, (title, clouds) in enumerate(drawing.plots, start=1):
        suffix = "" if place == 1 else str(place)
        start, end = (place - 1) / count + 0.01, place / count - 0.01
        hidden = {"visible": True, "showticklabels": False, "zeroline": False, "ticks": ""}
        layout[f"xaxis{suffix}"] = hidden | {"domain": [start, end], "anchor": f"y{suffix}"}
        layout[f"yaxis{suffix}"] = hidden | {"anchor": f"x{suffix}"}
        notes.append(
            {
                "text": f"<b>{label(title)}</b>",
                "xref": "paper",
                "yref": "paper",
                "x": start,
                "y": 1.0,
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": SMALL + 1, "color": on.ink},
            }
        )
        for cloud in clouds:
            colour = COLOURS[cloud.colour]
            names[cloud.name] = colour
            points = np.asarray(cloud.points, dtype=float).reshape(-1, 2)
            letters = None if cloud.symbols is None else [str(one) for one in cloud.symbols]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers" if letters is None else "text",
                    "x": points[:, 0].tolist(),
                    "y": points[:, 1].tolist(),
                    "text": letters,
                    "textfont": {"color": colour, "size": SMALL, "weight": 700},
                    "marker": {"size": 7, "color": faded(colour, 0.75)},
                    "xaxis": f"x{suffix}",
                    "yaxis": f"y{suffix}",
                    "hoverinfo": "skip",
                }
            )
    title_of, rows = _key([(label(name), colour, "dots") for name, colour in names.items()])
    layout |= {"title": title_of, "annotations": notes}
    layout["margin"]["t"] = 48 + 24 * rows
    return figure(traces, layout, theme)


def _grid(drawing: Grid, theme: Theme) -> go.Figure:
    on = ground(theme)
    scale = 100.0 if drawing.share else 1.0
    values = scale * np.asarray(drawing.values, dtype=float)
    low = scale * drawing.low if drawing.low is not None else float(np.nanmin(values))
    high = scale * drawing.high if drawing.high is not None else float(np.nanmax(values))
    digits = 0 if drawing.share else 2
    trace = {
        "type": "heatmap",
        "x": [label(one, 16) for one in drawing.columns],
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


def _key(entries: Sequence[tuple[str, str, Mark]]) -> tuple[dict[str, Any], int]:
    """Explain colours on as many lines as a phone needs; and how many those are."""
    title = key(*entries)
    rows: list[list[str]] = [[]]
    room = _LINE
    for part, (name, _, _) in zip(title["text"].split("\u2003"), entries, strict=True):
        if rows[-1] and len(name) + _MARK > room:
            rows.append([])
            room = _LINE
        rows[-1].append(part)
        room -= len(name) + _MARK
    title["text"] = "<br>".join("\u2003".join(row) for row in rows)
    title["pad"]["t"] += 22 * (len(rows) - 1)  # Plotly hangs the last line where it is told to hang the first
    return title, len(rows)


def _ticks(lines: Sequence[tuple[Line, str]], *, logarithmic: bool) -> dict[str, Any]:
    """Name the places that were measured, where they are few."""
    places = sorted({float(x) for line, _ in lines for x in line.x if x > 0 or not logarithmic})
    kind = {"type": "log"} if logarithmic else {}
    if not places or len(places) > MOST_PLACES:
        return kind
    return kind | {"tickvals": places, "ticktext": [f"{one:g}" for one in places]}


def _range(values: Sequence[float], *, share: bool) -> list[float] | None:
    if not values:
        return [0, 100] if share else None
    low, high = min(values), max(values)
    room = 0.08 * max(high - low, 1e-9 if not share else 4.0)
    return [low - room, high + room]


def _note(text: str, x: float, row: int, on: Ground, *, anchor: str, size: int, bold: bool) -> dict[str, Any]:
    return {
        "text": text,
        "xref": "paper",
        "x": x,
        "y": row - 0.08,
        "xanchor": anchor,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": size, "color": on.ink, "weight": 700 if bold else 400},
    }

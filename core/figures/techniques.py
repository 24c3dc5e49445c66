"""What an experiment measured: every arm with its interval and its seeds, or as a line over the axis."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.technique_panels import Entry, lines
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
    Theme,
    faded,
    figure,
    ground,
    label,
)
from core.techniques.events import Line
from core.techniques.report import Report, shown
from core.techniques.technique import Arm

# Orange is the first method, grey the first baseline and all controls; further ones take what is left, bright and dull.
_METHODS = (FIRE, DATA, RIGHT, WRONG, ICE, "#C2567A")
_BASELINES = (GREY, "#B08B5B", "#6F7FA8", "#7D8F6A", "#A0788C")
_ROW = 58  # pixels of one arm


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


def key(report: Report) -> list[Entry]:
    """Explain the lines over the technique's axis; rows say themselves what they are."""
    arms = report.technique.arms
    colours = arm_colours(arms)
    if report.technique.axis is None:
        return []
    return [
        Entry(name=arm.title, colour=colours[arm.name], mark="dots" if arm.role == "control" else "line")
        for arm in arms
    ]


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
                "meta": {"also": ["Arm"], "table": "Every seed"},
                "customdata": [[label(arm.title)]] * len(seeds),
                "x": seeds,
                "y": [row + 0.22] * len(seeds),
                "marker": {"size": 7, "color": faded(colour, 0.55)},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "meta": {"also": ["Arm"], "low": "95 % from", "high": "to"},
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
    drawn = []
    for arm in arms:
        found = [(x, report.mean(arm.name, quantity, x)) for x in report.places(quantity)]
        there = [(x, one) for x, one in found if one is not None]
        drawn.append(
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
    return lines(
        drawn,
        x_title=axis.title,
        y_title=of.title,
        share=of.share,
        logarithmic_x=axis.logarithmic,
        logarithmic_y=False,
        theme=theme,
        dots=True,
    )


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

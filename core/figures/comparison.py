"""Runs side by side, each with how sure we are of it, and their differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from core.figures.template import (
    FIRE,
    GREY,
    GUIDE,
    LEVEL,
    ROLES,
    SIZE,
    SMALL,
    Role,
    Theme,
    figure,
    ground,
    label,
)
from core.metrics.report import Difference, Interval

DOT = 0.14  # how far below the middle of its row a dot lies; its name stands above


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row: a run's name, its test accuracy, and the colour's meaning."""

    name: str
    accuracy: Interval  # 0-1
    role: Role = "trainable"


def accuracies(
    results: Sequence[Result], *, chance: float | None = None, theme: Theme = "light"
) -> go.Figure:
    """Draw a dot with its 95 % interval for every run, in percent, from 0 to 100; chance is a dashed line."""
    on = ground(theme)
    rows = [
        (
            label(one.name, 38),
            label(one.name),
            f"{100 * one.accuracy.value:.1f} %",
            Interval(
                value=100 * one.accuracy.value, low=100 * one.accuracy.low, high=100 * one.accuracy.high
            ),
            ROLES[one.role],
        )
        for one in results
    ]
    annotations = []
    if chance is not None:
        annotations.append(
            {
                "text": "chance",
                "x": 100 * chance,
                "y": len(rows) - 0.62,
                "yanchor": "top",
                "showarrow": False,
                "font": {"size": SMALL, "color": on.muted},
            }
        )
    axis = {"range": [0, 101], "dtick": 20, "title": {"text": "Test accuracy (%), with 95 % interval"}}
    return _forest(rows, axis, None if chance is None else 100 * chance, annotations, theme)


def differences(found: Sequence[Difference], *, theme: Theme = "light") -> go.Figure:
    """Draw each difference in percentage points with its 95 % interval; what crosses the line may be chance."""
    rows = []
    reach = 1.0
    for one in found:
        points = Interval(
            value=100 * one.difference.value, low=100 * one.difference.low, high=100 * one.difference.high
        )
        reach = max(reach, abs(points.low), abs(points.high))
        seen = points.low > 0 or points.high < 0
        cut, whole = (" − ".join(label(name, longest) for name in one.names) for longest in (20, None))
        rows.append((cut, whole, f"{points.value:+.1f}", points, FIRE if seen else GREY))
    axis = {
        "range": [-1.1 * reach, 1.1 * reach],
        "nticks": 7,
        "title": {"text": "Difference (percentage points)"},
    }
    return _forest(rows, axis, 0.0, [], theme)


def _forest(
    rows: Sequence[tuple[str, str, str, Interval, str]],
    x_axis: dict[str, Any],
    reference: float | None,
    annotations: list[dict[str, Any]],
    theme: Theme,
) -> go.Figure:
    """Names stand above their rows, not beside them: long ones must fit on a phone."""
    on = ground(theme)
    for row, (name, _, value, _, _) in enumerate(rows):
        for text, x, anchor, weight, size in (
            (name, 0.0, "left", 400, SMALL + 1),
            (value, 1.0, "right", 700, SIZE),
        ):
            annotations.append(
                {
                    "text": text,
                    "xref": "paper",
                    "x": x,
                    "y": row - 0.12,
                    "xanchor": anchor,
                    "yanchor": "bottom",
                    "showarrow": False,
                    "font": {"size": size, "color": on.ink, "weight": weight},
                }
            )
    low, high = x_axis["range"]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "meta": GUIDE,
            "x": [low, high],
            "y": [row + DOT, row + DOT],
            "line": {"color": on.grid, "width": 3},
            "hoverinfo": "skip",
        }
        for row in range(len(rows))
    ]
    if reference is not None:
        # A short mark in every row: one long line would run through the names.
        traces += [
            {
                "type": "scatter",
                "mode": "lines",
                "name": "chance",
                "meta": GUIDE if row or not reference else LEVEL,
                "x": [reference, reference],
                "y": [row + DOT - 0.16, row + DOT + 0.16],
                "line": {"color": on.muted, "width": 3},
                "hoverinfo": "skip",
            }
            for row in range(len(rows))
        ]
    traces += [
        {
            "type": "scatter",
            "mode": "markers",
            "y": [row + DOT],
            "x": [points.value],
            "cliponaxis": False,
            "marker": {"size": 16, "color": colour},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": [points.high - points.value],
                "arrayminus": [points.value - points.low],
                "thickness": 5,
                "width": 0,
                "color": colour,
            },
            "meta": {"series": "", "also": ["Run"], "low": "95 % from", "high": "to"},
            "customdata": [[name, points.low, points.high]],
            "hovertemplate": "%{customdata[0]}<br><b>%{x:.1f}</b> "
            "[%{customdata[1]:.1f}, %{customdata[2]:.1f}]<extra></extra>",
        }
        for row, (_, name, _, points, colour) in enumerate(rows)
    ]
    layout = {
        "height": 92 + 66 * max(len(rows), 1),
        "margin": {"l": 12, "r": 12, "t": 6},
        "xaxis": x_axis | {"showgrid": False},
        "yaxis": {"range": [len(rows) - 0.4, -0.62], "visible": False},
        "annotations": annotations,
    }
    return figure(traces, layout, theme)

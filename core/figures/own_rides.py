"""The visitor's own learning curve: seconds upright ride by ride, the control, the hand, and machine changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.template import FIRE, GREY, ICE, SIZE, SMALL, WRONG, Theme, faded, figure, ground, key
from core.riding.own_rides import Carried, OwnRide, signed

_FLOOR = 0.24  # of the height: the strip that shows the hand


def own_rides(
    rides: Sequence[OwnRide],
    ahead: Sequence[OwnRide],
    carried: Sequence[Carried],
    titles: Mapping[str, str],
    *,
    whole: float,
    theme: Theme = "light",
) -> go.Figure:
    """Draw ``rides`` in their order, then room for those ``ahead``; ``carried`` become arrows.

    Fire orange: the visitor. Grey: the same ride with nobody steering. Ice blue: what the hand holds.
    ``titles`` names the machines, ``whole`` is the longest ride in seconds.
    """
    on = ground(theme)
    everything = [*rides, *ahead]
    places = list(range(1, len(everything) + 1))
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "Nobody steering",
            "x": places,
            "y": [one.nobody for one in everything],
            "marker": {
                "size": 10,
                "color": faded(GREY, 0.9),
                "symbol": "line-ew",
                "line": {"width": 3, "color": GREY},
            },
            "hovertemplate": "nobody steering: %{y:.1f} s<extra></extra>",
        },
        {
            "type": "bar",
            "name": "Hand",
            "x": places,
            "y": [100 * one.hand for one in everything],
            "yaxis": "y2",
            "width": 0.62,
            "marker": {
                "color": [ICE] * len(rides) + [faded(ICE, 0.35)] * len(ahead),
                "line": {"width": 0},
            },
            "hovertemplate": "the hand holds %{y:.0f} %<extra></extra>",
        },
    ]
    for run in _runs(rides):
        shown = [rides[place - 1] for place in run]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": titles[shown[0].machine],
                "x": run,
                "y": [one.seconds for one in shown],
                "line": {"color": FIRE, "width": 3.5},
                "marker": {
                    "size": [10 if one.fell else 17 for one in shown],
                    "symbol": ["circle" if one.fell else "star" for one in shown],
                    "color": FIRE,
                    "opacity": 1,
                },
                "cliponaxis": False,
                "customdata": [[one.number + 1, "fell" if one.fell else "the whole ride"] for one in shown],
                "hovertemplate": titles[shown[0].machine]
                + ", ride %{customdata[0]}: %{y:.1f} s, %{customdata[1]}<extra></extra>",
            }
        )
    shapes, annotations = _machines(everything, titles, on.muted, on.ink)
    for one in carried:
        annotations += _arrow(rides, one, on.paper, on.trainable, "#B9A4E6" if theme == "dark" else "#5F479B")
    layout = {
        "height": 420,
        "margin": {"l": 58, "r": 12, "t": 64, "b": 44},
        "title": key(
            ("You", FIRE, "line"), ("Nobody steering", GREY, "bar"), ("What the hand holds", ICE, "bar")
        ),
        "uirevision": "own rides",
        "xaxis": {
            "range": [0.4, len(everything) + 0.6],
            "tickvals": places,
            "ticktext": [str(one.number + 1) for one in everything],
            "title": {"text": "Ride on this machine"},
            "showgrid": False,
            "anchor": "y2",
            "automargin": False,
        },
        "yaxis": {
            "domain": [_FLOOR, 1],
            "range": [0, whole * 1.04],
            "dtick": 2,
            "title": {"text": "Seconds upright"},
            "automargin": False,
        },
        "yaxis2": {
            "domain": [0, _FLOOR - 0.06],
            "range": [0, 55],
            "tickvals": [0, 50],
            "title": {"text": "Hand (%)", "font": {"size": SMALL}},
            "showgrid": False,
            "automargin": False,
        },
        "shapes": shapes,
        "annotations": annotations,
    }
    return figure(traces, layout, theme)


def _runs(rides: Sequence[OwnRide]) -> list[list[int]]:
    """Group neighbouring rides on the same machine: places from 1."""
    runs: list[list[int]] = []
    for place, one in enumerate(rides, start=1):
        if place > 1 and rides[place - 2].machine == one.machine:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _machines(
    everything: Sequence[OwnRide], titles: Mapping[str, str], line: str, ink: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Mark where the machine changes and name each stretch above the chart."""
    shapes, annotations = [], []
    for run in _runs(everything):
        if run[0] > 1:
            shapes.append(
                {
                    "type": "line",
                    "x0": run[0] - 0.5,
                    "x1": run[0] - 0.5,
                    "yref": "paper",
                    "y0": 0,
                    "y1": 1,
                    "line": {"color": line, "width": 1.5, "dash": "dot"},
                    "layer": "below",
                }
            )
        title = titles[everything[run[0] - 1].machine]
        annotations.append(
            {
                "text": f"<b>{title.replace(' ', '<br>') if len(run) < 6 else title}</b>"
                if len(run) > 1
                else "",
                "x": (run[0] + run[-1]) / 2,
                "yref": "paper",
                "y": 1.0,
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": SMALL, "color": ink},
            }
        )
    return shapes, annotations


def _arrow(
    rides: Sequence[OwnRide], one: Carried, paper: str, better: str, worse: str
) -> list[dict[str, Any]]:
    """Draw an arrow from the bicycle's first ride to this machine's, where there is a difference."""
    if one.kind not in ("jump-start", "negative transfer"):
        return []
    place = next(place for place, ride in enumerate(rides, start=1) if ride.machine == one.machine)
    up = one.difference > 0
    colour = better if up else worse
    x = place - 0.3
    return [
        {
            "x": x,
            "y": one.first,
            "ax": x,
            "ay": one.source_first,
            "axref": "x",
            "ayref": "y",
            "showarrow": True,
            "arrowhead": 2,
            "arrowsize": 1.1,
            "arrowwidth": 3,
            "arrowcolor": colour if up else WRONG,
            "text": "",
        },
        {
            "x": place + 0.25,
            "y": max(one.first, one.source_first) if not up else min(one.first, one.source_first),
            "xanchor": "left",
            "yanchor": "bottom" if not up else "top",
            "showarrow": False,
            "text": f"<b>{'jump-start' if up else 'negative<br>transfer'}<br>{signed(one.difference)} s</b>",
            "align": "left",
            "font": {"size": SIZE - 1, "color": colour},
            "bgcolor": faded(paper, 0.75),
        },
    ]

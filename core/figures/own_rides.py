"""The visitor's own learning curve: seconds upright ride by ride, the control, the hand, and machine changes."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import plotly.graph_objects as go

from core.figures.table import SAID
from core.figures.template import (
    FIRE,
    GREY,
    ICE,
    SIZE,
    SMALL,
    WRONG,
    Theme,
    faded,
    figure,
    ground,
    key,
)
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
    """Draw ``rides``, and room for those ``ahead``, machine by machine; ``carried`` become arrows.

    Fire orange: the visitor. Grey: the same ride with nobody steering. Ice blue: what the hand holds.
    ``titles`` names the machines from left to right, ``whole`` is the longest ride in seconds.
    """
    on = ground(theme)
    ridden = {name: [one for one in rides if one.machine == name] for name in titles}
    slots = {name: [*ridden[name], *(one for one in ahead if one.machine == name)] for name in titles}
    everything = [one for name in titles for one in slots[name]]
    places = list(range(1, len(everything) + 1))
    begins = dict(zip(titles, accumulate((len(one) for one in slots.values()), initial=1), strict=False))
    machines = [[titles[name]] for name in titles for _ in slots[name]]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "Nobody steering",
            "meta": {"also": ["Machine"]},
            "customdata": machines,
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
            "meta": {"series": "", "also": ["Machine"]},
            "customdata": machines,
            "x": places,
            "y": [100 * one.hand for one in everything],
            "yaxis": "y2",
            "width": 0.62,
            "marker": {
                "color": [
                    ICE if place < len(ridden[name]) else faded(ICE, 0.35)
                    for name in titles
                    for place in range(len(slots[name]))
                ],
                "line": {"width": 0},
            },
            "hovertemplate": "the hand holds %{y:.0f} %<extra></extra>",
        },
    ]
    for name, shown in ridden.items():
        if not shown:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": titles[name],
                "meta": {"series": "You", "also": [None, "How it ended", "Machine"]},
                "x": [begins[name] + place for place in range(len(shown))],
                "y": [one.seconds for one in shown],
                "line": {"color": FIRE, "width": 3.5},
                "marker": {
                    "size": [10 if one.fell else 17 for one in shown],
                    "symbol": ["circle" if one.fell else "star" for one in shown],
                    "color": FIRE,
                    "opacity": 1,
                },
                "cliponaxis": False,
                "customdata": [
                    [one.number + 1, "fell" if one.fell else "the whole ride", titles[name]] for one in shown
                ],
                "hovertemplate": titles[name]
                + ", ride %{customdata[0]}: %{y:.1f} s, %{customdata[1]}<extra></extra>",
            }
        )
    shapes, annotations = [], []
    for name, title in titles.items():
        begin, middle = begins[name], begins[name] + (len(slots[name]) - 1) / 2
        annotations.append(_title(title, middle, on.ink))
        if begin > 1:
            shapes.append(_border(begin - 0.5, on.muted))
    for one in carried:
        if one.kind in ("jump-start", "negative transfer"):
            middle = begins[one.machine] + (len(slots[one.machine]) - 1) / 2
            annotations += _difference(one, begins[one.machine], middle, whole=whole, theme=theme)
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


def _title(title: str, middle: float, ink: str) -> dict[str, Any]:
    """Name a machine above its stretch."""
    return {
        "text": f"<b>{title.replace(' ', '<br>')}</b>",
        "x": middle,
        "yref": "paper",
        "y": 1.0,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": SMALL, "color": ink},
    }


def _border(place: float, colour: str) -> dict[str, Any]:
    """Divide one machine from the next."""
    return {
        "type": "line",
        "x0": place,
        "x1": place,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": colour, "width": 1.5, "dash": "dot"},
        "layer": "below",
    }


def _difference(
    one: Carried, begin: float, middle: float, *, whole: float, theme: Theme
) -> list[dict[str, Any]]:
    """Draw an arrow from the bicycle's first ride to this machine's, and name it where its rides leave room."""
    on, up = ground(theme), one.difference > 0
    readable = on.trainable if up else {"dark": "#B9A4E6", "light": "#5F479B"}[theme]
    arrow = {
        "x": begin - 0.3,
        "y": one.first,
        "ax": begin - 0.3,
        "ay": one.source_first,
        "axref": "x",
        "ayref": "y",
        "showarrow": True,
        "arrowhead": 2,
        "arrowsize": 1.1,
        "arrowwidth": 3,
        "arrowcolor": readable if up else WRONG,
        "text": "",
    }
    name = {
        "x": middle,
        "y": 0.1 if up else whole,
        "yanchor": "bottom" if up else "top",
        "showarrow": False,
        "name": SAID,
        "text": f"<b>{'jump-start' if up else 'negative<br>transfer'}<br>{signed(one.difference)} s</b>",
        "font": {"size": SIZE - 1, "color": readable},
        "bgcolor": faded(on.paper, 0.75),
    }
    return [arrow, name]

"""How faithful a map is: curves of deletion and insertion, and which maps notice that a network forgets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.template import DATA, GREY, SMALL, Theme, faded, figure, ground, key, label
from core.interpretation.trust import Curve, Curves, SanityStep


def faithfulness(curves: Curves, *, theme: Theme = "light") -> go.Figure:
    """Draw deletion and insertion side by side: the map in gold, the same map shuffled in grey (its range shaded)."""
    traces: list[dict[str, Any]] = []
    most = 0.0
    for curve, mark in ((curves.deletion, ""), (curves.insertion, "2")):
        axes = {"xaxis": f"x{mark}", "yaxis": "y"}
        traces += [*_control(curve, axes), _map(curve, axes)]
        most = max(most, float(curve.map.max()), float(curve.shuffled.max(initial=0)))
    layout = {
        "height": 290,
        "margin": {"t": 44, "r": 14},
        "title": key(("This map", DATA, "line"), ("Shuffled, as a control", GREY, "line")),
        "yaxis": {"range": [0, max(108 * most, 1)], "title": {"text": "Probability (%)"}, "nticks": 5},
        "xaxis": {**_shares("Pixels removed (%)"), "domain": [0, 0.47]},
        "xaxis2": {**_shares("Pixels brought in (%)"), "domain": [0.53, 1], "anchor": "y"},
    }
    return figure(traces, layout, theme)


def sanity(found: Mapping[str, Sequence[SanityStep]], *, theme: Theme = "light") -> go.Figure:
    """Draw one row a method: how like the first its map still is (Spearman's rank correlation) after each step.

    ``found`` has the steps by the methods' titles, all of the same network. Pale: the map noticed; gold: it did not.
    """
    on = ground(theme)
    names = list(found)
    steps = next(iter(found.values()), ())[1:]
    ranks = [[one.rank for one in row[1:]] for row in found.values()]
    return figure(
        [
            {
                "type": "heatmap",
                "z": [[None if rank is None else max(rank, 0) for rank in row] for row in ranks],
                "zmin": 0,
                "zmax": 1,
                "showscale": False,
                "colorscale": [[0, faded(DATA, 0.04)], [1, DATA]],
                "xgap": 3,
                "ygap": 3,
                "text": [["–" if rank is None else f"{rank:.2f}" for rank in row] for row in ranks],
                "texttemplate": "%{text}",
                "textfont": {"size": SMALL, "color": on.ink},
                "hoverinfo": "skip",
                "meta": {"cells": "customdata", "value": "Rank correlation with the map as trained"},
                "customdata": ranks,
            }
        ],
        {
            "height": 96 + 34 * len(names),
            "margin": {"t": 8},
            "meta": {
                "xaxis": {
                    "name": "what forgets",
                    "names": [label(_step(one.part, number)) for number, one in enumerate(steps)],
                },
                "yaxis": {"name": "Method", "names": [label(name) for name in names]},
            },
            "xaxis": {
                "tickvals": list(range(len(steps))),
                "ticktext": [label(_step(one.part, number), 14) for number, one in enumerate(steps)],
                "side": "top",  # slanted on a phone; above the rows they meet nothing
                "showgrid": False,
            },
            "yaxis": {
                "tickvals": list(range(len(names))),
                "ticktext": [label(name, 22) for name in names],
                "range": [len(names) - 0.5, -0.5],
                "showgrid": False,
            },
        },
        theme,
    )


def _step(part: str | None, number: int) -> str:
    return str(part) if number == 0 else f"+ {part}"


def _map(curve: Curve, axes: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "meta": {"series": "This map"},
        "x": (100 * curve.shares).tolist(),
        "y": (100 * curve.map).tolist(),
        "line": {"color": DATA, "width": 4},
        "hovertemplate": "%{x:.0f} % of the pixels<br>probability %{y:.1f} %<extra></extra>",
        **axes,
    }


def _control(curve: Curve, axes: dict[str, str]) -> list[dict[str, Any]]:
    if not len(curve.shuffled):
        return []
    shares = (100 * curve.shares).tolist()
    low, high, middle = (100 * found for found in _range(curve))
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [*shares, *reversed(shares)],
            "y": [*high.tolist(), *reversed(low.tolist())],
            "fill": "toself",
            "fillcolor": faded(GREY, 0.22),
            "line": {"width": 0},
            "hoverinfo": "skip",
            **axes,
        },
        {
            "type": "scatter",
            "mode": "lines",
            "meta": {"series": "Shuffled, mean", "low": "Lowest shuffle", "high": "Highest shuffle"},
            "x": shares,
            "y": middle.tolist(),
            "line": {"color": GREY, "width": 3},
            "hoverinfo": "skip",
            **axes,
        },
    ]


def _range(curve: Curve) -> tuple[Any, Any, Any]:
    """Lowest, highest and mean control at every share."""
    return np.min(curve.shuffled, 0), np.max(curve.shuffled, 0), np.mean(curve.shuffled, 0)


def _shares(title: str) -> dict[str, Any]:
    return {"range": [0, 100], "dtick": 50, "title": {"text": title}}

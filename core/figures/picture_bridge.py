"""Accuracy against the number of motorcycles seen, for networks that knew different things before."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.figures.template import ROLES, SMALL, WRONG, Theme, faded, figure, ground
from core.metrics.classification import mean_interval
from core.riding.picture_bridge import PictureArm


def few_shot(
    accuracy: Mapping[str, NDArray[np.float64]],
    arms: Mapping[str, PictureArm],
    counts: Sequence[int],
    *,
    chance: float = 0.5,
    theme: Theme = "light",
) -> go.Figure:
    """Draw a line per arm over ``counts`` (evenly spaced), mean over seeds with its 95 % t interval as a band.

    ``accuracy`` holds (seeds, counts) for each arm, 0-1. Arms of role "control" are grey, "trainable" fire, "frozen"
    ice, None (a source that misleads) violet; of two fire lines the second is dotted.
    """
    on = ground(theme)
    places = list(range(len(counts)))
    traces: list[dict[str, Any]] = []
    seen: set[str] = set()
    # From 30 %: nobody is wrong much more often than chance, and lines that differ by points are told apart.
    for name, rows in accuracy.items():
        arm = arms[name]
        colour = WRONG if arm.role is None else ROLES[arm.role]
        again = colour in seen
        seen.add(colour)
        intervals = [mean_interval(list(rows[:, place])) for place in places]
        means = [100 * one.value for one in intervals]
        low = [max(0.0, 100 * one.low) for one in intervals]
        high = [min(100.0, 100 * one.high) for one in intervals]
        traces += [
            {
                "type": "scatter",
                "mode": "lines",
                "x": places + places[::-1],
                "y": high + low[::-1],
                "fill": "toself",
                "fillcolor": faded(colour, 0.16),
                "line": {"width": 0},
                "hoverinfo": "skip",
                "name": f"{arm.title} interval",
            },
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": places,
                "y": means,
                "name": arm.title,
                "line": {"color": colour, "width": 3.5, "dash": "dot" if again else "solid"},
                "marker": {"size": 9, "color": colour},
                "customdata": [[counts[k], low[k], high[k]] for k in places],
                "hovertemplate": f"{arm.title}, %{{customdata[0]}} motorcycles: %{{y:.1f}} % "
                "[%{customdata[1]:.1f}, %{customdata[2]:.1f}]<extra></extra>",
            },
        ]
    layout = {
        "height": 440,
        "margin": {"l": 62, "r": 16, "t": 20, "b": 56},
        "xaxis": {
            "tickvals": places,
            "ticktext": [str(count) for count in counts],
            "title": {"text": "Motorcycles to learn from"},
            "range": [-0.25, len(counts) - 0.75],
            "showgrid": False,
            "automargin": False,
        },
        "yaxis": {"range": [30, 101], "dtick": 10, "title": {"text": "Accuracy (%)"}, "automargin": False},
        "shapes": [
            {
                "type": "line",
                "name": "chance",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": 100 * chance,
                "y1": 100 * chance,
                "layer": "below",
                "line": {"color": on.muted, "width": 1.5, "dash": "dash"},
            }
        ],
        "annotations": [
            {
                "text": "chance",
                "x": len(counts) - 0.78,
                "y": 100 * chance,
                "xanchor": "right",
                "yanchor": "top",
                "showarrow": False,
                "font": {"size": SMALL, "color": on.muted},
            }
        ],
    }
    return figure(traces, layout, theme)


def colour_of(arm: PictureArm) -> str:
    """Name the Streamlit colour of an arm, for words beside the chart."""
    return {None: "violet", "control": "gray", "trainable": "orange", "frozen": "blue"}[arm.role]

"""Accuracy against the number of motorcycles seen, for networks that knew different things before."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.figures.axes import axis, named_axis
from core.figures.marks import band, line, note, rule
from core.figures.template import ROLES, WRONG, Theme, figure, ground
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
    traces: list[dict[str, Any]] = []
    seen: set[str] = set()
    for name, rows in accuracy.items():
        arm = arms[name]
        colour = WRONG if arm.role is None else ROLES[arm.role]
        traces += _line(arm.title, rows, counts, colour, "dot" if colour in seen else "solid")
        seen.add(colour)
    return figure(
        traces,
        theme,
        height=440,
        margin={"l": 62, "r": 16, "t": 20, "b": 56},
        xaxis=named_axis(
            [str(count) for count in counts],
            room=0.25,
            title="Motorcycles to learn from",
            automargin=False,
        ),
        # From 30 %: nobody is wrong much more often than chance, and lines that differ by points are told apart.
        yaxis=axis("Accuracy (%)", range=[30, 101], dtick=10, automargin=False),
        shapes=[rule(on.muted, y=100 * chance, width=1.5, dash="dash", name="chance", layer="below")],
        annotations=[note("chance", len(counts) - 0.78, 100 * chance, on.muted, anchor="right top")],
    )


def _line(
    title: str, rows: NDArray[np.float64], counts: Sequence[int], colour: str, dash: str
) -> list[dict[str, Any]]:
    places = list(range(len(counts)))
    intervals = [mean_interval(list(rows[:, place])).times(100) for place in places]
    low = [max(0.0, interval.low) for interval in intervals]
    high = [min(100.0, interval.high) for interval in intervals]
    return [
        band(places, low, high, colour, name=f"{title} interval"),
        line(
            places,
            [interval.value for interval in intervals],
            colour,
            width=3.5,
            dash=dash,
            dots=9,
            name=title,
            customdata=[list(row) for row in zip(counts, low, high, strict=True)],
            hover=f"{title}, %{{customdata[0]}} motorcycles: %{{y:.1f}} % "
            "[%{customdata[1]:.1f}, %{customdata[2]:.1f}]",
        ),
    ]


def colour_of(arm: PictureArm) -> str:
    """Name the Streamlit colour of an arm, for words beside the chart."""
    return {None: "violet", "control": "gray", "trainable": "orange", "frozen": "blue"}[arm.role]

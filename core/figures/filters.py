"""Charts of the early and the late: the experiments stage by stage, and the first filters' wheel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.figures.template import (
    DATA,
    GREY,
    GUIDE,
    ICE,
    SMALL,
    Mark,
    Theme,
    faded,
    figure,
    ground,
    key,
    label,
)

_MARKS: dict[str, Mark] = {ICE: "line", GREY: "dots"}

Spread = tuple[float, float, float]  # lower quartile, median, upper quartile


def stage_by_stage(
    stages: Sequence[str],
    trained: Sequence[Spread],
    random: Sequence[Spread] | None,
    *,
    title: str,
    random_shown: bool = False,
    theme: Theme = "light",
) -> go.Figure:
    """Draw one measure over the stages, the input on the left: median over channels, and the quartiles as a band.

    ``random`` holds the same of the network with random weights, in grey, or None; ``random_shown`` says that the
    first ones are the random ones.
    """
    on = ground(theme)
    places = list(range(len(stages)))
    traces: list[dict[str, Any]] = []
    first = ("Random weights", GREY, trained) if random_shown else ("Trained", ICE, trained)
    rows = [*([("Random weights", GREY, random)] if random is not None else []), first]
    for name, colour, values in rows:
        found = np.asarray(values, dtype=np.float64).reshape(-1, 3)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [*places, *places[::-1]],
                "y": [*found[:, 0], *found[::-1, 2]],
                "fill": "toself",
                "fillcolor": faded(colour, 0.16),
                "line": {"width": 0},
                "hoverinfo": "skip",
            }
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "meta": {"low": "Lower quartile", "high": "Upper quartile"},
                "x": places,
                "y": found[:, 1].tolist(),
                "line": {"color": colour, "width": 3, "dash": "dash" if colour == GREY else "solid"},
                "marker": {"size": 9, "color": colour},
                "customdata": [[label(stage), *spread] for stage, spread in zip(stages, found, strict=True)],
                "hovertemplate": "%{customdata[0]}: %{y:.2f}<br>middle half of the channels "
                f"%{{customdata[1]:.2f}} to %{{customdata[3]:.2f}}<extra>{name}</extra>",
            }
        )
    drawn: list[tuple[str, str, Mark]] = [(name, colour, _MARKS[colour]) for name, colour, _ in rows[::-1]]
    layout = {
        "height": 300,
        "margin": {"t": 40},
        "title": key(*drawn),
        "meta": {"xaxis": {"name": "Stage", "names": [label(stage) for stage in stages]}},
        "xaxis": {
            "tickvals": places,
            "ticktext": [label(stage, 11) for stage in stages],
            "range": [-0.25, len(stages) - 0.75],
            "showgrid": False,
            "tickfont": {"size": SMALL, "color": on.ink},
        },
        "yaxis": {"title": {"text": title}, "rangemode": "tozero"},
    }
    return figure(traces, layout, theme)


def tuning(
    angles: ArrayLike, trained: ArrayLike, *, preferred: float | None = None, theme: Theme = "light"
) -> go.Figure:
    """Draw a filter's answer to stripes of every orientation as a half wheel, 0-180 degrees.

    ``angles`` (A,) in degrees, ``trained`` (A,) answers; ``preferred`` is the orientation found in the kernel.
    """
    on = ground(theme)
    found = np.asarray(trained, dtype=np.float64)
    most = float(found.max(initial=0.0)) or 1.0
    angle = np.asarray(angles, dtype=np.float64)
    # Stripes turned by 180 degrees are the same stripes, so the wheel is closed by its own beginning.
    turns = np.concatenate([angle, angle + 180, angle[:1]])
    values = np.concatenate([found, found, found[:1]]) / most
    traces: list[dict[str, Any]] = [
        {
            "type": "scatterpolar",
            "mode": "lines+markers",
            "meta": {
                "x": "Turn of the stripes (°)",
                "y": "Answer, of its best (0 to 1)",
                "points": len(angle),
            },
            "theta": turns.tolist(),
            "r": values.tolist(),
            "fill": "toself",
            "fillcolor": faded(ICE, 0.2),
            "line": {"color": ICE, "width": 3},
            "marker": {"size": 5, "color": ICE},
            "hovertemplate": "stripes at %{theta:.0f}°<br>%{r:.0%} of its best<extra></extra>",
        }
    ]
    if preferred is not None:
        traces.append(
            {
                "type": "scatterpolar",
                "mode": "lines",
                "meta": GUIDE,
                "theta": [preferred, preferred, preferred + 180],
                "r": [1.08, 0, 1.08],
                "line": {"color": DATA, "width": 3, "dash": "dot"},
                "hoverinfo": "skip",
            }
        )
    layout = {
        "height": 280,
        "margin": {"t": 34, "l": 36, "r": 36, "b": 28},
        "polar": {
            "bgcolor": "rgba(0,0,0,0)",
            "radialaxis": {"visible": False, "range": [0, 1.1]},
            "angularaxis": {
                "tickvals": [0, 45, 90, 135, 180, 225, 270, 315],
                "ticktext": ["0°", "45°", "90°", "135°"] * 2,
                "gridcolor": on.grid,
                "linecolor": on.grid,
                "tickfont": {"size": SMALL, "color": on.muted},
            },
        },
    }
    return figure(traces, layout, theme)


def wheel(
    orientations: ArrayLike,
    frequencies: ArrayLike,
    colours: Sequence[str],
    labels: Sequence[str],
    *,
    chosen: int | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw every filter as a dot: its angle is the stripes' orientation, its radius cycles per pixel.

    ``orientations`` (K,) in degrees, 0-180; each filter stands on both sides, since stripes have no direction.
    """
    on = ground(theme)
    angle = np.asarray(orientations, dtype=np.float64)
    radius = np.asarray(frequencies, dtype=np.float64)
    rim = [on.ink if number == chosen else on.muted for number in range(len(angle))]
    size = [20 if number == chosen else 12 for number in range(len(angle))]
    traces = [
        {
            "type": "scatterpolar",
            "mode": "markers",
            "meta": GUIDE if turn else {"text": "Filter", "x": "Orientation (°)", "y": "Cycles per pixel"},
            "theta": (angle + turn).tolist(),
            "r": radius.tolist(),
            "marker": {"size": size, "color": list(colours), "line": {"color": rim, "width": 1.5}},
            "text": [label(name) for name in labels],
            "hovertemplate": "%{text}<extra></extra>",
        }
        for turn in (0, 180)
    ]
    layout = {
        "height": 380,
        "margin": {"t": 34, "l": 36, "r": 36, "b": 28},
        "polar": {
            "bgcolor": "rgba(0,0,0,0)",
            "radialaxis": {
                "gridcolor": on.grid,
                "linecolor": on.grid,
                "nticks": 4,
                "tickfont": {"size": SMALL, "color": on.muted},
                "range": [0, max(0.1, float(radius.max(initial=0.0)) * 1.1)],
                "angle": 22.5,
            },
            "angularaxis": {
                "tickvals": [0, 45, 90, 135, 180, 225, 270, 315],
                "ticktext": ["0°", "45°", "90°", "135°"] * 2,
                "gridcolor": on.grid,
                "linecolor": on.grid,
                "tickfont": {"size": SMALL, "color": on.muted},
            },
        },
    }
    return figure(traces, layout, theme)

"""Why riding transfers, and what it costs: torque, gains, source rides, and the machines' own stability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.figures.riding_looks import COLOURS, folded_key
from core.figures.template import DATA, FIRE, GREY, GUIDE, SMALL, WRONG, Theme, faded, figure, ground, key
from core.riding import dynamics, rides
from core.riding.experiment import ARMS
from core.riding.experiment_report import band, median
from core.riding.machines import Machine

FEELINGS = ("lean", "steering", "lean rate", "steering rate", "heading", "off the line")


def strength(
    factors: Sequence[float], survival: NDArray[np.float64], *, chosen: float, theme: Theme = "light"
) -> go.Figure:
    """Draw survival (seeds, factors) on the motorcycle, unpractised, against what the torque is multiplied by."""
    on = ground(theme)
    average, low, high = (100 * one for one in band(survival))
    place = list(factors).index(chosen)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [*factors, *reversed(factors)],
            "y": [*low, *high[::-1]],
            "fill": "toself",
            "fillcolor": faded(FIRE, 0.18),
            "line": {"width": 0},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": list(factors),
            "y": average.tolist(),
            "line": {"color": FIRE, "width": 4},
            "marker": {"size": 8, "color": FIRE},
            "customdata": np.stack([low, high], axis=1).tolist(),
            "hovertemplate": "torque × %{x}<br><b>%{y:.0f} %</b> [%{customdata[0]:.0f}, %{customdata[1]:.0f}]"
            "<extra></extra>",
            "cliponaxis": False,
        },
        {
            "type": "scatter",
            "mode": "markers",
            "meta": GUIDE,
            "x": [chosen],
            "y": [average[place]],
            "marker": {"size": 22, "color": FIRE, "line": {"width": 3, "color": on.ink}},
            "hoverinfo": "skip",
            "cliponaxis": False,
        },
    ]
    right = chosen > 3.2
    layout = {
        "height": 360,
        "margin": {"t": 28, "r": 16},
        "meta": {"yaxis": {"name": "Upright after 6 s (%)"}},
        "xaxis": {
            "range": [factors[0] - 0.1, factors[-1] + 0.1],
            "dtick": 1,
            "tickprefix": "× ",
            "title": {"text": "Torque of the bicycle riders' hands"},
            "showgrid": False,
        },
        "yaxis": {
            "range": [-2, 104],
            "tickvals": [0, 50, 100],
            "ticktext": ["0", "50", "100 %"],
            "title": {"text": "Upright after 6 s"},
        },
        "annotations": [
            {
                "text": f"<b>{average[place]:.0f} %</b> [{low[place]:.0f}, {high[place]:.0f}]",
                "x": chosen,
                "y": average[place],
                "xanchor": "right" if right else "left",
                "xshift": -16 if right else 16,
                "yanchor": "top",
                "yshift": -8,
                "showarrow": False,
                "font": {"size": SMALL + 4, "color": on.trainable},
            }
        ],
    }
    return figure(traces, layout, theme)


def gains(directions: Mapping[str, NDArray[np.float64]], *, theme: Theme = "light") -> go.Figure:
    """Draw how the hands answer what is felt: one row of dots a feeling, gains (6,) scaled to length 1.

    ``directions`` are drawn by their names "bicycle", "motorcycle" and "reversed".
    """
    on = ground(theme)
    looks = {
        "bicycle": (FIRE, "circle", 22),
        "motorcycle": (on.ink, "circle-open", 22),
        "reversed": (WRONG, "diamond", 15),
    }
    rows = list(range(len(FEELINGS)))
    traces: list[dict[str, Any]] = []
    for name, direction in directions.items():
        colour, symbol, size = looks[name]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": direction.tolist(),
                "y": rows,
                "marker": {"color": colour, "symbol": symbol, "size": size, "line": {"width": 3}}
                if symbol.endswith("open")
                else {"color": colour, "symbol": symbol, "size": size},
                "customdata": list(FEELINGS),
                "hovertemplate": "%{fullData.name}, %{customdata}: <b>%{x:.2f}</b><extra></extra>",
                "cliponaxis": False,
            }
        )
    marks = {"bicycle": "●", "motorcycle": "○", "reversed": "◆"}
    text = "\u2003".join(
        f'<span style="color:{looks[name][0]};font-size:1.25em">{marks[name]}</span> {name}'
        for name in directions
    )
    layout = {
        "height": 400,
        "title": key() | {"text": text},
        "margin": {"t": 44, "r": 16},
        "meta": {"yaxis": {"name": "What is felt", "names": list(FEELINGS)}},
        "xaxis": {
            "range": [-0.85, 0.85],
            "dtick": 0.5,
            "title": {"text": "Best answer of the hands (scaled)"},
            "zeroline": True,
            "zerolinewidth": 2,
        },
        "yaxis": {
            "tickvals": rows,
            "ticktext": list(FEELINGS),
            "range": [len(rows) - 0.5, -0.5],
            "tickfont": {"size": SMALL + 1, "color": on.ink},
        },
    }
    return figure(traces, layout, theme)


def doses(
    source_rides: Sequence[int], until_goal: Mapping[str, NDArray[np.float64]], *, theme: Theme = "light"
) -> go.Figure:
    """Draw the median updates to the goal (seeds, doses) against the rides on the source before, per source.

    A rider who never got there counts as never; a median that is never has no dot.
    """
    places = list(range(len(source_rides)))
    traces: list[dict[str, Any]] = []
    for arm, values in until_goal.items():
        found = [median(values[:, place]) for place in places]
        top = float(np.max(values[np.isfinite(values)], initial=1.0))
        known = [(place, one) for place, one in zip(places, found, strict=True) if np.isfinite(one.value)]
        colour = COLOURS[ARMS[arm].colour]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": ARMS[arm].title,
                # The bars end at the chart's top; "never" has no number.
                "meta": {"intervals": False, "also": [None, "Low", "High"]},
                "x": [place for place, _ in known],
                "y": [one.value for _, one in known],
                "line": {"color": colour, "width": 4},
                "marker": {"size": 11, "color": colour},
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [min(one.high, top) - one.value for _, one in known],
                    "arrayminus": [one.value - one.low for _, one in known],
                    "thickness": 3,
                    "width": 0,
                    "color": faded(colour, 0.6),
                },
                "customdata": [[source_rides[place], one.low, one.high] for place, one in known],
                "hovertemplate": "%{fullData.name}, %{customdata[0]} rides: <b>%{y:.0f}</b> updates "
                "[%{customdata[1]:.0f}, %{customdata[2]:.0f}]<extra></extra>",
                "cliponaxis": False,
            }
        )
    layout = {
        "height": 380,
        "title": key(*((ARMS[arm].short, COLOURS[ARMS[arm].colour], "line") for arm in until_goal)),
        "margin": {"t": 48, "r": 16},
        "xaxis": {
            "tickvals": places,
            "ticktext": [str(one) for one in source_rides],
            "range": [-0.3, len(places) - 0.7],
            "title": {"text": "Rides on the source before"},
            "showgrid": False,
        },
        "yaxis": {"rangemode": "tozero", "title": {"text": "Motorcycle updates to 90 %"}},
    }
    return figure(traces, layout, theme)


def stability(machines: Sequence[Machine], *, fastest: float = 14.0, theme: Theme = "light") -> go.Figure:
    """Draw how fast each machine, left alone, falls: its largest growth rate (1/s) against speed (m/s)."""
    on = ground(theme)
    speeds = np.linspace(1, fastest, 105)
    looks = [(FIRE, "solid"), (on.ink, "solid"), (GREY, "dot"), (DATA, "solid")]
    traces: list[dict[str, Any]] = []
    for machine, (colour, dash) in zip(machines, looks, strict=False):
        rates = [float(dynamics.eigenvalues(machine, float(v))[0].real) for v in speeds]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": machine.title,
                "x": speeds.tolist(),
                "y": rates,
                "line": {"color": colour, "width": 4, "dash": dash},
                "hovertemplate": "%{fullData.name} at %{x:.1f} m/s: <b>%{y:.2f}</b> per second<extra></extra>",
            }
        )
    low, high = rides.SPEEDS[0], rides.SPEEDS[-1]
    title, lines = folded_key(
        *(
            (one.title, colour, "line" if dash == "solid" else "dots")
            for one, (colour, dash) in zip(machines, looks, strict=False)
        )
    )
    layout = {
        "height": 400,
        "title": title,
        "margin": {"t": 24 + 21 * lines, "r": 16},
        "xaxis": {"range": [1, fastest], "title": {"text": "Speed (m/s)"}, "showgrid": False},
        "yaxis": {
            "range": [-2.6, 4.6],
            "title": {"text": "Growth of a wobble (1/s)"},
            "zeroline": True,
            "zerolinewidth": 2,
            "zerolinecolor": on.muted,
        },
        "shapes": [
            {
                "type": "rect",
                "x0": low,
                "x1": high,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "fillcolor": faded(GREY, 0.22),
                "line": {"width": 0},
            }
        ],
        "annotations": [
            {
                "text": "practised here",
                "x": high,
                "xanchor": "left",
                "xshift": 4,
                "y": 1,
                "yref": "paper",
                "yanchor": "top",
                "showarrow": False,
                "font": {"size": SMALL, "color": on.muted},
            },
            {
                "text": "below zero it balances by itself",
                "x": fastest,
                "xanchor": "right",
                "y": 0,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": SMALL, "color": on.muted},
            },
        ],
    }
    return figure(traces, layout, theme)

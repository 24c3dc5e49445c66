"""How much accuracy each way to choose a freeze depth gives away, on data sets that it had not seen."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.advice.report import Policy
from core.figures.template import FIRE, GREY, ICE, SIZE, SMALL, Theme, faded, figure, ground, label

OURS = "advice"  # how the names of the advisor's own policies begin
_COLOURS = {"full": FIRE, "probe": ICE}
_DOT = 0.15  # how far below the middle of its row a dot lies; its name stands above


def regrets(policies: Sequence[Policy], *, theme: Theme = "light") -> go.Figure:
    """Draw mean regret in points with its 95 % bootstrap interval, the least first; names stand above their rows.

    The advisor's own rows are lit and its dots are drawn in ink; "train everything" is fire, "freeze everything" ice.
    """
    on = ground(theme)
    rows = sorted(policies, key=lambda one: one.regret.value)
    reach = 1.08 * max([3.0, *(one.regret.high for one in rows)])
    ours = [one.name.startswith(OURS) for one in rows]
    colours = [on.ink if own else _COLOURS.get(one.name, GREY) for one, own in zip(rows, ours, strict=True)]
    annotations: list[dict[str, Any]] = []
    for row, (one, own) in enumerate(zip(rows, ours, strict=True)):
        for text, x, anchor, weight, size in (
            (label(one.title), 0.0, "left", 700 if own else 400, SMALL + 1),
            (f"{one.regret.value:.1f}", 1.0, "right", 700, SIZE),
        ):
            annotations.append(
                {
                    "text": text,
                    "xref": "paper",
                    "x": x,
                    "y": row - 0.1,
                    "xanchor": anchor,
                    "yanchor": "bottom",
                    "showarrow": False,
                    "font": {"size": size, "color": on.ink, "weight": weight},
                }
            )
    traces = [
        {
            "type": "scatter",
            "name": one.name,
            "meta": {
                "series": "",
                "also": ["Way to choose", None, None, None, "Worst", "Time, of training everything"],
            },
            "mode": "markers",
            "x": [one.regret.value],
            "y": [row + _DOT],
            "marker": {"size": 15, "color": colour},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": [one.regret.high - one.regret.value],
                "arrayminus": [one.regret.value - one.regret.low],
                "thickness": 5,
                "width": 0,
                "color": faded(colour, 0.6),
            },
            "cliponaxis": False,
            "customdata": [
                [label(one.title), label(one.what), one.regret.low, one.regret.high, one.worst, one.cost]
            ],
            "hovertemplate": "<b>%{customdata[0]}</b><br>%{customdata[1]}<br>"
            "gives away %{x:.1f} points [%{customdata[2]:.1f}, %{customdata[3]:.1f}]<br>"
            "at worst %{customdata[4]:.1f}; %{customdata[5]:.2f} of the time of training everything<extra></extra>",
        }
        for row, (one, colour) in enumerate(zip(rows, colours, strict=True))
    ]
    layout = {
        "height": 84 + 56 * max(len(rows), 1),
        "margin": {"l": 10, "r": 12, "t": 4},
        "xaxis": {
            "range": [-0.02 * reach, reach],
            "nticks": 7,
            "title": {"text": "Points of accuracy given away"},
        },
        "yaxis": {"range": [len(rows) - 0.35, -0.62], "visible": False},
        "shapes": [
            {
                "type": "rect",
                "layer": "below",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": row - 0.52,
                "y1": row + 0.42,
                "fillcolor": faded(GREY, 0.16),
                "line": {"width": 0},
            }
            for row, own in enumerate(ours)
            if own
        ],
        "annotations": annotations,
    }
    return figure(traces, layout, theme)

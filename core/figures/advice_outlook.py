"""What is expected of every freeze depth: accuracy with its range, and what each gives away against the best."""

from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from core.advice.report import Outlook
from core.figures.depth_axis import colour, depth_axis, short
from core.figures.template import LEVEL, SIZE, SMALL, Theme, faded, figure, ground

Quantity = Literal["accuracy", "behind"]


def outlooks(
    found: Sequence[Outlook],
    *,
    stages: int,
    advised: str,
    equal: Sequence[str],
    quantity: Quantity = "accuracy",
    chance: float | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw the expected accuracy (%) of every arm with its 80 % range, or the points it falls behind the best.

    The advised depth stands on a lit column; what can be told from the best (not among ``equal``) is faint.
    """
    on = ground(theme)
    arms = [one.arm for one in found]
    notes = (
        [_seconds(one.seconds) for one in found] if any(one.seconds is not None for one in found) else None
    )
    axis = depth_axis(arms, stages, on=on, notes=notes)
    intervals = [one.accuracy if quantity == "accuracy" else one.behind for one in found]
    strengths = [1.0 if arm == advised or arm in equal else 0.38 for arm in arms]
    traces: list[dict[str, Any]] = [axis.trace]
    if quantity == "accuracy" and chance is not None:
        traces.append(
            {
                "type": "scatter",
                "name": "chance",
                "meta": LEVEL,
                "mode": "lines",
                "x": [-0.55, len(arms) - 0.45],
                "y": [100 * chance] * 2,
                "line": {"color": on.muted, "width": 2, "dash": "dash"},
                "hovertemplate": "chance: %{y:.0f} %<extra></extra>",
            }
        )
    traces += [
        {
            "type": "scatter",
            "name": arm,
            "meta": {
                "series": "",
                "x": None,
                "low": "Low",
                "high": "High",
                "also": ["What is frozen", "Best or as good (% of tasks alike)", "Seconds of training"],
            },
            "mode": "markers",
            "x": [place],
            "y": [100 * one.value],
            "marker": {
                "size": 20 if arm == advised else 14,
                "symbol": "diamond" if arm.startswith("lp_ft") else "circle",
                "color": faded(colour(arm, stages), strength),
            },
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": [100 * (one.high - one.value)],
                "arrayminus": [100 * (one.value - one.low)],
                "thickness": 5,
                "width": 0,
                "color": faded(colour(arm, stages), 0.6 * strength),
            },
            "cliponaxis": False,
            "customdata": [
                [
                    _words(arm, stages),
                    100 * outlook.best_share,
                    outlook.seconds,
                    100 * one.low,
                    100 * one.high,
                ]
            ],
            "hovertemplate": "<b>%{customdata[0]}</b><br>%{y:.0f} [%{customdata[3]:.0f}, %{customdata[4]:.0f}]"
            + (" %" if quantity == "accuracy" else " points behind the best")
            + "<br>best, or not to be told from it, in %{customdata[1]:.0f} % of the tasks alike<extra></extra>",
        }
        for place, (arm, one, strength, outlook) in enumerate(
            zip(arms, intervals, strengths, found, strict=True)
        )
    ]
    place = arms.index(advised)
    layout = {
        "height": 470,
        "margin": {"t": 34, "l": 8, "r": 8},
        "xaxis": axis.layout["xaxis"]
        | {
            "title": {
                "text": axis.layout["xaxis"]["title"]["text"]
                + ("<br>and how long it trains here, about" if notes else "")
            }
        },
        "yaxis": axis.layout["yaxis"]
        | (
            {"range": [0, 101], "dtick": 20, "title": {"text": "Accuracy to expect (%)"}}
            if quantity == "accuracy"
            else {
                "range": [1.1 * max(3.0, *(100 * one.high for one in intervals)), -0.4],
                "title": {"text": "Points behind the best depth"},
                "nticks": 6,
            }
        ),
        "yaxis2": axis.layout["yaxis2"],
        "shapes": [
            {
                "type": "rect",
                "layer": "below",
                "xref": "x",
                "yref": "paper",
                "x0": place - 0.46,
                "x1": place + 0.46,
                "y0": 0,
                "y1": 1,
                "fillcolor": faded(colour(advised, stages), 0.14),
                "line": {"width": 0},
            }
        ],
        "annotations": [
            {
                "text": "<b>advised</b>",
                "x": place,
                "xref": "x",
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": SIZE, "color": on.ink},
            },
            *(
                [
                    {
                        "text": "chance",
                        "x": 0,
                        "xref": "paper",
                        "xanchor": "left",
                        "y": 100 * chance,
                        "yanchor": "bottom",
                        "showarrow": False,
                        "font": {"size": SMALL, "color": on.muted},
                    }
                ]
                if quantity == "accuracy" and chance is not None
                else []
            ),
        ],
    }
    return figure(traces, layout, theme)


def _words(arm: str, stages: int) -> str:
    if arm.startswith("lp_ft"):
        return "probe, then fine-tune"
    frozen = short(arm, stages).removesuffix(" all")
    return {"0": "nothing frozen", str(stages): "all stages frozen"}.get(
        frozen, f"{frozen} of {stages} stages frozen"
    )


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 1 else "<1 s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"

"""What the network thinks of one picture."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.figures.template import GREY, GUIDE, RIGHT, SIZE, SMALL, WRONG, Theme, faded, figure, ground, label


def probabilities(
    scores: ArrayLike,
    class_names: Sequence[str],
    *,
    true: int | None = None,
    top: int = 5,
    theme: Theme = "light",
) -> go.Figure:
    """Draw the ``top`` most probable classes of ``scores`` (C,), 0-1, in percent.

    With ``true`` (a class number), the right class is teal, a wrong first guess violet, and the right class is
    shown even where it is not among the first. Without it, the first guess is teal.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.shape != (len(class_names),):
        raise ValueError(f"{len(class_names)} class names for scores of {values.shape}")
    on = ground(theme)
    order = np.argsort(-values, kind="stable").tolist()
    shown = order[:top]
    if true is not None and true not in shown:
        shown = [*shown[: top - 1], true]
    right = order[0] if true is None else true
    colours = [
        RIGHT if number == right else WRONG if number == order[0] else faded(GREY, 0.7) for number in shown
    ]
    annotations = []
    for row, number in enumerate(shown):
        first = number == order[0]
        mark = " ✓" if number == true else ""
        for text, x, anchor in (
            (label(class_names[number], 34) + mark, 0.0, "left"),
            (_percent(values[number]), 1.0, "right"),
        ):
            annotations.append(
                {
                    "text": text,
                    "xref": "paper",
                    "x": x,
                    "y": row - 0.06,
                    "xanchor": anchor,
                    "yanchor": "bottom",
                    "showarrow": False,
                    "font": {
                        "size": SIZE if first else SMALL + 1,
                        "color": on.ink,
                        "weight": 700 if first else 400,
                    },
                }
            )
    rows = list(range(len(shown)))
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [row + 0.14 for row in rows],
            "meta": GUIDE,
            "x": [100.0] * len(rows),
            "width": 0.2,
            "marker": {"color": faded(GREY, 0.18), "cornerradius": 6},
            "hoverinfo": "skip",
        },
        {
            "type": "bar",
            "orientation": "h",
            "y": [row + 0.14 for row in rows],
            "meta": {"also": ["Class"], "x": "Probability (%)"},
            "x": [100 * float(values[number]) for number in shown],
            "width": 0.2,
            "marker": {"color": colours, "cornerradius": 6},
            "customdata": [label(class_names[number]) for number in shown],
            "hovertemplate": "%{customdata}<br>%{x:.2f} %<extra></extra>",
        },
    ]
    layout = {
        "height": 20 + 58 * max(len(shown), 1),
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "barmode": "overlay",
        "xaxis": {"range": [0, 100], "visible": False},
        "yaxis": {"range": [len(shown) - 0.6, -0.6], "visible": False},
        "annotations": annotations,
    }
    return figure(traces, layout, theme)


def _percent(value: float) -> str:
    # "100.0 %" would claim a certainty that rounding made up.
    if 0.9995 <= value < 1:
        return "> 99.9 %"
    return "< 0.1 %" if 0 < value < 0.0005 else f"{100 * value:.1f} %"

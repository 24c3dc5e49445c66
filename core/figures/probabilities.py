"""What the network thinks of one picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core import words
from core.figures.marks import GUIDE, above_row, bars
from core.figures.template import GREY, RIGHT, SIZE, SMALL, Theme, faded, figure, ground, label

MOST_CLASSES = 5
_BAR: dict[str, Any] = {"orientation": "h", "width": 0.2}


def probabilities(scores: ArrayLike, class_names: Sequence[str], *, theme: Theme = "light") -> go.Figure:
    """Draw the most probable classes of ``scores`` (C,), 0-1, in percent; the first is teal."""
    values = np.asarray(scores, dtype=np.float64)
    if values.shape != (len(class_names),):
        raise ValueError(f"{len(class_names)} class names for scores of {values.shape}")
    on = ground(theme)
    shown = np.argsort(-values, kind="stable").tolist()[:MOST_CLASSES]
    notes = []
    for row, number in enumerate(shown):
        look: dict[str, Any] = {"size": SMALL + 1 if row else SIZE, "bold": not row, "lift": 0.06}
        notes += [
            above_row(row, label(class_names[number], 34), on.ink, **look),
            above_row(row, _percent(values[number]), on.ink, side="right", **look),
        ]
    first, *others = (f"{class_names[number]} {words.percent(values[number])}" for number in shown[:3])
    rows = [row + 0.14 for row in range(len(shown))]
    track, bar = (
        bars([100.0] * len(rows), rows, faded(GREY, 0.18), meta=GUIDE, **_BAR),
        bars(
            [100 * float(values[number]) for number in shown],
            rows,
            [faded(GREY, 0.7) if row else RIGHT for row in range(len(shown))],
            meta={"also": ["Class"], "x": "Probability (%)"},
            customdata=[label(class_names[number]) for number in shown],
            hover="%{customdata}<br>%{x:.2f} %",
            **_BAR,
        ),
    )
    for trace in (track, bar):
        trace["marker"]["cornerradius"] = 6
    return figure(
        [track, bar],
        theme,
        says=f"Most probable: {first}" + (f"; then {', '.join(others)}." if others else "."),
        height=20 + 58 * max(len(shown), 1),
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        barmode="overlay",
        xaxis={"range": [0, 100], "visible": False},
        yaxis={"range": [len(shown) - 0.6, -0.6], "visible": False},
        annotations=notes,
    )


def _percent(share: float) -> str:
    # "100.0 %" would claim a certainty that rounding made up.
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return "< 0.1 %" if 0 < share < 0.0005 else words.percent(share)

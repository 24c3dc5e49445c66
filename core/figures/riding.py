"""How riders learn the motorcycle: survival against practice, and on it the names of what one sees."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.riding_looks import COLOURS, folded_key, line
from core.figures.riding_names import MARKS
from core.figures.template import GUIDE, WRONG, Mark, Theme, faded, figure, ground
from core.riding.experiment import ARMS, UPDATES
from core.riding.experiment_report import Curve, Report, band

LEFT = -2.5  # updates: room for what is drawn at the start


def learning(
    report: Report | None,
    arms: Sequence[str],
    *,
    terms: Collection[str] = (),
    forgetting: Report | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw survival (%) against updates of practice: the mean over seeds, in its band, for each of ``arms``.

    ``report`` may be unfinished, or None: what is there is drawn, the axes stand. ``terms`` are names of
    `core.riding.named.TERMS` to draw on the curves, as far as the arms they speak of are there; ``forgetting`` is
    the report of the same practice, tested on the bicycle.
    """
    far = "asymptote" in terms or "forgetting" in terms
    end = UPDATES
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    if report is not None:
        shown = [report.curve(arm) for arm in arms]
        if far:
            end = max([UPDATES, *(curve.updates[-1] for curve in shown)])
        if "negative_transfer" in terms and {"scratch", "reversed"} <= set(arms):
            traces += _between(report.curve("scratch"), report.curve("reversed"), end)
        for curve in shown:
            traces += _curve(curve, end)
        if "forgetting" in terms and forgetting is not None:
            traces += _curve(forgetting.curve("bicycle"), end, dash="dot", told="on the bicycle again")
        for term in terms:
            drawn, said = MARKS[term](report, arms, forgetting, ground(theme), theme)
            traces += drawn
            notes += said
    entries: list[tuple[str, str, Mark]] = [
        (ARMS[arm].short, COLOURS[ARMS[arm].colour], line(arm)[1]) for arm in arms
    ]
    title, lines = folded_key(*entries)
    layout = {
        "height": 500,
        "margin": {"l": 8, "r": 14, "t": 24 + 21 * lines, "b": 8},
        "title": title,
        "meta": {"yaxis": {"name": "Test rides still upright after 6 s (%)"}},
        "xaxis": {
            "range": [LEFT * end / UPDATES, end],
            "tick0": 0,
            "dtick": 50 if far else 20,
            "title": {"text": "Practice on the motorcycle (updates)"},
            "showgrid": False,
        },
        "yaxis": {
            "range": [-2, 103],
            "tickvals": [0, 25, 50, 75, 100],
            "ticktext": ["0", "25", "50", "75", "100 %"],
            "title": {"text": "Test rides still upright after 6 s"},
        },
        "annotations": notes,
    }
    return figure(traces, layout, theme)


def _curve(curve: Curve, end: int, *, dash: str | None = None, told: str = "") -> list[dict[str, Any]]:
    arm = ARMS[curve.arm]
    colour = COLOURS[arm.colour]
    average, low, high = (100 * one for one in band(curve.survival))
    updates = np.array(curve.updates)
    inside = updates <= end
    updates, average, low, high = updates[inside], average[inside], low[inside], high[inside]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": np.concatenate([updates, updates[::-1]]).tolist(),
            "y": np.concatenate([low, high[::-1]]).tolist(),
            "fill": "toself",
            "fillcolor": faded(colour, 0.16),
            "line": {"width": 0},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines" if len(updates) > 1 else "markers",
            "name": f"{arm.title}{', ' + told if told else ''}",
            "x": updates.tolist(),
            "y": average.tolist(),
            "line": {
                "color": colour,
                "width": 4,
                "shape": "linear",
                "dash": dash or line(curve.arm)[0],
            },
            "marker": {"color": colour, "size": 9},
            "customdata": np.stack([low, high], axis=1).tolist(),
            "hovertemplate": "%{fullData.name}<br>after %{x} updates: <b>%{y:.0f} %</b> "
            "[%{customdata[0]:.0f}, %{customdata[1]:.0f}]<extra></extra>",
        },
    ]


def _between(scratch: Curve, other: Curve, end: int) -> list[dict[str, Any]]:
    """Fill where ``other`` is worse than scratch."""
    count = min(len(scratch.updates), len(other.updates))
    updates = np.array(scratch.updates[:count])
    count = int((updates <= end).sum())
    above = 100 * scratch.survival.mean(axis=0)[:count]
    below = np.minimum(100 * other.survival.mean(axis=0)[:count], above)
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "meta": GUIDE,
            "x": np.concatenate([updates[:count], updates[:count][::-1]]).tolist(),
            "y": np.concatenate([above, below[::-1]]).tolist(),
            "fill": "toself",
            "fillcolor": faded(WRONG, 0.3),
            "line": {"width": 0},
            "hoverinfo": "skip",
        }
    ]

"""How far each stage moved from where it started: in its weights, and in what it sees."""

from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from core import errors
from core.figures.template import FIRE, ICE, SMALL, Mark, Theme, figure, ground, key, label
from core.freezing.report import StageAudit

Panel = Literal["both", "change", "similarity"]


def drift(audit: Sequence[StageAudit], *, panel: Panel = "both", theme: Theme = "light") -> go.Figure:
    """Draw one row a stage, the input on top: relative weight change (%), and linear CKA of its features (0-1).

    Ice blue stages were frozen, fire orange ones trained. A stage whose CKA was not measured has no dot.
    """
    errors.one_of("panel", panel, ("both", "change", "similarity"))
    on = ground(theme)
    both = panel == "both"
    names = [label(one.stage, 18) for one in audit]
    rows = list(range(len(audit)))
    colours = [ICE if one.frozen else FIRE for one in audit]
    entries: list[tuple[str, str, Mark]] = [
        (name, colour, "bar") for name, colour in (("Frozen", ICE), ("Trained", FIRE)) if colour in colours
    ]
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "height": 120 + 44 * max(len(audit), 3),
        "bargap": 0.35,
        "margin": {"t": 44, "r": 20},
        "title": key(*entries),
        "meta": {"yaxis": {"name": "Stage", "names": [label(one.stage) for one in audit]}},
        "yaxis": {
            "tickvals": rows,
            "ticktext": names,
            "range": [len(audit) - 0.5, -0.5],
            "showgrid": False,
            "tickfont": {"size": SMALL, "color": on.ink},
        },
    }
    if panel != "similarity":
        change = [100 * one.relative_change for one in audit]
        most = max([*change, 1e-9])
        traces.append(
            {
                "type": "bar",
                "meta": {"also": [None, "Frozen or trained"]},
                "orientation": "h",
                "y": rows,
                "x": change,
                # The outline keeps a stage that did not move visible, in its colour.
                "marker": {"color": colours, "line": {"color": colours, "width": 3}},
                "text": [_percent(value) for value in change],
                "textposition": "outside",
                "textfont": {"size": SMALL, "color": on.ink},
                "cliponaxis": False,
                "customdata": [
                    [name, "frozen" if one.frozen else "trained"]
                    for name, one in zip(names, audit, strict=True)
                ],
                "hovertemplate": "%{customdata[0]}, %{customdata[1]}<br>"
                "moved by %{x:.3g} % of its length<extra></extra>",
            }
        )
        layout["xaxis"] = {
            "range": [0, most * (1.45 if both else 1.2)],
            "nticks": 3 if both else 6,
            "title": {"text": "Change (%)" if both else "Relative weight change (%)"},
            "domain": [0, 0.46] if both else [0, 1],
        }
    if panel != "change":
        mark = "2" if both else ""
        known = [(row, one) for row, one in zip(rows, audit, strict=True) if one.cka is not None]
        traces += [
            {
                "type": "scatter",
                "mode": "markers",
                "meta": {"intervals": False},  # its bars are stems
                "xaxis": f"x{mark}",
                "y": [row for row, _ in known],
                "x": [one.cka for _, one in known],
                "cliponaxis": False,
                "marker": {"size": 14, "color": [colours[row] for row, _ in known]},
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [0] * len(known),
                    "arrayminus": [one.cka for _, one in known],
                    "thickness": 2,
                    "width": 0,
                    "color": on.grid,
                },
                "customdata": [names[row] for row, _ in known],
                "hovertemplate": "%{customdata}<br>CKA %{x:.3f}<extra></extra>",
            }
        ]
        layout[f"xaxis{mark}"] = {
            "range": [0, 1],
            "dtick": 0.5 if both else 0.2,
            "title": {"text": "CKA" if both else "Features kept (CKA, 1 = unchanged)"},
            "domain": [0.54, 1] if both else [0, 1],
            "anchor": "y",
        }
    return figure(traces, layout, theme)


def _percent(value: float) -> str:
    if value == 0:
        return "0 %"
    return f"{value:.0f} %" if value >= 10 else f"{value:.1f} %" if value >= 0.1 else "< 0.1 %"

"""How many images each class has."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.template import DATA, SMALL, Theme, faded, figure, ground, key, label

MOST_NAMES = 30  # classes up to which every one has a row with its name
PARTS = {"train": ("Training", 1.0), "validation": ("Validation", 0.55), "test": ("Test", 0.25)}


def class_balance(
    counts: Mapping[str, Sequence[int]], class_names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Draw images per class, stacked by part: ``counts`` maps "train", "validation", "test" to (C,) numbers.

    Up to 30 classes are rows with names, in their own order; more are thin columns, the largest first.
    """
    on = ground(theme)
    classes = len(class_names)
    for part, numbers in counts.items():
        if len(numbers) != classes:
            raise ValueError(f"{classes} class names for {len(numbers)} counts of {part}")
    totals = [sum(numbers[place] for numbers in counts.values()) for place in range(classes)]
    rows = classes <= MOST_NAMES
    order = list(range(classes)) if rows else sorted(range(classes), key=lambda place: -totals[place])
    along, across = ("y", "x") if rows else ("x", "y")
    looks = {part: PARTS.get(part, (label(part, 20), 0.8)) for part in counts}
    traces: list[dict[str, Any]] = []
    for part, numbers in counts.items():
        title, strength = looks[part]
        traces.append(
            {
                "type": "bar",
                "name": title,
                "orientation": "h" if rows else "v",
                along: list(range(classes)),
                across: [numbers[place] for place in order],
                "marker": {
                    "color": faded(DATA, strength),
                    "line": {"color": DATA, "width": 1.2 if rows else 0},
                },
                "customdata": [[label(class_names[place], 60), title.lower()] for place in order],
                "hovertemplate": f"%{{customdata[0]}}<br>%{{{across}}} for %{{customdata[1]}}<extra></extra>",
            }
        )
    most = max([*totals, 1])
    number_axis = {"title": {"text": "Images"}, "range": [0, most * (1.14 if rows else 1.04)], "nticks": 6}
    layout: dict[str, Any] = {
        "barmode": "stack",
        "bargap": 0.3 if rows else 0,
        "meta": {f"{along}axis": {"name": "Class", "names": [label(class_names[place]) for place in order]}},
        "margin": {"t": 40 if len(counts) > 1 else 12},
    }
    if len(counts) > 1:
        layout["title"] = key(*((name, faded(DATA, strength), "bar") for name, strength in looks.values()))
    if rows:
        layout |= {
            "height": 110 + 32 * max(classes, 2),
            "xaxis": number_axis,
            "yaxis": {
                "tickvals": list(range(classes)),
                "ticktext": [label(name, 16) for name in class_names],
                "range": [classes - 0.5, -0.5],
                "showgrid": False,
                "tickfont": {"size": SMALL, "color": on.ink},
            },
            "annotations": [
                {
                    "text": f"<b>{total}</b>",
                    "x": total,
                    "y": row,
                    "xanchor": "left",
                    "xshift": 4,
                    "showarrow": False,
                    "font": {"size": SMALL, "color": on.ink},
                }
                for row, total in enumerate(totals)
            ],
        }
    else:
        layout |= {
            "height": 320,
            "xaxis": {
                "tickvals": [],
                "title": {"text": f"{classes} classes, the largest first"},
                "showgrid": False,
            },
            "yaxis": number_axis,
        }
    return figure(traces, layout, theme)

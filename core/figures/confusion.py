"""Which class is taken for which: a matrix whose cells can be clicked."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.figures.template import GUIDE, ON_COLOUR, RIGHT, SMALL, WRONG, Theme, faded, figure, ground, label

MOST_NUMBERS = 12  # classes up to which the count stands in every cell
MOST_NAMES = 25  # classes up to which every class is named on the axes
MOST_CELLS = 40  # classes up to which empty cells can be clicked as well


def confusion_matrix(
    confusion: ArrayLike, class_names: tuple[str, ...], *, theme: Theme = "light"
) -> go.Figure:
    """Draw counts ``[true][predicted]`` (C, C), coloured by their share of the true class.

    Teal on the diagonal is right, violet is wrong; the two have scales of their own, so that with 200 classes
    a frequent mistake still shows. Heatmaps report no clicks to Streamlit: an invisible marker in every
    cell does, and its ``customdata`` is (true, predicted). With many classes, cells without images have none.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    classes = len(class_names)
    if counts.shape != (classes, classes):
        raise ValueError(f"{classes} class names for a matrix of {counts.shape}")
    on = ground(theme)
    rows = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(rows, 1)  # (C, C), 0-1
    diagonal = np.eye(classes, dtype=bool)
    wrong = np.where(diagonal | (counts == 0), np.nan, share)
    right = np.where(diagonal & (counts > 0), share, np.nan)
    numbers = list(range(classes))
    longest = 12 if classes <= MOST_NUMBERS else 10
    named = classes <= MOST_NAMES
    axis = {
        "range": [-0.5, classes - 0.5],
        "tickvals": numbers if named else [],
        "ticktext": [label(name, longest) for name in class_names] if named else [],
        "showgrid": False,
        "ticks": "",
        "tickfont": {"size": SMALL if classes <= MOST_NUMBERS else 11},
        "linecolor": on.grid,
        "mirror": True,
        "showline": True,
    }
    # On a phone about 30 signs fit side by side; more would run into each other.
    level = sum(min(len(name), longest) for name in class_names) <= 26
    of = "" if named else f" (1 to {classes})"
    # With few classes both colours mean the same share; with many, errors are too spread out to show so.
    most = 1.0 if classes <= MOST_NUMBERS else max(float(np.nanmax(wrong, initial=0.0)), 0.1)
    sets = ((wrong, WRONG, most), (right, RIGHT, 1.0))
    gap = 2 if classes <= MOST_NAMES else 0
    traces: list[dict[str, Any]] = [
        {
            "type": "heatmap",
            "meta": GUIDE,
            "z": z,
            "x": numbers,
            "y": numbers,
            "zmin": 0,
            "zmax": top,
            "colorscale": [[0, faded(colour, 0.12)], [0.25, faded(colour, 0.45)], [1, colour]],
            "showscale": False,
            "hoverinfo": "skip",
            "xgap": gap,
            "ygap": gap,
        }
        for z, colour, top in sets
    ]
    if classes <= MOST_NUMBERS:
        strong = share > 0.55
        traces.append(_numbers(counts, (counts > 0) & strong, ON_COLOUR))
        traces.append(_numbers(counts, (counts > 0) & ~strong, on.ink))
    traces.append(_cells(counts, share, class_names))
    layout = {
        "height": 440 if classes <= 4 else 560 if classes <= MOST_NUMBERS else 680,
        "hoverdistance": -1 if classes <= MOST_CELLS else 12,
        "xaxis": axis | {"title": {"text": f"Predicted class{of}"}, "tickangle": 0 if level else -60},
        "yaxis": axis
        | {"title": {"text": f"True class{of}"}, "autorange": False}
        # The first class on top, as one reads.
        | {"range": [classes - 0.5, -0.5]},
        "uirevision": "confusion",
        "meta": {
            f"{one}axis": {"name": f"{what} class", "names": [label(name) for name in class_names]}
            for one, what in (("x", "Predicted"), ("y", "True"))
        },
    }
    return figure(traces, layout, theme)


def _numbers(counts: NDArray[np.int64], where: NDArray[np.bool_], colour: str) -> dict[str, Any]:
    """Counts as text in the cells ``where`` (C, C); nothing that the mouse could meet."""
    true, predicted = where.nonzero()
    classes = len(counts)
    # Said again, since a selection would otherwise fade the numbers that are not chosen.
    steady = {"textfont": {"color": colour}}
    return {
        "type": "scatter",
        "mode": "text",
        "meta": GUIDE,
        "x": predicted,
        "y": true,
        "text": [str(count) for count in counts[where].tolist()],
        "textfont": {"size": 20 if classes <= 4 else 16 if classes <= 7 else 13, "color": colour},
        "selected": steady,
        "unselected": steady,
        "hoverinfo": "skip",
    }


def _cells(
    counts: NDArray[np.int64], share: NDArray[np.float64], class_names: tuple[str, ...]
) -> dict[str, Any]:
    """The invisible markers that answer a finger or a mouse."""
    true, predicted = (counts >= 0 if len(class_names) <= MOST_CELLS else counts > 0).nonzero()
    names = [label(name, 40) for name in class_names]
    totals = counts.sum(axis=1)
    hover = [
        f"<b>{counts[t, p]}</b> of {totals[t]} ({100 * share[t, p]:.0f} %)<br>"
        + (f"{names[t]}, recognised" if t == p else f"{names[t]}, taken for {names[p]}")
        for t, p in zip(true.tolist(), predicted.tolist(), strict=True)
    ]
    unseen = {"marker": {"opacity": 0}}  # a selection would otherwise show what is chosen
    return {
        "type": "scatter",
        "mode": "markers",
        "x": predicted,
        "y": true,
        # Plain lists: rows of a typed array would arrive as {"0": …, "1": …}.
        "customdata": np.stack([true, predicted], axis=1).tolist(),
        "hovertext": hover,
        "text": counts[true, predicted].tolist(),
        "meta": {"cells": "text", "value": "Pictures"},
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"opacity": 0, "size": 12},
        "selected": unseen,
        "unselected": unseen,
    }

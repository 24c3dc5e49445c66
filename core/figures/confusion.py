"""Which class is taken for which: a matrix whose cells can be clicked."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.figures.axes import AxisLayout, named_axis
from core.figures.marks import GUIDE, cells, points
from core.figures.template import ON_COLOUR, RIGHT, SMALL, WRONG, Theme, faded, figure, ground, label
from core.words import percent

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
    few = classes <= MOST_NUMBERS
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # (C, C), 0-1
    diagonal = np.eye(classes, dtype=bool)
    wrong = np.where(diagonal | (counts == 0), np.nan, share)
    right = np.where(diagonal & (counts > 0), share, np.nan)
    # With few classes both colours mean the same share; with many, errors are too spread out to show so.
    most = 1.0 if few else max(float(np.nanmax(wrong, initial=0.0)), 0.1)
    traces = [_shares(wrong, WRONG, most), _shares(right, RIGHT, 1.0)]
    if few:
        strong = share > 0.55
        traces.append(_numbers(counts, (counts > 0) & strong, ON_COLOUR))
        traces.append(_numbers(counts, (counts > 0) & ~strong, on.ink))
    traces.append(_clickable(counts, share, class_names))
    across = _class_axis("Predicted", class_names, on.grid)
    # On a phone about 30 signs fit side by side; more would run into each other.
    level = sum(min(len(name), 12 if few else 10) for name in class_names) <= 26
    upright = _class_axis("True", class_names, on.grid)
    return figure(
        traces,
        theme,
        says=_says(counts, class_names),
        height=440 if classes <= 4 else 560 if few else 680,
        hoverdistance=-1 if classes <= MOST_CELLS else 12,
        xaxis=across | {"tickangle": 0 if level else -60},
        # The first class on top, as one reads.
        yaxis=upright | {"autorange": False, "range": across["range"][::-1]},
        uirevision="confusion",
    )


def _class_axis(what: str, class_names: tuple[str, ...], grid: str) -> AxisLayout:
    few, classes = len(class_names) <= MOST_NUMBERS, len(class_names)
    named = classes <= MOST_NAMES
    made = named_axis(
        class_names,
        longest=12 if few else 10,
        told=f"{what} class",
        title=f"{what} class" + ("" if named else f" (1 to {classes})"),
        ticks="",
        tickfont={"size": SMALL if few else 11},
        linecolor=grid,
        mirror=True,
        showline=True,
    )
    return made if named else made | {"tickvals": [], "ticktext": []}


def _shares(share: NDArray[np.float64], colour: str, most: float) -> dict[str, Any]:
    """Colour a matrix by its shares (C, C), NaN where there is nothing; small ones already show."""
    classes = list(range(len(share)))
    scale = [[0, faded(colour, 0.12)], [0.25, faded(colour, 0.45)], [1, colour]]
    gap = 2 if len(share) <= MOST_NAMES else 0
    return cells(
        share, (colour, colour), most=most, gap=gap, meta=GUIDE, x=classes, y=classes, colorscale=scale
    )


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


def _clickable(
    counts: NDArray[np.int64], share: NDArray[np.float64], class_names: tuple[str, ...]
) -> dict[str, Any]:
    """The invisible markers that answer a finger or a mouse."""
    true, predicted = (counts >= 0 if len(class_names) <= MOST_CELLS else counts > 0).nonzero()
    names = [label(name, 40) for name in class_names]
    totals = counts.sum(axis=1)
    told = [
        f"<b>{counts[t, p]}</b> of {totals[t]} ({percent(share[t, p], 0)})<br>"
        + (f"{names[t]}, recognised" if t == p else f"{names[t]}, taken for {names[p]}")
        for t, p in zip(true.tolist(), predicted.tolist(), strict=True)
    ]
    unseen = {"marker": {"opacity": 0}}  # a selection would otherwise show what is chosen
    return points(
        predicted,
        true,
        "",
        size=12,
        # Plain lists: rows of a typed array would arrive as {"0": …, "1": …}.
        customdata=np.stack([true, predicted], axis=1).tolist(),
        hovertext=told,
        text=counts[true, predicted].tolist(),
        meta={"cells": "text", "value": "Pictures"},
        hover="%{hovertext}",
        marker={"opacity": 0, "size": 12},
        selected=unseen,
        unselected=unseen,
    )


def _says(counts: NDArray[np.int64], class_names: tuple[str, ...]) -> str:
    """Say how many images are named rightly, and which mistake is the most frequent."""
    right = f"{int(np.trace(counts)):,} of {int(counts.sum()):,} test pictures are recognised"
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    if not wrong.any():
        return f"{right}."
    true, guess = divmod(int(wrong.argmax()), len(counts))
    return (
        f"{right}; most often {class_names[true]} is taken for {class_names[guess]}, "
        f"{wrong[true, guess]} of {counts[true].sum()} times."
    )

"""How faithful a map is: curves of deletion and insertion, and which maps notice that a network forgets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.axes import AxisLayout, axis, named_axis
from core.figures.marks import band, cells, line, written
from core.figures.says import three_digits
from core.figures.template import DATA, GREY, Theme, faded, figure, ground, key
from core.interpretation.trust import FaithfulnessCurve, FaithfulnessCurves, SanityStep


def faithfulness(curves: FaithfulnessCurves, *, theme: Theme = "light") -> go.Figure:
    """Draw deletion and insertion side by side: the map in gold, the same map shuffled in grey (its range shaded)."""
    sides = (curves.deletion, curves.insertion)
    most = max(float(values.max(initial=0)) for curve in sides for values in (curve.map, curve.shuffled))
    return figure(
        [*_curves(curves.deletion, "x"), *_curves(curves.insertion, "x2")],
        theme,
        says=_says(curves),
        height=290,
        margin={"t": 44, "r": 14},
        title=key(("This map", DATA, "line"), ("Shuffled, as a control", GREY, "line")),
        yaxis=axis("Probability (%)", range=[0, max(108 * most, 1)], nticks=5),
        xaxis=_pixels("Pixels removed (%)", [0, 0.47]),
        xaxis2=_pixels("Pixels brought in (%)", [0.53, 1]) | {"anchor": "y"},
    )


def _curves(curve: FaithfulnessCurve, x_axis: str) -> list[dict[str, Any]]:
    """Draw the shuffled maps' lowest, highest and mean, and over them the map."""
    shares = (100 * curve.shares).tolist()
    axes: dict[str, Any] = {"xaxis": x_axis, "yaxis": "y"}
    traces = []
    if len(curve.shuffled):
        low, high, mean = ((100 * pick(curve.shuffled, 0)).tolist() for pick in (np.min, np.max, np.mean))
        told = {"series": "Shuffled, mean", "low": "Lowest shuffle", "high": "Highest shuffle"}
        traces += [
            band(shares, low, high, GREY, opacity=0.22, **axes),
            line(shares, mean, GREY, meta=told, **axes),
        ]
    hover = "%{x:.0f} % of the pixels<br>probability %{y:.1f} %"
    this: dict[str, Any] = {"meta": {"series": "This map"}} | axes
    return [*traces, line(shares, (100 * curve.map).tolist(), DATA, width=4, hover=hover, **this)]


def _pixels(title: str, domain: list[float]) -> AxisLayout:
    return axis(title, range=[0, 100], dtick=50, domain=domain)


def sanity(by_method: Mapping[str, Sequence[SanityStep]], *, theme: Theme = "light") -> go.Figure:
    """Draw one row a method: how like the first its map still is (Spearman's rank correlation) after each step.

    Steps stand by the methods' titles, all of the same network. Pale: the map noticed; gold: it did not.
    """
    on = ground(theme)
    steps = next(iter(by_method.values()), ())[1:]
    parts = [str(step.part) if number == 0 else f"+ {step.part}" for number, step in enumerate(steps)]
    ranks = [[step.rank for step in row[1:]] for row in by_method.values()]
    trace = cells(
        [[None if rank is None else max(rank, 0) for rank in row] for row in ranks],
        (faded(DATA, 0.04), DATA),
        gap=3,
        **written([["–" if rank is None else f"{rank:.2f}" for rank in row] for row in ranks], on.ink),
        meta={"cells": "customdata", "value": "Rank correlation with the map as trained"},
        customdata=ranks,
    )
    return figure(
        [trace],
        theme,
        says=_sanity_says(by_method),
        height=96 + 34 * len(by_method),
        margin={"t": 8},
        # Slanted on a phone; above the rows they meet nothing.
        xaxis=named_axis(parts, longest=14, told="what forgets", side="top"),
        yaxis=named_axis(list(by_method), longest=22, down=True, told="Method"),
    )


def _says(curves: FaithfulnessCurves) -> str:
    """Say whether the class falls and rises faster than with the map shuffled."""
    parts = []
    for what, curve, sign in (("falls", curves.deletion, 1), ("rises", curves.insertion, -1)):
        area = curve.area
        if not len(curve.shuffled):
            parts.append(f"{what} with an area of {area:.2f}")
            continue
        shuffled = float(curve.shuffled_areas.mean())
        how = "faster" if sign * (shuffled - area) > 0 else "no faster"
        parts.append(f"{what} {how} (area {area:.2f}, shuffled {shuffled:.2f})")
    return f"The class {' and '.join(parts)}."


def _sanity_says(by_method: Mapping[str, Sequence[SanityStep]]) -> str:
    """Say how like the first each method's map still is once every part has random weights."""
    last = {name: steps[-1].rank for name, steps in by_method.items()}
    ends = [f"{name} {three_digits(None if rank is None else round(rank, 2))}" for name, rank in last.items()]
    return f"With every part random, rank correlation with the map as trained: {', '.join(ends)}."

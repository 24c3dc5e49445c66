"""What training changed, epoch by epoch: lines of the stages, and a picture's classes before and now."""

from collections.abc import Collection, Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from core import errors
from core.figures.template import (
    FIRE,
    GREY,
    GUIDE,
    ICE,
    ROLES,
    SIZE,
    SMALL,
    Role,
    Theme,
    figure,
    ground,
    key,
    label,
)
from core.interpretation.change_report import EpochChange

Panel = Literal["change", "similarity"]
MOST_CLASSES = 5
_PALEST = 0.45  # of the colour of the first trained stage; the last one has all of it
_GAP = 0.075  # between the names at the lines' ends, as a share of the axis


def stages_over_epochs(
    history: Sequence[EpochChange],
    *,
    frozen: Collection[str],
    panel: Panel,
    epoch: int,
    result: int,
    role: Role = "trainable",
    theme: Theme = "light",
) -> go.Figure:
    """One line a stage: relative weight change (%) or CKA of its features, over the epochs that are kept.

    Ice blue: ``frozen`` all the time. The colour of ``role``: trained, deeper stages stronger. A dotted line marks
    ``epoch``; ``result`` is the epoch whose weights are the run's result.
    """
    errors.one_of("panel", panel, ("change", "similarity"))
    on = ground(theme)
    names = [one.stage for one in history[0].stages] if history else []
    trained = [name for name in names if name not in frozen]
    epochs = [one.epoch for one in history]
    traces: list[dict[str, Any]] = []
    ends: list[tuple[float, str, str]] = []
    top = 1.0
    for place, name in enumerate(names):
        values = [_value(one, place, panel) for one in history]
        known = [value for value in values if value is not None]
        if panel == "change":
            top = max([top, *known])
        ice = name in frozen
        shade = ICE if ice else _blend(ROLES[role], trained.index(name), len(trained), on.paper)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": label(name, 18),
                "meta": {"series": label(name)},
                "x": epochs,
                "y": values,
                "line": {"color": shade, "width": 5 if ice else 3},
                "marker": {"size": 7, "color": shade},
                "cliponaxis": False,
                "hovertemplate": f"{label(name, 18)}, epoch %{{x}}<br>"
                + ("moved by %{y:.3g} % of its length" if panel == "change" else "CKA %{y:.3f}")
                + "<extra></extra>",
            }
        )
        if known and not ice:
            ends.append((known[-1], label(name, 14), on.trainable if role == "trainable" else on.control))
    if names and len(trained) < len(names):
        ends.append((0.0 if panel == "change" else 1.0, "frozen", on.frozen))
    low, high = (0.0, 1.08 * top) if panel == "change" else _similarity_range(traces)
    annotations = [
        {
            "text": text,
            "xref": "paper",
            "x": 1.01,
            "xanchor": "left",
            "y": y,
            "yanchor": "middle",
            "showarrow": False,
            "font": {"size": SMALL, "color": colour},
        }
        for y, text, colour in _spread(ends, low, high)
    ]
    marks = []
    if epochs:
        marks.append(
            {
                "type": "line",
                "x0": epoch,
                "x1": epoch,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": on.ink, "width": 2, "dash": "dot"},
                "layer": "below",
            }
        )
    layout = {
        "height": 380,
        "margin": {"t": 20, "r": 90, "l": 8, "b": 8},
        "xaxis": {
            "title": {"text": "Epoch"},
            "range": [-0.15, max([*epochs, 1]) + 0.15],
            **_ticks(epochs, result),
            "showgrid": False,
        },
        "yaxis": {
            "title": {"text": "Weights moved (%)" if panel == "change" else "Features kept (CKA)"},
            "range": [low, high],
            "nticks": 6,
        },
        "annotations": annotations,
        "shapes": marks,
    }
    return figure(traces, layout, theme)


def classes_before_and_now(
    names: Sequence[str], before: Sequence[float], now: Sequence[float], *, theme: Theme = "light"
) -> go.Figure:
    """The most probable classes (0-1 each) as dots, grey before training and fire now, joined by a line."""
    if not len(names) == len(before) == len(now):
        raise ValueError(f"{len(names)} names, {len(before)} and {len(now)} probabilities")
    on = ground(theme)
    order = sorted(range(len(names)), key=lambda place: -now[place])[:MOST_CLASSES]
    rows = list(range(len(order)))
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "meta": GUIDE,
            "x": [100 * before[place], 100 * now[place]],
            "y": [row, row],
            "line": {"color": on.grid, "width": 5},
            "hoverinfo": "skip",
        }
        for row, place in zip(rows, order, strict=True)
    ]
    for name, values, colour in (("before", before, GREY), ("now", now, FIRE)):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": [100 * values[place] for place in order],
                "y": rows,
                "marker": {"size": 15, "color": colour},
                "cliponaxis": False,
                "customdata": [label(names[place]) for place in order],
                "hovertemplate": f"%{{customdata}}, {name}: %{{x:.1f}} %<extra></extra>",
            }
        )
    layout = {
        "height": 120 + 46 * max(len(rows), 2),
        "margin": {"t": 44, "r": 24},
        "meta": {"yaxis": {"name": "Class", "names": [label(names[place]) for place in order]}},
        "title": key(("Before", GREY, "bar"), ("Now", FIRE, "bar")),
        "xaxis": {"range": [0, 101], "dtick": 25, "title": {"text": "Probability (%)"}},
        "yaxis": {
            "tickvals": rows,
            "ticktext": [label(names[place], 16) for place in order],
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
            "tickfont": {"size": SIZE - 1, "color": on.ink},
        },
    }
    return figure(traces, layout, theme)


def _value(one: EpochChange, place: int, panel: Panel) -> float | None:
    stage = one.stages[place]
    return 100 * stage.relative_change if panel == "change" else stage.cka


def _blend(colour: str, place: int, count: int, paper: str) -> str:
    """Blend a colour with the page's ground: pale for the first of ``count`` trained stages, full for the last."""
    share = 1.0 if count < 2 else _PALEST + (1 - _PALEST) * place / (count - 1)
    parts = [
        round(share * int(colour[i : i + 2], 16) + (1 - share) * int(paper[i : i + 2], 16)) for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02X}" for part in parts)


def _similarity_range(traces: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """From 0, or from below it where a debiased CKA is negative, to a little above 1."""
    found = [value for trace in traces for value in trace["y"] if value is not None]
    return min([0.0, *found]), 1.03


def _ticks(epochs: Sequence[int], result: int) -> dict[str, Any]:
    """Name 0 "before" and the result's epoch; number a few of the others."""
    step = max(1, -(-len(epochs) // 6))
    shown = {0, result, *(epoch for epoch in epochs if epoch % step == 0 and abs(epoch - result) > step / 2)}
    places = sorted(shown & set(epochs))
    return {
        "tickvals": places,
        "ticktext": [
            "before" if one == 0 else f"<b>{one}</b>" if one == result else str(one) for one in places
        ],
    }


def _spread(ends: Sequence[tuple[float, str, str]], low: float, high: float) -> list[tuple[float, str, str]]:
    """Move names apart that would lie on each other, keeping their order, within the axis."""
    gap = _GAP * (high - low)
    placed: list[tuple[float, str, str]] = []
    for y, text, colour in sorted(ends, key=lambda end: end[0]):
        floor = placed[-1][0] + gap if placed else low
        placed.append((max(y, floor), text, colour))
    over = placed[-1][0] - high if placed else 0.0
    if over > 0:  # push back down from the top, as far as it needs
        ceiling = high
        for place in range(len(placed) - 1, -1, -1):
            y, text, colour = placed[place]
            placed[place] = (min(y, ceiling), text, colour)
            ceiling = placed[place][0] - gap
    return placed

"""Accuracy and loss while a network learns; made to be rebuilt every second without anything jumping."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from core import errors
from core.figures.template import FIRE, GREY, SMALL, Mark, Theme, faded, figure, ground, key, label

Panel = Literal["both", "accuracy", "loss"]
MOST_BATCHES = 400  # more points than a phone has columns only cost time


@dataclass(frozen=True, kw_only=True)
class Curves:
    """One run so far: values by epoch from 1 (accuracies 0-1, losses in nats), and the loss of every batch."""

    epochs: int  # planned; the width of the axis
    train_accuracy: Sequence[float] = ()
    validation_accuracy: Sequence[float] = ()
    train_loss: Sequence[float] = ()
    validation_loss: Sequence[float] = ()
    batches: Sequence[tuple[float, float]] = ()  # (place in epochs, loss)
    best_epoch: int | None = None

    @classmethod
    def from_events(cls, events: Iterable[Mapping[str, Any]], *, epochs: int = 1) -> "Curves":
        """Gather the JSON of a run's events; ``epochs`` is planned until an event says better.

        After a resume from a checkpoint, steps and epochs that come again replace the earlier ones and all after.
        """
        rows: dict[int, Mapping[str, Any]] = {}
        batches: dict[int, tuple[float, float]] = {}
        best = None
        for event in events:
            kind = event.get("event")
            if kind == "started":
                epochs = event["config"].get("epochs") or epochs
            elif kind == "epoch":
                epochs = event["epochs"]
                if rows and event["epoch"] <= max(rows):
                    rows = {number: row for number, row in rows.items() if number < event["epoch"]}
                rows[event["epoch"]] = event
            elif kind == "batch":
                step = event["step"]
                if batches and step <= next(reversed(batches)):
                    batches = {number: point for number, point in batches.items() if number < step}
                batches[step] = (step / event["steps"] * epochs, event["loss"])
            elif kind == "finished":
                best = event["best_epoch"]
        done = [rows[number] for number in sorted(rows)]
        return cls(
            epochs=epochs,
            train_accuracy=[row["train_accuracy"] for row in done],
            validation_accuracy=[row["validation_accuracy"] for row in done],
            train_loss=[row["train_loss"] for row in done],
            validation_loss=[row["validation_loss"] for row in done],
            batches=list(batches.values()),
            best_epoch=best,
        )


def loss_ceiling(runs: Sequence[Curves], classes: int | None) -> float:
    """Upper end of the loss axis: it starts above ln(classes) and only ever grows, in steps."""
    values = [value for run in runs for value in (*run.train_loss, *run.validation_loss)]
    if classes is not None:
        values.append(math.log(classes))  # what a network that knows nothing pays
    elif not values:
        # Single batches are noise: they count only while there is nothing else.
        values = [loss for run in runs for _, loss in run.batches]
    highest = max((value for value in values if math.isfinite(value)), default=1.0) * 1.1
    step = 10.0 ** math.floor(math.log10(max(highest, 1e-3)))
    return min(step * nice for nice in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * nice >= highest)


def _thinned(batches: Sequence[tuple[float, float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Average neighbours until at most `MOST_BATCHES` points are left: (n, 2)."""
    points = np.asarray(batches, dtype=np.float64).reshape(-1, 2)
    if len(points) <= MOST_BATCHES:
        return points
    # Groups of fixed size from the start: points that are drawn stay where they are as more arrive.
    size = 1
    while len(points) / size > MOST_BATCHES:
        size *= 2
    whole = len(points) // size * size
    averaged: np.ndarray[Any, np.dtype[np.float64]] = points[:whole].reshape(-1, size, 2).mean(axis=1)
    return averaged


def _line(
    name: str, values: Sequence[float], hover: str, *, dashed: bool, colour: str, **more: Any
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(range(1, len(values) + 1)),
        "y": list(values),
        "line": {"color": colour, "width": 2 if dashed else 3.5, "dash": "dot" if dashed else "solid"},
        "marker": {"size": 5 if dashed else 8, "color": colour},
        "hovertemplate": hover,
        **more,
    }


def _lines(
    run: Curves, quantity: Literal["accuracy", "loss"], colour: str, name: str | None, axes: dict[str, Any]
) -> list[dict[str, Any]]:
    """Traces of one run; a control has a ``name``, and only its validation curve: more would hide the run."""
    if quantity == "accuracy":
        train, validation = (
            [100 * v for v in run.train_accuracy],
            [100 * v for v in run.validation_accuracy],
        )
        hover = "%{y:.1f} %"
    else:
        train, validation = list(run.train_loss), list(run.validation_loss)
        hover = "%{y:.3f}"
    if name is not None:
        return [_line(name, validation, hover, dashed=False, colour=colour, **axes)]
    traces = [
        _line("Training", train, hover, dashed=True, colour=colour, **axes),
        _line("Validation", validation, hover, dashed=False, colour=colour, **axes),
    ]
    if quantity == "loss":
        points = _thinned(run.batches)
        batches = {
            "type": "scatter",
            "mode": "lines",
            "name": "Batches",
            "meta": {"series": "", "y": "Loss of a batch (nats)"},
            "x": points[:, 0],
            "y": points[:, 1],
            "line": {"color": faded(colour, 0.4), "width": 1.5},
            "hoverinfo": "skip",
        }
        traces.insert(0, batches | axes)
    return traces


def learning_curves(
    run: Curves,
    *,
    control: Curves | None = None,
    control_name: str = "from scratch",
    classes: int | None = None,
    chance: float | None = None,
    panel: Panel = "both",
    colour: str = FIRE,
    theme: Theme = "light",
) -> go.Figure:
    """Draw accuracy above loss, or one of the two (two columns of a page fold on a phone).

    ``control`` lies behind in grey; ``chance`` (0-1) is a dashed line; ``classes`` sets the height of the loss
    axis before the first epoch is over. The axes' ranges depend on the plan, not on what has been drawn.
    """
    errors.one_of("panel", panel, ("both", "accuracy", "loss"))
    on = ground(theme)
    epochs = max(run.epochs, control.epochs if control else 1)
    entries: list[tuple[str, str, Mark]] = [("Validation", colour, "line"), ("Training", colour, "dots")]
    runs: list[tuple[Curves, str, str | None]] = [(run, colour, None)]
    if control is not None:
        control_name = label(control_name[:1].upper() + control_name[1:], 24)
        runs.insert(0, (control, GREY, control_name))  # behind
        entries.append((control_name, GREY, "line"))
    traces: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    width = max(epochs * 1.02, 2)  # a lone epoch (a converged probe) stands in the middle
    x_axis = {
        "range": [0, width],
        "dtick": _epoch_step(epochs),
        "showgrid": False,
        "title": {"text": "Epochs"},
        "automargin": False,
    }
    layout: dict[str, Any] = {
        "uirevision": "learning curves",
        "hovermode": "x unified",
        "height": 620 if panel == "both" else 360,
        "margin": {"l": 62, "r": 12, "t": 54, "b": 56},
        "title": key(*entries),
        "meta": {"xaxis": {"name": "Epoch"}, "xaxis2": {"name": "Epoch"}},
    }
    both = panel == "both"
    if panel != "loss":
        for one, hue, name in runs:
            traces += _lines(one, "accuracy", hue, name, {})
        layout["xaxis"] = x_axis | ({"title": {"text": ""}} if both else {})
        layout["yaxis"] = {
            "range": [0, 102],
            "dtick": 20,
            "title": {"text": "Accuracy (%)"},
            "automargin": False,
        }
        if chance is not None:
            shapes.append(_level(100 * chance, on.muted))
            annotations.append(
                {
                    "text": "chance",
                    "x": width,
                    "y": 100 * chance,
                    "xanchor": "right",
                    "yanchor": "bottom",
                    "showarrow": False,
                    "font": {"size": SMALL, "color": on.muted},
                }
            )
    if panel != "accuracy":
        axes = {"xaxis": "x2", "yaxis": "y2"} if both else {}
        for one, hue, name in runs:
            traces += _lines(one, "loss", hue, name, axes)
        ceiling = loss_ceiling([one for one, _, _ in runs], classes)
        mark = "2" if both else ""
        layout[f"xaxis{mark}"] = x_axis | {"anchor": f"y{mark}"}
        layout[f"yaxis{mark}"] = {
            "range": [0, ceiling],
            "nticks": 6,
            "title": {"text": "Loss (nats)"},
            "anchor": f"x{mark}",
            "automargin": False,
        }
    if both:
        layout["yaxis"]["domain"], layout["yaxis2"]["domain"] = [0.56, 1], [0, 0.44]
    if run.best_epoch is not None:
        place = run.best_epoch / width
        shapes.append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": run.best_epoch,
                "x1": run.best_epoch,
                "y0": 0,
                "y1": 1,
                "layer": "below",
                "line": {"color": on.muted, "width": 1.5, "dash": "dot"},
            }
        )
        annotations.append(
            {
                "text": "best epoch",
                "x": run.best_epoch,
                "yref": "paper",
                "y": 1,
                # Near an edge the words would leave the chart.
                "xanchor": "left" if place < 0.15 else "right" if place > 0.85 else "center",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": SMALL, "color": on.muted},
            }
        )
    return figure(traces, layout | {"shapes": shapes, "annotations": annotations}, theme)


def _epoch_step(epochs: int) -> int:
    """Distance of the ticks: whole epochs, at most eight of them."""
    return next(step for step in (1, 2, 5, 10, 20, 50, 100, 200) if epochs / step <= 8 or step == 200)


def _level(height: float, colour: str) -> dict[str, Any]:
    return {
        "type": "line",
        "name": "chance",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": height,
        "y1": height,
        "layer": "below",
        "line": {"color": colour, "width": 1.5, "dash": "dash"},
    }

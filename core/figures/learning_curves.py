"""Accuracy and loss while a network learns; made to be rebuilt every second without anything jumping."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from core import errors
from core.figures.axes import axis, round_up
from core.figures.marks import line, note, rule
from core.figures.template import FIRE, GREY, KeySign, Theme, faded, figure, ground, key, label
from core.words import percent

CurvePanel = Literal["accuracy", "loss"]
MOST_BATCHES = 400  # more points than a phone has columns only cost time


@dataclass(frozen=True, kw_only=True)
class LearningCurves:
    """One run so far: values by epoch from 1 (accuracies 0-1, losses in nats), and the loss of every batch."""

    epochs: int  # planned; the width of the axis
    train_accuracy: Sequence[float] = ()
    validation_accuracy: Sequence[float] = ()
    train_loss: Sequence[float] = ()
    validation_loss: Sequence[float] = ()
    batches: Sequence[tuple[float, float]] = ()  # (place in epochs, loss)
    best_epoch: int | None = None


def loss_ceiling(runs: Sequence[LearningCurves], classes: int | None) -> float:
    """Upper end of the loss axis: it starts above ln(classes) and only ever grows, in steps."""
    values = [value for run in runs for value in (*run.train_loss, *run.validation_loss)]
    if classes is not None:
        values.append(math.log(classes))  # what a network that knows nothing pays
    elif not values:
        # Single batches are noise: they count only while there is nothing else.
        values = [loss for run in runs for _, loss in run.batches]
    highest = max((value for value in values if math.isfinite(value)), default=1.0) * 1.1
    return round_up(highest)


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


def learning_curves(
    run: LearningCurves,
    *,
    panel: CurvePanel,
    control: LearningCurves | None = None,
    control_name: str = "from scratch",
    classes: int | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw accuracy or loss, of training and of validation; ``control`` lies behind in grey.

    ``classes`` sets the height of the loss axis before the first epoch is over. The axes' ranges depend on the plan,
    not on what has been drawn.
    """
    errors.one_of("panel", panel, ("accuracy", "loss"))
    draw = _accuracies if panel == "accuracy" else _losses
    traces = draw(run, FIRE, None)
    entries: list[tuple[str, str, KeySign]] = [("Validation", FIRE, "line"), ("Training", FIRE, "dots")]
    runs = [run]
    if control is not None:
        name = label(control_name[:1].upper() + control_name[1:], 24)
        traces = [*draw(control, GREY, name), *traces]
        entries.append((name, GREY, "line"))
        runs.append(control)
    epochs = max(each.epochs for each in runs)
    width = max(epochs * 1.02, 2)  # a lone epoch (a converged probe) stands in the middle
    if panel == "accuracy":
        y_axis = axis("Accuracy (%)", range=[0, 102], dtick=20, automargin=False)
    else:
        y_axis = axis("Loss (nats)", range=[0, loss_ceiling(runs, classes)], nticks=6, automargin=False)
    lines, notes = _best_epoch(run.best_epoch, width, ground(theme).muted)
    return figure(
        traces,
        theme,
        says=_says(run, panel, control, control_name),
        uirevision="learning curves",
        hovermode="x unified",
        height=360,
        margin={"l": 62, "r": 12, "t": 54, "b": 56},
        title=key(*entries),
        xaxis=axis(
            "Epochs",
            told="Epoch",
            range=[0, width],
            dtick=_epoch_step(epochs),
            showgrid=False,
            automargin=False,
        ),
        yaxis=y_axis,
        shapes=lines,
        annotations=notes,
    )


def _accuracies(run: LearningCurves, colour: str, name: str | None) -> list[dict[str, Any]]:
    """Draw a run's accuracies (%); a control has a ``name``, and only its validation: more would hide the run."""
    train, validation = (
        [100 * share for share in shares] for shares in (run.train_accuracy, run.validation_accuracy)
    )
    return _pair(train, validation, "%{y:.1f} %", colour, name)


def _losses(run: LearningCurves, colour: str, name: str | None) -> list[dict[str, Any]]:
    """Draw a run's losses (nats), and behind them the loss of every batch; of a control only the validation."""
    pair = _pair(run.train_loss, run.validation_loss, "%{y:.3f}", colour, name)
    if name is not None:
        return pair
    batches = _thinned(run.batches)
    told = {"series": "", "y": "Loss of a batch (nats)"}
    return [
        line(batches[:, 0], batches[:, 1], faded(colour, 0.4), width=1.5, name="Batches", meta=told),
        *pair,
    ]


def _pair(
    train: Sequence[float], validation: Sequence[float], hover: str, colour: str, name: str | None
) -> list[dict[str, Any]]:
    def curve(called: str, values: Sequence[float], width: float, dash: str, dots: float) -> dict[str, Any]:
        epochs = list(range(1, len(values) + 1))
        drawn = line(
            epochs, list(values), colour, width=width, dash=dash, dots=dots, name=called, hover=hover
        )
        return drawn | {"hovertemplate": hover}  # the box of all lines says their names

    shown = curve(name or "Validation", validation, 3.5, "solid", 8)
    return [shown] if name is not None else [curve("Training", train, 2, "dot", 5), shown]


def _best_epoch(
    epoch: int | None, width: float, colour: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Mark the best epoch with a line and its name, once it is known."""
    if epoch is None:
        return [], []
    place = epoch / width
    # Near an edge the words would leave the chart.
    side = "left" if place < 0.15 else "right" if place > 0.85 else "center"
    return (
        [rule(colour, x=epoch, width=1.5, dash="dot", layer="below")],
        [note("best epoch", epoch, 1, colour, anchor=f"{side} bottom", yref="paper")],
    )


def _epoch_step(epochs: int) -> int:
    """Distance of the ticks: whole epochs, at most eight of them."""
    return next(step for step in (1, 2, 5, 10, 20, 50, 100, 200) if epochs / step <= 8 or step == 200)


def _says(run: LearningCurves, panel: CurvePanel, control: LearningCurves | None, control_name: str) -> str:
    """Say where validation accuracy or loss began, where it is now, and where the control is."""

    def values_of(curves: LearningCurves) -> list[float]:
        return [*map(float, curves.validation_accuracy if panel == "accuracy" else curves.validation_loss)]

    def word(value: float) -> str:
        if not math.isfinite(value):
            return "no number"
        return percent(value) if panel == "accuracy" else f"{value:.3f} nats"

    values = values_of(run)
    if not values:
        return "No epoch is over yet."
    first, last = values[0], values[-1]
    if len(values) == 1:
        text = f"Validation {panel} is {word(first)} after 1 epoch"
    else:
        verb = "rises" if last > first else "falls" if last < first else "goes"
        if not all(map(math.isfinite, values)):
            verb = "goes"
        text = f"Validation {panel} {verb} from {word(first)} to {word(last)} over {len(values)} epochs"
    best = max(values) if panel == "accuracy" else min(values)
    if len(values) > 1 and math.isfinite(best) and best != last:
        text += f" (best {word(best)} in epoch {values.index(best) + 1})"
    others = values_of(control) if control is not None else []
    if others:
        text += f"; {control_name}: {word(others[-1])} after {len(others)}"
    return f"{text}."

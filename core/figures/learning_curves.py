"""Accuracy and loss while a network learns; made to be rebuilt every second without anything jumping."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from core import errors
from core.figures.axes import axis, round_up
from core.figures.marks import line, note, rule
from core.figures.template import FIRE, GREY, KeySign, Theme, faded, figure, ground, key, label
from core.words import percent

CurvePanel = Literal["both", "accuracy", "loss"]
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

    @classmethod
    def from_events(cls, events: Iterable[Mapping[str, Any]], *, epochs: int = 1) -> "LearningCurves":
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
    control: LearningCurves | None = None,
    control_name: str = "from scratch",
    classes: int | None = None,
    chance: float | None = None,
    panel: CurvePanel = "both",
    colour: str = FIRE,
    theme: Theme = "light",
) -> go.Figure:
    """Draw accuracy above loss, or one of the two (two columns of a page fold on a phone).

    ``control`` lies behind in grey; ``chance`` (0-1) is a dashed line; ``classes`` sets the height of the loss
    axis before the first epoch is over. The axes' ranges depend on the plan, not on what has been drawn.
    """
    errors.one_of("panel", panel, ("both", "accuracy", "loss"))
    on = ground(theme)
    both = panel == "both"
    epochs = max(run.epochs, control.epochs if control else 1)
    width = max(epochs * 1.02, 2)  # a lone epoch (a converged probe) stands in the middle
    entries: list[tuple[str, str, KeySign]] = [("Validation", colour, "line"), ("Training", colour, "dots")]
    runs: list[tuple[LearningCurves, str, str | None]] = [(run, colour, None)]
    if control is not None:
        behind = label(control_name[:1].upper() + control_name[1:], 24)
        runs.insert(0, (control, GREY, behind))
        entries.append((behind, GREY, "line"))
    step = {"dtick": _epoch_step(epochs), "showgrid": False, "automargin": False}
    x_axis = axis("Epochs", told="Epoch", range=[0, width], **step)
    accuracy = axis("Accuracy (%)", range=[0, 102], dtick=20, automargin=False)
    loss = axis("Loss (nats)", range=[0, loss_ceiling([each for each, _, _ in runs], classes)], nticks=6)
    loss["automargin"] = False
    accuracies, losses = (
        [trace for each in runs for trace in draw(*each)] for draw in (_accuracies, _losses)
    )
    axes: dict[str, Any] = {"xaxis": x_axis, "yaxis": accuracy if panel == "accuracy" else loss}
    if both:
        for trace in losses:
            trace |= {"xaxis": "x2", "yaxis": "y2"}
        axes = {
            "xaxis": x_axis | {"title": {"text": ""}},
            "yaxis": accuracy | {"domain": [0.56, 1]},
            "xaxis2": x_axis | {"anchor": "y2"},
            "yaxis2": loss | {"anchor": "x2", "domain": [0, 0.44]},
        }
    shapes, notes = _marked(run, None if panel == "loss" else chance, width, on.muted)
    return figure(
        [*(accuracies if panel != "loss" else []), *(losses if panel != "accuracy" else [])],
        theme,
        says=None if both else _says(run, panel, control, control_name),
        uirevision="learning curves",
        hovermode="x unified",
        height=620 if both else 360,
        margin={"l": 62, "r": 12, "t": 54, "b": 56},
        title=key(*entries),
        shapes=shapes,
        annotations=notes,
        **axes,
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


def _marked(
    run: LearningCurves, chance: float | None, width: float, colour: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Mark chance and the best epoch, each with its line and its name."""
    lines, names = [], []
    look: dict[str, Any] = {"width": 1.5, "layer": "below"}
    if chance is not None:
        lines.append(rule(colour, y=100 * chance, dash="dash", name="chance", **look))
        names.append(note("chance", width, 100 * chance, colour, anchor="right bottom"))
    if run.best_epoch is not None:
        place = run.best_epoch / width
        # Near an edge the words would leave the chart.
        side = "left" if place < 0.15 else "right" if place > 0.85 else "center"
        lines.append(rule(colour, x=run.best_epoch, dash="dot", **look))
        names.append(note("best epoch", run.best_epoch, 1, colour, anchor=f"{side} bottom", yref="paper"))
    return lines, names


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

"""Some classes are hidden: what is known, what is asked, and how well it was named. Torch-free."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics.classification import mean_interval
from core.techniques.events import Colour, Line, Lines, Panel, Score
from core.techniques.technique import Arm
from core.techniques.zero_shot.calibration import per_class

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Hidden:
    """Which classes are hidden, pictures (or features) of the others to learn from, and those to name."""

    is_seen: NDArray[np.bool_]  # (classes,)
    known: Floats  # (M, ...)
    known_labels: Labels
    asked: Floats  # (N, ...), of all classes
    asked_labels: Labels


def accuracies(scores: Floats, one: Hidden) -> dict[str, float]:
    """Mean accuracy over classes: unseen among the unseen, then both kinds with all classes allowed."""
    seen, hidden = np.flatnonzero(one.is_seen), np.flatnonzero(~one.is_seen)
    among = hidden[scores[:, hidden].argmax(axis=1)] == one.asked_labels
    of_all = scores.argmax(axis=1) == one.asked_labels
    return {
        "unseen": per_class(among, one.asked_labels, hidden),
        "open": per_class(of_all, one.asked_labels, hidden),
        "seen": per_class(of_all, one.asked_labels, seen),
    }


def scored(one: Hidden, seed: int, arms: tuple[Arm, ...], by_arm: dict[str, list[Floats]]) -> Iterator[Score]:
    """Score every arm; one with several arrays of scores (N, classes) by their mean, "guess" by counting classes."""
    for arm in arms:
        if arm.name == "guess":
            by_chance = 1 / len(one.is_seen)
            values = {"unseen": 1 / int((~one.is_seen).sum()), "open": by_chance, "seen": by_chance}
        else:
            several = [accuracies(scores, one) for scores in by_arm[arm.name]]
            values = {name: float(np.mean([each[name] for each in several])) for name in several[0]}
        for quantity, value in values.items():
            yield Score(arm=arm.name, seed=seed, value=value, quantity=quantity)


def bias(
    curves: list[tuple[Floats, Floats]],
    handicaps: Floats,
    *,
    what: str,
    title: str,
    caption: str,
    x_title: str,
) -> Panel:
    """Draw accuracy on seen and on unseen ``what`` ("digits") over ``handicaps``, seed by seed in ``curves``."""
    seen, unseen = (np.stack(part) for part in zip(*curves, strict=True))  # (seeds, handicaps)
    harmonic = 2 * seen * unseen / np.maximum(seen + unseen, 1e-9)
    lines = []
    drawn: tuple[tuple[str, Colour, Floats], ...] = (
        (f"Unseen {what}", "fire", unseen),
        (f"Seen {what}", "ice", seen),
        ("Harmonic mean", "grey", harmonic),
    )
    for name, colour, values in drawn:
        bands = [mean_interval(column.tolist()) for column in values.T]
        lines.append(
            Line(
                name=name,
                colour=colour,
                x=handicaps.tolist(),
                y=[one.value for one in bands],
                low=[max(0.0, one.low) for one in bands],
                high=[min(1.0, one.high) for one in bands],
            )
        )
    drawing = Lines(x_title=x_title, y_title="Accuracy", lines=tuple(lines), share=True)
    return Panel(name="bias", title=title, caption=caption, drawing=drawing)

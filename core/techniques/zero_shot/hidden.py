"""Some classes are hidden: what is known, what is asked, and how well it was named. Torch-free."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.arrays import Flags, Floats, Labels
from core.techniques.events import Colour, Lines, Panel, Score
from core.techniques.panels import mean_line
from core.techniques.technique import Arm
from core.techniques.zero_shot.calibration import per_class


@dataclass(frozen=True, kw_only=True, eq=False)
class Hidden:
    """Which classes are hidden, pictures (or features) of the others to learn from, and those to name."""

    is_seen: Flags  # (classes,)
    known: Floats  # (M, ...)
    known_labels: Labels
    asked: Floats  # (N, ...), of all classes
    asked_labels: Labels


def accuracies(scores: Floats, task: Hidden) -> dict[str, float]:
    """Mean accuracy over classes: unseen among the unseen, then both kinds with all classes allowed."""
    seen, hidden = np.flatnonzero(task.is_seen), np.flatnonzero(~task.is_seen)
    among = hidden[scores[:, hidden].argmax(axis=1)] == task.asked_labels
    of_all = scores.argmax(axis=1) == task.asked_labels
    return {
        "unseen": per_class(among, task.asked_labels, hidden),
        "open": per_class(of_all, task.asked_labels, hidden),
        "seen": per_class(of_all, task.asked_labels, seen),
    }


def scored(
    task: Hidden, seed: int, arms: tuple[Arm, ...], by_arm: dict[str, list[Floats]]
) -> Iterator[Score]:
    """Score every arm; one with several arrays of scores (N, classes) by their mean, "guess" by counting classes."""
    for arm in arms:
        if arm.name == "guess":
            by_chance = 1 / len(task.is_seen)
            values = {"unseen": 1 / int((~task.is_seen).sum()), "open": by_chance, "seen": by_chance}
        else:
            several = [accuracies(scores, task) for scores in by_arm[arm.name]]
            values = {name: float(np.mean([values[name] for values in several])) for name in several[0]}
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
    drawn: tuple[tuple[str, Colour, Floats], ...] = (
        (f"Unseen {what}", "fire", unseen),
        (f"Seen {what}", "ice", seen),
        ("Harmonic mean", "grey", harmonic),
    )
    lines = tuple(
        mean_line(name, colour, handicaps.tolist(), values, share=True) for name, colour, values in drawn
    )
    drawing = Lines(x_title=x_title, y_title="Accuracy", lines=lines, share=True)
    return Panel(name="bias", title=title, caption=caption, drawing=drawing)

"""What the charts of the advice show, each in one sentence."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.advice.sentences import arm_title
from core.advice.tasks import TASKS
from core.figures.advice_quadrants import BORDER
from core.figures.says import NOTHING, percent

if TYPE_CHECKING:
    from core.advice.evidence import Cell
    from core.advice.report import Measures, Outlook, Policy
    from core.figures.advice_quadrants import KnownDataSet, TaskPlace
    from core.metrics.report import Interval


def quadrants_say(landmarks: "Sequence[KnownDataSet]", place: "TaskPlace | None") -> str:
    """Say where the task lies, and what is near."""
    if place is None:
        return f"{len(landmarks)} measured data sets by likeness and size; your task is not described yet."
    (left, right), (low, high) = place.unlike, place.per_class
    like = "like" if right <= BORDER else "unlike" if left >= BORDER else "perhaps like, perhaps unlike"
    size = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    near = [one.title for one in landmarks if one.near]
    return f"Your task: {like} everyday photos, {size} pictures of each class" + (
        f"; nearest measured: {', '.join(near)}." if near else "."
    )


def outlooks_say(found: "Sequence[Outlook]", *, stages: int, advised: str, quantity: str = "accuracy") -> str:
    """Say what is expected of the advised depth, and which depth is expected to do worst."""
    one = next(outlook for outlook in found if outlook.arm == advised)
    worst = max(found, key=lambda outlook: outlook.behind.value)
    if quantity == "accuracy":
        text = f"Advised, {arm_title(advised, stages)}: {_spread(one.accuracy)}\u00a0% right"
    else:
        text = f"Advised, {arm_title(advised, stages)}: {_spread(one.behind)} points behind the best"
    if worst.arm == advised:
        return f"{text}."
    value = worst.accuracy if quantity == "accuracy" else worst.behind
    return f"{text}; worst, {arm_title(worst.arm, stages)}: {_spread(value)}."


def _spread(one: "Interval") -> str:
    return f"{100 * one.value:.0f} [{100 * one.low:.0f}, {100 * one.high:.0f}]"


def map_says(cells: "Sequence[Cell]", arms: Sequence[str], *, stages: int) -> str:
    """Say which depth is best how often, and the most that one gives away."""
    if not cells:
        return NOTHING
    best = [max(arms, key=cell.mean) for cell in cells]
    often = max(arms, key=best.count)
    lost, cell, arm = max(
        ((100 * (max(map(cell.mean, arms)) - cell.mean(arm)), cell, arm) for cell in cells for arm in arms),
        key=lambda one: one[0],
    )
    return (
        f"Best most often: {arm_title(often, stages)}, on {best.count(often)} of {len(cells)} data sets. "
        f"Furthest behind: {arm_title(arm, stages)} on {TASKS[cell.task].title}, {lost:.0f} points."
    )


def depths_say(cells: "Sequence[Cell]", arms: Sequence[str], *, stages: int) -> str:
    """Say which depth is best for the fewest and for the most pictures."""
    ordered = sorted(cells, key=lambda cell: cell.images)
    parts = []
    for cell in dict.fromkeys((ordered[0].images, ordered[-1].images)):
        one = next(row for row in ordered if row.images == cell)
        best = max(arms, key=one.mean)
        parts.append(
            f"with {one.per_class_mean:.0f} pictures of each class {arm_title(best, stages)} is best, "
            f"{percent(one.mean(best))}"
        )
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def probes_say(measured: "Sequence[Measures]") -> str:
    """Say from which stage a linear probe reads best."""
    stages = [one.stage for one in measured[0].stages]
    means = []
    for place in range(len(stages)):
        values = [found.value for one in measured if (found := one.stages[place].probe) is not None]
        means.append(sum(values) / len(values) if values else -math.inf)
    best = means.index(max(means))
    if not math.isfinite(means[best]):
        return f"Chance is {percent(measured[0].chance)}."
    return (
        f"A linear probe reads best from {stages[best]}, {percent(means[best])}; from the last stage, "
        f"{stages[-1]}, {percent(means[-1])}."
    )


def neighbours_say(measures: "Measures") -> str:
    """Say how well nearest neighbours tell the classes apart behind the first and the last stage."""
    first, last = measures.stages[0], measures.stages[-1]
    ends = [
        f"{percent(one.neighbours.value)} behind {one.stage}"
        for one in (first, last)
        if one.neighbours is not None
    ]
    return f"Named rightly by nearest neighbours: {', '.join(ends)}; chance is {percent(measures.chance)}."


def regrets_say(policies: "Sequence[Policy]") -> str:
    """Say which ways to choose a depth give away least and most."""
    if not policies:
        return NOTHING
    least, most = (pick(policies, key=lambda one: one.regret.value) for pick in (min, max))
    return (
        f"Least is given away by “{least.title}”, {least.regret.value:.1f} points on average; most by "
        f"“{most.title}”, {most.regret.value:.1f}."
    )

"""What a chart shows in one sentence, short and exact: from the numbers that are drawn.

`figure_says` reads them off any figure. The others know what matters in theirs; each takes what its builder takes.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.figures.table import SERIES, Table, tables
from core.figures.told import Value

if TYPE_CHECKING:
    from core.figures.learning_curves import LearningCurves
    from core.freezing.report import StageAudit
    from core.metrics.report import Interval, ReliabilityBin
    from core.techniques.events import Cloud

NOTHING = "Nothing is drawn yet."
_MOST = 6  # things that one sentence names
_UNIT = re.compile(r"^(.*?)(?: \((%|nats|1/s|m/s|°)\))?$")


# --- any figure -----------------------------------------------------------------------------------------


def figure_says(figure: go.Figure) -> str:
    """Say where each series of the first panel begins and ends, or which rows are lowest and highest."""
    found = tables(figure)
    if not found:
        return NOTHING
    first = found[0]
    columns = first.columns
    names = list(columns)
    if first.grid:
        return _grid(first)
    if SERIES in columns:
        key, value = _key_and_value(columns)
        series = {
            name: [
                (columns[key][row] if key else None, columns[value][row])
                for row, other in enumerate(columns[SERIES])
                if other == name
            ]
            for name in dict.fromkeys(map(str, columns[SERIES]))
        }
        return _lines(value, key, series)
    if first.title and len(names) > 1:
        series = {name: list(zip(columns[names[0]], columns[name], strict=True)) for name in names[1:]}
        return _lines(first.title, names[0], series)
    key, value = _key_and_value(columns)
    rows = list(zip(columns[key] if key else columns[value], columns[value], strict=True))
    if any(isinstance(one, str) for one, _ in rows):
        return _rows(value, rows)
    return _lines(value, key, {"": rows})


def _key_and_value(columns: Mapping[str, Sequence[Value]]) -> tuple[str, str]:
    """The column that the rows go by, and the first column of numbers after it."""
    names = [name for name in columns if name != SERIES]
    numbers = [name for name in names if not any(isinstance(one, str) for one in columns[name])]
    if names and names[0] not in numbers and numbers:
        return names[0], numbers[0]
    return (numbers[0], numbers[1]) if len(numbers) > 1 else ("", numbers[0])


def _lines(value: str, key: str, series: Mapping[str, Sequence[tuple[Value, Value]]]) -> str:
    name, unit = _split(value)
    parts, ends = [], []
    for title, points in list(series.items())[:_MOST]:
        known = [(at, number) for at, number in points if isinstance(number, int | float)]
        if not known:
            continue
        first, last = known[0][1], known[-1][1]
        span = written(first) if first == last else f"{written(first)} to {written(last)}"
        parts.append(f"{title} {span}".strip())
        ends += [at for at, _ in (known[0], known[-1]) if len(known) > 1 and at is not None]
    if not parts:
        return NOTHING
    more = f", and {len(series) - _MOST} more" if len(series) > _MOST else ""
    where = ""
    if ends and isinstance(ends[0], str):
        where = f", from {ends[0]} to {ends[1]}"
    elif ends:
        what, of = _split(key)
        low, high = (pick(one for one in ends if isinstance(one, int | float)) for pick in (min, max))
        where = f"; {what[:1].lower()}{what[1:]}: {written(low)} to {written(high)}{of}"
    return f"{name}: {', '.join(parts)}{unit}{more}{where}."


def _rows(value: str, rows: Sequence[tuple[Value, Value]]) -> str:
    name, unit = _split(value)
    known = [(str(at), float(number)) for at, number in rows if isinstance(number, int | float)]
    if not known:
        return NOTHING
    if len(known) <= _MOST:
        return f"{name}: {', '.join(f'{at} {written(number)}' for at, number in known)}{unit}."
    low, high = (pick(known, key=lambda one: one[1]) for pick in (min, max))
    return (
        f"{name}: from {written(low[1])}{unit} ({low[0]}) to {written(high[1])}{unit} ({high[0]}), "
        f"{len(known)} in all."
    )


def _grid(one: Table) -> str:
    names = list(one.columns)
    cells = [
        (float(number), f"{row}, {name}")
        for name in names[1:]
        for row, number in zip(one.columns[names[0]], one.columns[name], strict=True)
        if isinstance(number, int | float)
    ]
    if not cells:
        return NOTHING
    unit = "\u00a0%" if one.title.startswith("%") else ""
    low, high = min(cells), max(cells)
    return f"From {written(low[0])}{unit} ({low[1]}) to {written(high[0])}{unit} ({high[1]})."


def _split(name: str) -> tuple[str, str]:
    """A column's name and the unit that follows a number."""
    found = _UNIT.match(name)
    assert found is not None
    return found[1], f"\u00a0{found[2]}" if found[2] else ""


def written(value: Value) -> str:
    """Write three digits that count, and whole numbers whole."""
    if not isinstance(value, int | float):
        return "–"
    whole = float(value).is_integer() or abs(value) >= 1000
    return (f"{value:,.0f}" if whole else f"{value:.3g}").replace("-", "−")


def percent(share: float) -> str:
    """Write a share of 1 in percent."""
    return f"{100 * share:.1f}\u00a0%"


# --- runs -----------------------------------------------------------------------------------------------


def curves_say(
    run: "LearningCurves",
    panel: str,
    *,
    control: "LearningCurves | None" = None,
    control_name: str = "from scratch",
) -> str:
    """Say where validation accuracy (or loss, ``panel``) began, where it is now, and where the control is."""
    values, others = (
        []
        if one is None
        else [float(value) for value in (one.validation_accuracy if accuracy else one.validation_loss)]
        for accuracy in [panel == "accuracy"]
        for one in (run, control)
    )
    if not values:
        return "No epoch is over yet."
    name = "accuracy" if panel == "accuracy" else "loss"

    def word(value: float) -> str:
        if not math.isfinite(value):
            return "no number"
        return percent(value) if panel == "accuracy" else f"{value:.3f}\u00a0nats"

    if len(values) == 1:
        text = f"Validation {name} is {word(values[0])} after 1 epoch"
    else:
        verb = "goes" if not all(map(math.isfinite, values)) else _verb(values[0], values[-1])
        text = (
            f"Validation {name} {verb} from {word(values[0])} to {word(values[-1])} over {len(values)} epochs"
        )
    best = max(values) if panel == "accuracy" else min(values)
    if len(values) > 1 and math.isfinite(best) and best != values[-1]:
        text += f" (best {word(best)} in epoch {values.index(best) + 1})"
    if others:
        text += f"; {control_name} it is {word(others[-1])} after {len(others)}"
    return f"{text}."


def _verb(first: float, last: float) -> str:
    return "rises" if last > first else "falls" if last < first else "goes"


def balance_says(counts: Mapping[str, Sequence[int]], class_names: Sequence[str]) -> str:
    """Say how many images there are, and of which class fewest and most."""
    totals = [sum(numbers[place] for numbers in counts.values()) for place in range(len(class_names))]
    if not totals:
        return NOTHING
    few, many = totals.index(min(totals)), totals.index(max(totals))
    if totals[few] == totals[many]:
        return f"{sum(totals):,} images in {len(totals)} classes, {totals[few]:,} of each."
    return (
        f"{sum(totals):,} images in {len(totals)} classes, from {totals[few]:,} ({class_names[few]}) "
        f"to {totals[many]:,} ({class_names[many]})."
    )


def confusion_says(confusion: ArrayLike, class_names: Sequence[str]) -> str:
    """Say how many images are named rightly, and which mistake is the most frequent."""
    counts = np.asarray(confusion, dtype=np.int64)
    right = f"{int(np.trace(counts)):,} of {int(counts.sum()):,} test pictures are recognised"
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    if not wrong.any():
        return f"{right}."
    true, guess = divmod(int(wrong.argmax()), len(counts))
    return (
        f"{right}; most often {class_names[true]} is taken for {class_names[guess]}, "
        f"{wrong[true, guess]} of {counts[true].sum()} times."
    )


def drift_says(audit: "Sequence[StageAudit]") -> str:
    """Say which stage moved most, and whether frozen ones stayed."""
    if not audit:
        return NOTHING
    most = max(audit, key=lambda one: one.relative_change)
    frozen = [one for one in audit if one.frozen]
    moved = [one for one in frozen if one.relative_change]
    parts = []
    if most.relative_change:
        parts.append(
            f"furthest moved is {most.stage}, by {written(100 * most.relative_change)}\u00a0% of its length"
        )
    if frozen:
        parts.append(
            f"{len(moved)} of {len(frozen)} frozen stages moved"
            if moved
            else f"{'the frozen stage' if len(frozen) == 1 else f'all {len(frozen)} frozen stages'} stayed"
        )
    text = "; ".join(parts) or "no stage moved"
    return f"{text[:1].upper()}{text[1:]}."


def reliability_says(bins: "Sequence[ReliabilityBin]", calibration_error: float) -> str:
    """Say how far confidence is from accuracy, and in which direction."""
    images = sum(one.count for one in bins)
    if not images:
        return NOTHING
    more = sum(one.count * (one.confidence - one.accuracy) for one in bins) / images
    direction = "more" if more > 0 else "less"
    return (
        f"How sure and how often right differ by {100 * calibration_error:.1f} points on average over {images:,} "
        f"images; it is {direction} sure than right, by {100 * abs(more):.1f} points."
    )


def probabilities_say(scores: ArrayLike, class_names: Sequence[str]) -> str:
    """Name the three most probable classes."""
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")[:3]
    first, *others = (f"{class_names[number]} {percent(values[number])}" for number in order)
    return f"Most probable: {first}" + (f"; then {', '.join(others)}" if others else "") + "."


def results_say(rows: "Sequence[tuple[str, Interval]]", chance: float | None = None) -> str:
    """Name each result with its interval (all 0-1), and chance."""
    named = [f"{name} {percent(one.value)} [{100 * one.low:.1f}, {100 * one.high:.1f}]" for name, one in rows]
    return ", ".join(named) + ("" if chance is None else f"; chance is {percent(chance)}") + "."


def clouds_say(title: str, clouds: "Sequence[Cloud]") -> str:
    """Say how many points of which kind lie in the plane; ``title`` tells planes side by side apart."""
    counts = ", ".join(f"{cloud.name} {len(cloud.points):,} points" for cloud in clouds)
    return f"{title}: {counts}." if title else f"{counts}."

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

from core.advice.sentences import arm_title
from core.advice.tasks import TASKS
from core.figures.table import SERIES, Table, Value, tables

if TYPE_CHECKING:
    from core.advice.evidence import Cell
    from core.advice.report import Measures, Outlook, Policy
    from core.figures.advice_quadrants import Landmark, Place
    from core.figures.learning_curves import Curves
    from core.freezing.report import StageAudit
    from core.interpretation.specificity_report import SpecificityReport
    from core.interpretation.trust import Curves as TrustCurves
    from core.interpretation.trust import SanityStep
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
        span = _number(first) if first == last else f"{_number(first)} to {_number(last)}"
        parts.append(f"{title} {span}".strip())
        ends += [known[0][0], known[-1][0]] if len(known) > 1 and known[0][0] is not None else []
    if not parts:
        return NOTHING
    more = f", and {len(series) - _MOST} more" if len(series) > _MOST else ""
    where = ""
    if ends and isinstance(ends[0], str):
        where = f", from {ends[0]} to {ends[1]}"
    elif ends:
        what, of = _split(key)
        where = f"; {what[:1].lower()}{what[1:]}: {_number(ends[0])} to {_number(ends[1])}{of}"
    return f"{name}: {', '.join(parts)}{more}{unit}{where}."


def _rows(value: str, rows: Sequence[tuple[Value, Value]]) -> str:
    name, unit = _split(value)
    known = [(str(at), float(number)) for at, number in rows if isinstance(number, int | float)]
    if not known:
        return NOTHING
    if len(known) <= _MOST:
        return f"{name}: {', '.join(f'{at} {_number(number)}' for at, number in known)}{unit}."
    low, high = (pick(known, key=lambda one: one[1]) for pick in (min, max))
    return (
        f"{name}: from {_number(low[1])}{unit} ({low[0]}) to {_number(high[1])}{unit} ({high[0]}), "
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
    return f"From {_number(low[0])}{unit} ({low[1]}) to {_number(high[0])}{unit} ({high[1]})."


def _split(name: str) -> tuple[str, str]:
    """A column's name and the unit that follows a number."""
    found = _UNIT.match(name)
    assert found is not None
    return found[1], f"\u00a0{found[2]}" if found[2] else ""


def _number(value: Value) -> str:
    """Write three digits that count, and whole numbers whole."""
    if not isinstance(value, int | float):
        return "–"
    whole = float(value).is_integer() or abs(value) >= 1000
    return (f"{value:,.0f}" if whole else f"{value:.3g}").replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"


# --- runs -----------------------------------------------------------------------------------------------


def curves_say(
    run: "Curves", panel: str, *, control: "Curves | None" = None, control_name: str = "from scratch"
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
        return _percent(value) if panel == "accuracy" else f"{value:.3f}\u00a0nats"

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
            f"furthest moved is {most.stage}, by {_number(100 * most.relative_change)}\u00a0% of its length"
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
    first, *others = (f"{class_names[number]} {_percent(values[number])}" for number in order)
    return f"Most probable: {first}" + (f"; then {', '.join(others)}" if others else "") + "."


def results_say(rows: "Sequence[tuple[str, Interval]]", chance: float | None = None) -> str:
    """Name each result with its interval (all 0-1), and chance."""
    named = [
        f"{name} {_percent(one.value)} [{100 * one.low:.1f}, {100 * one.high:.1f}]" for name, one in rows
    ]
    return ", ".join(named) + ("" if chance is None else f"; chance is {_percent(chance)}") + "."


# --- advice ---------------------------------------------------------------------------------------------


def quadrants_say(landmarks: "Sequence[Landmark]", place: "Place | None") -> str:
    """Say where the task lies, and what is near."""
    from core.figures.advice_quadrants import BORDER

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
            f"{_percent(one.mean(best))}"
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
        return f"Chance is {_percent(measured[0].chance)}."
    return (
        f"A linear probe reads best from {stages[best]}, {_percent(means[best])}; from the last stage, "
        f"{stages[-1]}, {_percent(means[-1])}."
    )


def neighbours_say(measures: "Measures") -> str:
    """Say how well nearest neighbours tell the classes apart behind the first and the last stage."""
    first, last = measures.stages[0], measures.stages[-1]
    ends = [
        f"{_percent(one.neighbours.value)} behind {one.stage}"
        for one in (first, last)
        if one.neighbours is not None
    ]
    return f"Named rightly by nearest neighbours: {', '.join(ends)}; chance is {_percent(measures.chance)}."


def regrets_say(policies: "Sequence[Policy]") -> str:
    """Say which ways to choose a depth give away least and most."""
    if not policies:
        return NOTHING
    least, most = (pick(policies, key=lambda one: one.regret.value) for pick in (min, max))
    return (
        f"Least is given away by “{least.title}”, {least.regret.value:.1f} points on average; most by "
        f"“{most.title}”, {most.regret.value:.1f}."
    )


# --- layers ---------------------------------------------------------------------------------------------


def tuning_says(angles: Sequence[float], answers: Sequence[float]) -> str:
    """Say which stripes excite a filter most, and how little those across them do."""
    values = np.asarray(answers, dtype=np.float64)
    most = int(values.argmax())
    if values[most] <= 0:
        return "It answers to no stripes."
    across = int(np.argmin(np.abs((np.asarray(angles) - angles[most] - 90 + 90) % 180 - 90)))
    return (
        f"It answers most to stripes at {angles[most]:.0f}°; at {angles[across]:.0f}° its answer is "
        f"{100 * values[across] / values[most]:.0f}\u00a0% of that."
    )


def faithfulness_says(curves: "TrustCurves") -> str:
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


def sanity_says(found: "Mapping[str, Sequence[SanityStep]]") -> str:
    """Say how like the first each method's map still is once every part has random weights."""
    ends = [
        f"{name} {'–' if steps[-1].rank is None else _number(round(steps[-1].rank, 2))}"
        for name, steps in found.items()
    ]
    return f"With every part random, rank correlation with the map as trained: {', '.join(ends)}."


def similarity_says(report: "SpecificityReport") -> str:
    """Name the two stages that are most alike, and the two that are least."""
    names = [stage.name for stage in report.stages]
    pairs = [
        (value, f"{names[row]} and {names[column]}")
        for row in range(len(names))
        for column in range(row)
        if (value := report.cka[row][column]) is not None
    ]
    if not pairs:
        return NOTHING
    least, most = min(pairs), max(pairs)
    if least == most:
        return f"{most[1]}: CKA {most[0]:.2f}."
    return f"Most alike are {most[1]} (CKA {most[0]:.2f}), least {least[1]} ({max(least[0], 0):.2f})."


def clouds_say(clouds: "Sequence[Cloud]") -> str:
    """Say how many points of which kind lie in the plane."""
    return ", ".join(f"{one.name}: {len(one.points):,} points" for one in clouds) + "."

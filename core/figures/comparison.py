"""Runs side by side, each with how sure we are of it, and their differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from core import words
from core.figures.axes import AxisLayout, axis, named_axis, percent_axis
from core.figures.marks import GUIDE, LEVEL, above_row, guide, note, points, whisker
from core.figures.template import FIRE, GREY, ROLES, SIZE, ColourRole, Theme, figure, ground, key, label
from core.metrics.report import Difference, Interval
from core.metrics.verdict import judged

MOST = 24  # classes that are drawn of two runs
_DOT = 0.14  # how far below the middle of its row a dot lies; its name stands above


@dataclass(frozen=True, kw_only=True)
class AccuracyRow:
    """One row: a run's name, its test accuracy, and the colour's meaning."""

    name: str
    accuracy: Interval  # 0-1
    role: ColourRole = "trainable"


@dataclass(frozen=True, kw_only=True)
class ClassPair:
    """One class: the share of its test pictures that each of two runs found (0-1), and how many there are."""

    name: str
    first: float
    second: float
    count: int


@dataclass(frozen=True, kw_only=True)
class _Row:
    name: str  # above the row
    whole: str  # when pointed at
    value: str
    interval: Interval
    colour: str


def accuracies(
    results: Sequence[AccuracyRow], *, chance: float | None = None, theme: Theme = "light"
) -> go.Figure:
    """Draw a dot with its 95 % interval for every run, in percent, from 0 to 100; chance is a dashed line."""
    rows = [
        _Row(
            name=label(result.name, 38),
            whole=label(result.name),
            value=words.percent(result.accuracy.value),
            interval=result.accuracy.times(100),
            colour=ROLES[result.role],
        )
        for result in results
    ]
    said = ", ".join(
        f"{result.name} {words.percent(share.value)} {words.interval(share.low, share.high)}"
        for result in results
        for share in [result.accuracy]
    )
    if chance is not None:
        said += f"; chance is {words.percent(chance)}"
    x_axis = percent_axis("Test accuracy (%), with 95 % interval")
    if chance is None:
        return _forest(rows, x_axis, theme, says=f"{said}.")
    named = note("chance", 100 * chance, len(rows) - 0.62, ground(theme).muted, anchor="top")
    return _forest(rows, x_axis, theme, says=f"{said}.", reference=100 * chance, notes=[named])


def differences(pairs: Sequence[Difference], *, theme: Theme = "light") -> go.Figure:
    """Draw each difference in percentage points with its 95 % interval; what crosses the line may be chance."""
    rows = []
    for difference in pairs:
        gap = difference.difference.times(100)
        name, whole = (" − ".join(label(run, longest) for run in difference.names) for longest in (20, None))
        colour = GREY if judged(difference.difference) == "no difference" else FIRE
        value = words.number(gap.value, sign=True)
        rows.append(_Row(name=name, whole=whole, value=value, interval=gap, colour=colour))
    reach = 1.1 * max([1.0, *(abs(end) for row in rows for end in (row.interval.low, row.interval.high))])
    x_axis = axis("Difference (percentage points)", range=[-reach, reach], nticks=7)
    said = " ".join(f"{difference.verdict}." for difference in pairs)
    return _forest(rows, x_axis, theme, says=said, reference=0.0)


def classes_compared(
    pairs: Sequence[ClassPair], names: tuple[str, str], *, theme: Theme = "light"
) -> go.Figure:
    """Draw two dots a class, joined, in percent of its pictures; what differs most stands on top, at most `MOST`."""
    ordered = sorted(pairs, key=lambda pair: -abs(pair.first - pair.second))
    shown, on = ordered[:MOST], ground(theme)
    better = [sum(one > other for one, other in seen) for seen in _both_ways(pairs)]
    said = (
        f"{names[0]} finds more of {words.count(better[0], 'class', 'classes')}, {names[1]} of {better[1]}; "
        f"{len(pairs) - sum(better)} alike."
    )
    if len(ordered) > len(shown):
        said += f" Shown are the {len(shown)} that differ most."
    links = [
        guide([100 * pair.first, 100 * pair.second], [place, place], on.grid, width=5)
        for place, pair in enumerate(shown)
    ]
    dots = [
        points(
            [100 * value for value in values],
            list(range(len(shown))),
            colour,
            size=size,
            name=name,
            cliponaxis=False,
            meta={"also": [None, "Pictures"]},
            customdata=[[label(pair.name), pair.count] for pair in shown],
            hover="%{customdata[0]}<br>" + name + " finds <b>%{x:.1f} %</b> of %{customdata[1]}",
        )
        # The first stands before the second, and a little of the second is seen behind it.
        for name, values, colour, size in (
            (names[1], [pair.second for pair in shown], GREY, 18),
            (names[0], [pair.first for pair in shown], FIRE, 12),
        )
    ]
    return figure(
        [*links, *dots],
        theme,
        says=said,
        height=120 + 26 * max(len(shown), 1),
        margin={"l": 12, "r": 12, "t": 44},
        xaxis=percent_axis("Test pictures of the class that were found (%)"),
        yaxis=named_axis(
            [pair.name for pair in shown], longest=18, down=True, ink=on.ink, told="Class", automargin=True
        ),
        title=key((names[0], FIRE, "dot"), (names[1], GREY, "dot")),
    )


def _both_ways(pairs: Sequence[ClassPair]) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    ahead = [(pair.first, pair.second) for pair in pairs]
    return ahead, [(second, first) for first, second in ahead]


def _forest(
    rows: Sequence[_Row],
    x_axis: AxisLayout,
    theme: Theme,
    *,
    says: str,
    reference: float | None = None,
    notes: Sequence[dict[str, Any]] = (),
) -> go.Figure:
    """Draw a dot a row on its track; a short mark in every row for ``reference``, since a line would cross names."""
    on = ground(theme)
    tracks, marks, dots, names = [], [], [], [*notes]
    for number, row in enumerate(rows):
        y = number + _DOT
        tracks.append(guide(x_axis["range"], [y, y], on.grid))
        if reference is not None:
            told = GUIDE if number or not reference else LEVEL
            short = guide([reference] * 2, [y - 0.16, y + 0.16], on.muted, name="chance")
            marks.append(short | {"meta": told})
        dots.append(
            points(
                [row.interval.value],
                [y],
                row.colour,
                size=16,
                cliponaxis=False,
                meta={"series": "", "also": ["Run"], "low": "95 % from", "high": "to"},
                customdata=[[row.whole, row.interval.low, row.interval.high]],
                hover="%{customdata[0]}<br><b>%{x:.1f}</b> [%{customdata[1]:.1f}, %{customdata[2]:.1f}]",
            )
            | whisker([row.interval], row.colour, along="x", thickness=5)
        )
        names += [
            above_row(number, row.name, on.ink, lift=0.12),
            above_row(number, row.value, on.ink, side="right", size=SIZE, bold=True, lift=0.12),
        ]
    return figure(
        [*tracks, *marks, *dots],
        theme,
        says=says,
        height=92 + 66 * max(len(rows), 1),
        margin={"l": 12, "r": 12, "t": 6},
        xaxis=x_axis | {"showgrid": False},
        yaxis={"range": [len(rows) - 0.4, -0.62], "visible": False},
        annotations=names,
    )

"""How alike a task is to what a network knows: four measures, stage by stage, among data sets a person knows."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core import words
from core.advice.landmarks import MEASURES, Landmark, Scale, TaskMeasure, place
from core.advice.report import Measures
from core.figures.axes import axis, named_axis
from core.figures.marks import guide, line, note, points, whisker
from core.figures.template import GREY, ICE, SIZE, SMALL, Ground, Theme, faded, figure, ground, key, label
from core.metrics.report import Interval

Scales = Mapping[tuple[str, TaskMeasure], Scale]  # by stage and measure

ORDER: tuple[TaskMeasure, ...] = (
    "neighbours",
    "probe",
    "logme",
    "h_score",
    "frechet",
)  # plain votes always first
_PERCENT: tuple[TaskMeasure, ...] = ("neighbours", "probe", "h_score")
_ROW = 104  # px a scale
_LONGEST = 18
_LETTER = 0.023  # of a phone's width: names are laid out for 320 px
_EDGE = 0.2  # of the width: closer to an end, a name begins or ends at its tick


def scales(measures: Measures, stage: str, known: Sequence[Scale], *, theme: Theme = "light") -> go.Figure:
    """Draw one scale a measure behind ``stage``: the task's dot with its interval, and known data sets as ticks.

    Accuracies lie where they are between chance (left of the ticks or among them) and perfect; their figures are
    written as measured. Every tick tells its data set when pointed at; up to three have their names below.
    """
    row_of = next(each for each in measures.stages if each.stage == stage)
    by_measure = {scale.measure: scale for scale in known}
    shown = _shown(measures)
    on = ground(theme)
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for row, measure in enumerate(shown):
        value = place(measures, row_of, measure)
        measured: Interval | None = getattr(row_of, measure)
        if value is None or measured is None:
            continue
        marks = by_measure[measure].landmarks if measure in by_measure else ()
        low, high = _range(measure, [value], [mark.value for mark in marks])
        wheres = [(mark.value - low) / (high - low) for mark in marks]
        ends = (value.value, value.low, value.high)
        at, begin, end = ((number - low) / (high - low) for number in ends)
        traces.append(guide([0, 1], [row] * 2, on.grid, width=4))
        if marks:
            traces.append(_ticks(marks, wheres, row, on.muted, measure))
        traces.append(_dot(Interval(value=at, low=begin, high=end), measured, row, measure))
        notes += [
            *_above(row, measure, measured, on),
            *(
                _below(row, marks[number].title, wheres[number], on.muted)
                for number in _named(marks, wheres, at)
            ),
        ]
    return figure(
        traces,
        theme,
        height=52 + _ROW * len(shown),
        margin={"l": 10, "r": 10, "t": 40, "b": 8},
        title=key(("Your pictures", ICE, "line"), ("Measured data sets", on.muted, "dots")),
        xaxis={"range": [-0.01, 1.01], "visible": False},
        yaxis={"range": [len(shown) - 0.45, -0.62], "visible": False},
        annotations=notes,
    )


def by_stage(measures: Measures, known: Scales | None = None, *, theme: Theme = "light") -> go.Figure:
    """Draw every measure over the stages, plain votes first; thin grey lines are the known data sets.

    Each panel has its own unit; accuracies are shares of the way from chance (0) to perfect (100 %).
    """
    on = ground(theme)
    shown = _shown(measures)
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    notes: list[dict[str, Any]] = []
    for number, measure in enumerate(shown):
        name = f"y{number + 1}" if number else "y"
        panel, limits = _panel(measures, measure, known or {})
        traces += [trace | {"yaxis": name} for trace in panel]
        top, bottom = 1 - number / len(shown), 1 - (number + 1) / len(shown)
        axes[name.replace("y", "yaxis")] = axis(
            told=f"{MEASURES[measure].title}, {MEASURES[measure].axis}",
            domain=[max(bottom + 0.03, 0), top - 0.27 / len(shown)],  # below its title
            range=limits,
            nticks=4,
            zeroline=limits[0] < 0 < limits[1],
        )
        notes.append(_panel_title(measure, top, on))
    stages = [stage.stage for stage in measures.stages]
    return figure(
        traces,
        theme,
        says=_says(measures),
        height=60 + 172 * len(shown),
        margin={"t": 40, "l": 8, "r": 14},
        title=key(("Your pictures", ICE, "line"), ("Measured data sets", on.muted, "line")),
        xaxis=named_axis(stages, longest=12, room=0.3, ink=on.ink, told="Stage", anchor=name),
        annotations=notes,
        **axes,
    )


def _panel(
    measures: Measures, measure: TaskMeasure, known: Scales
) -> tuple[list[dict[str, Any]], list[float]]:
    """Draw one measure over the stages, and give the ends of its axis."""
    factor = 100 if measure in _PERCENT else 1
    stages = [stage.stage for stage in measures.stages]
    values = [place(measures, stage, measure) for stage in measures.stages]
    sure = {at: value.times(factor) for at, value in enumerate(values) if value is not None}
    rows = _landmarks(known, stages, measure, factor)
    thin: dict[str, Any] = {"x": list(range(len(stages))), "colour": faded(GREY, 0.45), "width": 1.5}
    lines = [line(y=row, name=title, hover=f"{title}: %{{y:.3g}}", **thin) for title, row in rows.items()]
    marks = [value for row in rows.values() for value in row if value is not None]
    names = [label(name, 12) for name in stages]
    limits = _range(measure, [*sure.values()], marks, factor)
    return [*lines, _your_pictures(sure, names, MEASURES[measure].title)], [*limits]


def _landmarks(
    known: Scales, stages: Sequence[str], measure: TaskMeasure, factor: float
) -> dict[str, list[float | None]]:
    """By a known data set's title: where it lies behind every stage, None where it was not measured."""
    scales = [known.get((stage, measure)) for stage in stages]
    marks = [{} if scale is None else {mark.task: mark for mark in scale.landmarks} for scale in scales]
    titles = {task: mark.title for of_stage in marks for task, mark in of_stage.items()}
    return {
        label(title): [factor * of_stage[task].value if task in of_stage else None for of_stage in marks]
        for task, title in titles.items()
    }


def _your_pictures(sure: Mapping[int, Interval], names: Sequence[str], title: str) -> dict[str, Any]:
    return line(
        list(sure),
        [value.value for value in sure.values()],
        ICE,
        dots=11,
        name=title,
        meta={"series": "Your pictures"},
        cliponaxis=False,
        customdata=[[names[at], value.low, value.high] for at, value in sure.items()],
        hover="%{customdata[0]}: <b>%{y:.3g}</b> [%{customdata[1]:.3g}, %{customdata[2]:.3g}]",
    ) | whisker([*sure.values()], ICE)


def _panel_title(measure: TaskMeasure, top: float, on: Ground) -> dict[str, Any]:
    unit = f'<span style="color:{on.muted};font-size:{SMALL}px">{MEASURES[measure].axis}</span>'
    text = f"<b>{MEASURES[measure].title}</b>  {unit}"
    return note(text, 0, top, on.ink, anchor="left top", size=SIZE, xref="paper", yref="paper")


def _shown(measures: Measures) -> list[TaskMeasure]:
    """The measures that there are, plain votes first."""
    return [
        measure for measure in ORDER if any(getattr(stage, measure) is not None for stage in measures.stages)
    ]


def _range(
    measure: TaskMeasure, values: Sequence[Interval], marks: Sequence[float], factor: float = 1
) -> tuple[float, float]:
    """From the smallest to the largest thing on a scale, with some air; 0, where nothing is known, always on it."""
    ends = [0.0, *marks, *(end for value in values for end in (value.low, value.high))]
    if measure in _PERCENT:
        ends.append(factor)
    air = 0.04 * (max(ends) - min(ends)) or factor
    return min(ends) - air, max(ends) + air


def _named(marks: Sequence[Landmark], wheres: Sequence[float], at: float) -> list[int]:
    """Choose whose names are written: the nearest neighbours of the dot, then the ends, as far as there is room."""
    below = [number for number, where in enumerate(wheres) if where < at]
    above = [number for number, where in enumerate(wheres) if where >= at]
    neighbours = sorted([*below[-1:], *above[:1]], key=lambda number: abs(wheres[number] - at))
    kept: list[int] = []
    for number in [*neighbours, *above[-1:], *below[:1]]:
        span = _span(marks[number].title, wheres[number])
        others = [_span(marks[other].title, wheres[other]) for other in kept]
        if all(span[1] < other[0] or span[0] > other[1] for other in others):
            kept.append(number)
    return kept


def _side(where: float) -> str:
    return "left" if where < _EDGE else "right" if where > 1 - _EDGE else "center"


def _span(title: str, where: float) -> tuple[float, float]:
    """From where to where a name reaches below its tick, with a little air, as shares of a phone's width."""
    wide = _LETTER * (min(len(title), _LONGEST) + 1)
    start = {"left": where, "right": where - wide, "center": where - wide / 2}[_side(where)]
    return start, start + wide


def _ticks(
    marks: Sequence[Landmark], wheres: Sequence[float], row: int, colour: str, measure: TaskMeasure
) -> dict[str, Any]:
    title = MEASURES[measure].title
    trace = points(
        list(wheres),
        [row] * len(marks),
        colour,
        size=9,
        name="measured data sets",
        meta={
            "x": None,
            "also": ["Data set", None, "Pictures of each class", "TaskMeasure", "Place"],
            "series": "",
            "table": "Measured data sets (in %: of the way from chance to perfect)",
        },
        customdata=[
            [
                label(mark.title),
                _beside(measure, mark.value),
                mark.per_class,
                title,
                _units(measure, mark.value),
            ]
            for mark in marks
        ],
        hover="%{customdata[0]}: %{customdata[1]}<br>about %{customdata[2]} pictures a class",
    )
    return trace | {"marker": {"symbol": "line-ns", "size": 9, "line": {"color": colour, "width": 2}}}


def _dot(where: Interval, measured: Interval, row: int, measure: TaskMeasure) -> dict[str, Any]:
    """Draw the task on its scale (0-1); ``measured`` is what is written of it."""
    title = MEASURES[measure].title
    told = [_units(measure, end) for end in (measured.value, measured.low, measured.high)]
    return points(
        [where.value],
        [row],
        ICE,
        size=17,
        name=title,
        meta={
            "x": None,
            "also": ["TaskMeasure", "Your pictures", "Low", "High"],
            "intervals": False,
            "series": "",
        },
        cliponaxis=False,
        customdata=[[title + (" (%)" if measure in _PERCENT else ""), *told]],
        hover=f"{title}: <b>{_number(measure, measured.value)}</b> "
        f"[{_number(measure, measured.low, bare=True)}, {_number(measure, measured.high, bare=True)}]",
    ) | whisker([where], faded(ICE, 0.6), along="x", thickness=6)


def _above(row: int, measure: TaskMeasure, measured: Interval, on: Ground) -> list[dict[str, Any]]:
    """Write above a scale what it measures, and what was measured."""
    span = f"{_number(measure, measured.low, bare=True)} to {_number(measure, measured.high)}"
    figures = (
        f"<b>{_number(measure, measured.value)}</b>"
        f'<span style="font-size:{SMALL}px;color:{on.muted}"> {span}</span>'
    )
    return [
        note(MEASURES[measure].title, 0, row - 0.24, on.ink, anchor="left middle", size=SIZE - 1, weight=600),
        note(figures, 1, row - 0.24, on.ink, anchor="right middle", size=SIZE - 1, weight=400),
    ]


def _below(row: int, title: str, where: float, colour: str) -> dict[str, Any]:
    """Write a known data set's name below its tick."""
    return note(label(title, _LONGEST), where, row + 0.2, colour, anchor=f"{_side(where)} middle", weight=400)


def _number(measure: TaskMeasure, value: float, *, bare: bool = False) -> str:
    """A value as a person reads it."""
    if measure not in _PERCENT:
        return words.number(value, 2)
    return words.number(100 * value, 0) if bare else words.percent(value, 0)


def _units(measure: TaskMeasure, value: float) -> float:
    return 100 * value if measure in _PERCENT else value


def _beside(measure: TaskMeasure, value: float) -> str:
    """A landmark's place; accuracies are relative to chance there."""
    if measure in ("neighbours", "probe"):
        return f"{words.percent(value, 0)} of the way from chance to perfect"
    return _number(measure, value)


def _says(measures: Measures) -> str:
    """Say how well nearest neighbours tell the classes apart behind the first and the last stage."""
    ends = [
        f"{words.percent(stage.neighbours.value)} behind {stage.stage}"
        for stage in (measures.stages[0], measures.stages[-1])
        if stage.neighbours is not None
    ]
    return (
        f"Named rightly by nearest neighbours: {', '.join(ends)}; chance is {words.percent(measures.chance)}."
    )

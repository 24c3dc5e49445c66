"""How alike a task is to what a network knows: four measures, stage by stage, among data sets a person knows."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.advice.landmarks import MEASURES, Landmark, Measure, Scale, place
from core.advice.report import Measures
from core.figures.template import GREY, GUIDE, ICE, SIZE, SMALL, Theme, faded, figure, ground, key, label
from core.metrics.report import Interval

Scales = Mapping[tuple[str, Measure], Scale]  # by stage and measure

ORDER: tuple[Measure, ...] = (
    "neighbours",
    "probe",
    "logme",
    "h_score",
    "frechet",
)  # plain votes always first
_PERCENT: tuple[Measure, ...] = ("neighbours", "probe", "h_score")
_ROW = 104  # px a scale
_LONGEST = 18
_LETTER = 0.023  # of a phone's width: names are laid out for 320 px
_EDGE = 0.2  # of the width: closer to an end, a name begins or ends at its tick


def scales(measures: Measures, stage: str, known: Sequence[Scale], *, theme: Theme = "light") -> go.Figure:
    """Draw one scale a measure behind ``stage``: the task's dot with its interval, and known data sets as ticks.

    Accuracies lie where they are between chance (left of the ticks or among them) and perfect; their figures are
    written as measured. Every tick tells its data set when pointed at; up to three have their names below.
    """
    row_of = next(one for one in measures.stages if one.stage == stage)
    by_measure = {one.measure: one for one in known}
    shown = _shown(measures)
    on = ground(theme)
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for row, measure in enumerate(shown):
        value = place(measures, row_of, measure)
        written: Interval | None = getattr(row_of, measure)
        if value is None or written is None:
            continue
        marks = by_measure[measure].landmarks if measure in by_measure else ()
        low, high = _range(measure, [value], [marks])

        def along(number: float, low: float = low, high: float = high) -> float:
            return (number - low) / (high - low)

        traces += [
            _line([0, 1], row, on.grid, 4),
            *_ticks(marks, [along(one.value) for one in marks], row, on.muted, measure),
            *_dot(along, value, written, row, measure),
        ]
        figures = (
            f"<b>{_number(measure, written.value)}</b>"
            f'<span style="font-size:{SMALL}px;color:{on.muted}"> '
            f"{_number(measure, written.low, bare=True)} to {_number(measure, written.high)}</span>"
        )
        notes += [
            _note(MEASURES[measure].title, (0, row - 0.24), "left", on.ink, size=SIZE - 1, weight=600),
            _note(figures, (1, row - 0.24), "right", on.ink, size=SIZE - 1),
        ]
        for mark in _named(marks, [along(one.value) for one in marks], along(value.value)):
            where = along(mark.value)
            notes.append(_note(label(mark.title, _LONGEST), (where, row + 0.2), _side(where), on.muted))
    layout = {
        "height": 52 + _ROW * len(shown),
        "margin": {"l": 10, "r": 10, "t": 40, "b": 8},
        "title": key(("Your pictures", ICE, "line"), ("Measured data sets", on.muted, "dots")),
        "xaxis": {"range": [-0.01, 1.01], "visible": False},
        "yaxis": {"range": [len(shown) - 0.45, -0.62], "visible": False},
        "annotations": notes,
    }
    return figure(traces, layout, theme)


def by_stage(measures: Measures, known: Scales | None = None, *, theme: Theme = "light") -> go.Figure:
    """Draw every measure over the stages, plain votes first; thin grey lines are the known data sets.

    Each panel has its own unit; accuracies are shares of the way from chance (0) to perfect (100 %).
    """
    on = ground(theme)
    shown = _shown(measures)
    names = [label(one.stage, 12) for one in measures.stages]
    places = list(range(len(names)))
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "height": 60 + 172 * len(shown),
        "margin": {"t": 40, "l": 8, "r": 14},
        "title": key(("Your pictures", ICE, "line"), ("Measured data sets", on.muted, "line")),
        "meta": {"xaxis": {"name": "Stage", "names": [label(one.stage) for one in measures.stages]}},
        "xaxis": {
            "tickvals": places,
            "ticktext": names,
            "range": [-0.3, len(names) - 0.7],
            "showgrid": False,
            "anchor": f"y{len(shown)}" if len(shown) > 1 else "y",
            "tickfont": {"size": SMALL, "color": on.ink},
        },
        "annotations": [],
    }
    each = 1 / len(shown)
    for number, measure in enumerate(shown):
        axis = "y" if number == 0 else f"y{number + 1}"
        factor = 100 if measure in _PERCENT else 1
        marks = [
            (known or {}).get((one.stage, measure), Scale(measure=measure, stage=one.stage, landmarks=()))
            for one in measures.stages
        ]
        for task, title in {one.task: one.title for scale in marks for one in scale.landmarks}.items():
            values = [next((m.value for m in scale.landmarks if m.task == task), None) for scale in marks]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": label(title),
                    "yaxis": axis,
                    "x": places,
                    "y": [None if value is None else factor * value for value in values],
                    "line": {"color": faded(GREY, 0.45), "width": 1.5},
                    "hovertemplate": f"{label(title)}: %{{y:.3g}}<extra></extra>",
                }
            )
        found = [(at, place(measures, one, measure)) for at, one in zip(places, measures.stages, strict=True)]
        sure = [(at, one) for at, one in found if one is not None]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": MEASURES[measure].title,
                "meta": {"series": "Your pictures"},
                "yaxis": axis,
                "x": [at for at, _ in sure],
                "y": [factor * one.value for _, one in sure],
                "line": {"color": ICE, "width": 3},
                "marker": {"size": 11, "color": ICE},
                "cliponaxis": False,
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [factor * (one.high - one.value) for _, one in sure],
                    "arrayminus": [factor * (one.value - one.low) for _, one in sure],
                    "thickness": 3,
                    "width": 0,
                    "color": ICE,
                },
                "customdata": [[names[at], factor * one.low, factor * one.high] for at, one in sure],
                "hovertemplate": "%{customdata[0]}: <b>%{y:.3g}</b> "
                "[%{customdata[1]:.3g}, %{customdata[2]:.3g}]<extra></extra>",
            }
        )
        top = 1 - number * each
        low, high = _range(measure, [one for _, one in sure], [scale.landmarks for scale in marks])
        layout["yaxis" if number == 0 else f"yaxis{number + 1}"] = {
            "domain": [max(top - each + 0.03, 0), top - 0.075 * 4 / len(shown) * 0.9],
            "range": [factor * low, factor * high],
            "nticks": 4,
            "zeroline": low < 0 < high,
        }
        layout["meta"]["yaxis" if number == 0 else f"yaxis{number + 1}"] = {
            "name": f"{MEASURES[measure].title}, {MEASURES[measure].axis}"
        }
        layout["annotations"].append(
            {
                "text": f"<b>{MEASURES[measure].title}</b>  "
                f'<span style="color:{on.muted};font-size:{SMALL}px">{MEASURES[measure].axis}</span>',
                "xref": "paper",
                "yref": "paper",
                "x": 0,
                "y": top,
                "xanchor": "left",
                "yanchor": "top",
                "showarrow": False,
                "font": {"size": SIZE, "color": on.ink},
            }
        )
    return figure(traces, layout, theme)


def _shown(measures: Measures) -> list[Measure]:
    """The measures that there are, plain votes first."""
    return [
        measure for measure in ORDER if any(getattr(stage, measure) is not None for stage in measures.stages)
    ]


def _range(
    measure: Measure, values: Sequence[Interval], marks: Sequence[Sequence[Landmark]]
) -> tuple[float, float]:
    """From the smallest to the largest thing on a scale, with some air; 0, where nothing is known, always on it."""
    points = [0.0, *(one.value for row in marks for one in row)]
    points += [limit for one in values for limit in (one.low, one.high)]
    if measure in ("neighbours", "probe", "h_score"):
        points.append(1.0)
    low, high = min(points), max(points)
    air = 0.04 * (high - low) or 1.0
    return low - air, high + air


def _named(marks: Sequence[Landmark], places: Sequence[float], at: float) -> list[Landmark]:
    """Choose whose names are written: the nearest neighbours of the dot, then the ends, as far as there is room."""
    below = [number for number, where in enumerate(places) if where < at]
    above = [number for number, where in enumerate(places) if where >= at]
    wanted = [*below[-1:], *above[:1]]
    wanted = [*sorted(wanted, key=lambda one: abs(places[one] - at)), *above[-1:], *below[:1]]
    kept: list[int] = []
    for number in wanted:
        span = _span(marks[number].title, places[number])
        others = [_span(marks[one].title, places[one]) for one in kept]
        if all(span[1] < other[0] or span[0] > other[1] for other in others):
            kept.append(number)
    return [marks[number] for number in kept]


def _side(where: float) -> str:
    return "left" if where < _EDGE else "right" if where > 1 - _EDGE else "center"


def _span(title: str, where: float) -> tuple[float, float]:
    """From where to where a name reaches below its tick, with a little air, as shares of a phone's width."""
    wide = _LETTER * (min(len(title), _LONGEST) + 1)
    start = {"left": where, "right": where - wide, "center": where - wide / 2}[_side(where)]
    return start, start + wide


def _line(x: list[float], row: float, colour: str, width: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "meta": GUIDE,
        "x": x,
        "y": [row] * 2,
        "line": {"color": colour, "width": width},
        "hoverinfo": "skip",
    }


def _ticks(
    marks: Sequence[Landmark], places: Sequence[float], row: int, colour: str, measure: Measure
) -> list[dict[str, Any]]:
    if not marks:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "measured data sets",
            "x": list(places),
            "y": [row] * len(marks),
            "marker": {
                "symbol": "line-ns",
                "size": 9,
                "line": {"color": colour, "width": 2},
            },
            "meta": {
                "x": None,
                "also": ["Data set", None, "Pictures of each class", "Measure", "Place"],
                "series": "",
                "table": "Measured data sets (in %: of the way from chance to perfect)",
            },
            "customdata": [
                [
                    label(one.title),
                    _beside(measure, one.value),
                    one.per_class,
                    MEASURES[measure].title,
                    _units(measure, one.value),
                ]
                for one in marks
            ],
            "hovertemplate": "%{customdata[0]}: %{customdata[1]}<br>"
            "about %{customdata[2]} pictures a class<extra></extra>",
        }
    ]


def _dot(along: Any, value: Interval, written: Interval, row: int, measure: Measure) -> list[dict[str, Any]]:
    where = along(value.value)
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": MEASURES[measure].title,
            "x": [where],
            "y": [row],
            "cliponaxis": False,
            "marker": {"size": 17, "color": ICE},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": [along(value.high) - where],
                "arrayminus": [where - along(value.low)],
                "thickness": 6,
                "width": 0,
                "color": faded(ICE, 0.6),
            },
            "meta": {
                "x": None,
                "also": ["Measure", "Your pictures", "Low", "High"],
                "intervals": False,
                "series": "",
            },
            "customdata": [
                [
                    MEASURES[measure].title + (" (%)" if measure in _PERCENT else ""),
                    *(_units(measure, one) for one in (written.value, written.low, written.high)),
                ]
            ],
            "hovertemplate": f"{MEASURES[measure].title}: <b>{_number(measure, written.value)}</b> "
            f"[{_number(measure, written.low, bare=True)}, {_number(measure, written.high, bare=True)}]"
            "<extra></extra>",
        }
    ]


def _note(
    text: str, at: tuple[float, float], side: str, colour: str, *, size: int = SMALL, weight: int = 400
) -> dict[str, Any]:
    return {
        "text": text,
        "x": at[0],
        "y": at[1],
        "xanchor": side,
        "yanchor": "middle",
        "showarrow": False,
        "font": {"size": size, "color": colour, "weight": weight},
    }


def _number(measure: Measure, value: float, *, bare: bool = False) -> str:
    """A value as a person reads it."""
    if measure not in _PERCENT:
        return f"{value:.2f}"
    return f"{100 * value:.0f}" if bare else f"{100 * value:.0f} %"


def _units(measure: Measure, value: float) -> float:
    return 100 * value if measure in _PERCENT else value


def _beside(measure: Measure, value: float) -> str:
    """A landmark's place; accuracies are relative to chance there."""
    if measure in ("neighbours", "probe"):
        return f"{100 * value:.0f} % of the way from chance to perfect"
    return _number(measure, value)

"""General to specific: accuracy over stages, how selective and how alike they are, and what was published."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.template import (
    DATA,
    FIRE,
    GREY,
    ICE,
    LEVEL,
    SMALL,
    Theme,
    faded,
    figure,
    ground,
    key,
    label,
)
from core.interpretation.specificity_report import (
    ClassicalReading,
    Measure,
    Reading,
    SpecificityReport,
    Spread,
    StageReading,
)
from core.interpretation.yosinski import BASE, CURVES, DISSIMILAR, Curve

_NUDGE = 0.07  # stages; the two networks' intervals stand beside each other, not on top
_MANY = 8  # stages up to which every cell holds its number


def accuracy_by_stage(
    report: SpecificityReport,
    classical: Sequence[ClassicalReading] = (),
    *,
    measure: Measure = "probe",
    theme: Theme = "light",
) -> go.Figure:
    """Draw accuracy (%) with 95 % intervals: classical features at the left, then every stage from the input.

    Ice blue is the network with its learned weights, frozen; grey is the same architecture with random weights;
    gold diamonds are features that nobody learned; the dashed line is chance.
    """
    on = ground(theme)
    read = [*(one.name for one in classical), *(one.name for one in report.stages)]
    full, names = [label(name) for name in read], [label(name, 16) for name in read]
    first = len(classical)
    places = [first + number for number in range(len(report.stages))]
    width = [-0.6, len(names) - 0.4]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": width,
            "y": [100 * report.chance] * 2,
            "line": {"color": on.muted, "width": 2, "dash": "dash"},
            "hoverinfo": "skip",
            "name": "chance",
            "meta": LEVEL,
        },
        _curve(
            "random weights",
            [place + _NUDGE for place in places],
            [stage.random.by(measure) for stage in report.stages],
            names[first:],
            GREY,
            line=True,
        ),
        _curve(
            "learned weights",
            [place - _NUDGE for place in places],
            [stage.trained.by(measure) for stage in report.stages],
            names[first:],
            ICE,
            line=True,
        ),
    ]
    entries = [
        ("Learned", ICE, "line"),
        ("Random", GREY, "line"),
        ("Chance", on.muted, "dots"),
    ]
    if classical:
        found = [one.readings.by(measure) for one in classical]
        traces.append(_curve("no network", list(range(first)), found, names[:first], DATA, line=False))
        entries.insert(2, ("No network", DATA, "bar"))
    layout = {
        "height": 420,
        "margin": {"t": 44, "r": 12},
        "title": key(*entries),  # type: ignore[arg-type]
        "meta": {"xaxis": {"name": "Read from", "names": full}},
        "xaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "range": width,
            "showgrid": False,
            "tickfont": {"size": SMALL, "color": on.ink},
        },
        "yaxis": {"range": [0, 101], "dtick": 20, "title": {"text": "Accuracy (%)"}},
    }
    if classical:
        # What stands left of the line is no stage.
        layout["shapes"] = [
            {
                "type": "line",
                "x0": first - 0.5,
                "x1": first - 0.5,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": on.grid, "width": 2},
            }
        ]
    return figure(traces, layout, theme)


def _curve(
    name: str,
    places: Sequence[float],
    found: Sequence[Reading],
    names: Sequence[str],
    colour: str,
    *,
    line: bool,
) -> dict[str, Any]:
    shares = [one.accuracy for one in found]
    return {
        "type": "scatter",
        "mode": "lines+markers" if line else "markers",
        "name": name,
        "x": list(places),
        "y": [100 * one.value for one in shares],
        "line": {"color": colour, "width": 3},
        "marker": {"size": 12, "color": colour, "symbol": "circle" if line else "diamond"},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [100 * (one.high - one.value) for one in shares],
            "arrayminus": [100 * (one.value - one.low) for one in shares],
            "thickness": 3,
            "width": 0,
            "color": colour,
        },
        "cliponaxis": False,
        "customdata": [
            [stage, 100 * one.low, 100 * one.high] for stage, one in zip(names, shares, strict=True)
        ],
        "hovertemplate": f"{name}, %{{customdata[0]}}<br>%{{y:.1f}} % "
        "[%{customdata[1]:.1f}, %{customdata[2]:.1f}]<extra></extra>",
    }


def selectivity_by_stage(stages: Sequence[StageReading], *, theme: Theme = "light") -> go.Figure:
    """Draw the median class selectivity of every stage's channels (0-1) with quartiles; grey: labels shuffled."""
    on = ground(theme)
    traces = []
    for name, colour, nudge, spreads in (
        ("labels shuffled", GREY, _NUDGE, [stage.shuffled for stage in stages]),
        ("true classes", ICE, -_NUDGE, [stage.selectivity for stage in stages]),
    ):
        known = [(place, one) for place, one in enumerate(spreads) if one is not None]
        traces.append(
            _spreads(name, colour, [place + nudge for place, _ in known], [one for _, one in known])
        )
    names = [label(stage.name, 16) for stage in stages]
    layout = {
        "height": 340,
        "margin": {"t": 44},
        "title": key(("True classes", ICE, "line"), ("Labels shuffled", GREY, "line")),
        "meta": {"xaxis": {"name": "Stage", "names": [label(stage.name) for stage in stages]}},
        "xaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "showgrid": False,
            "range": [-0.5, len(names) - 0.5],
            "tickfont": {"size": SMALL, "color": on.ink},
        },
        "yaxis": {"range": [0, 1], "dtick": 0.25, "title": {"text": "Class selectivity (0 to 1)"}},
    }
    return figure(traces, layout, theme)


def _spreads(name: str, colour: str, places: Sequence[float], spreads: Sequence[Spread]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "meta": {"low": "Lower quartile", "high": "Upper quartile"},
        "x": list(places),
        "y": [one.median for one in spreads],
        "line": {"color": colour, "width": 3},
        "marker": {"size": 11, "color": colour},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [one.high - one.median for one in spreads],
            "arrayminus": [one.median - one.low for one in spreads],
            "thickness": 3,
            "width": 0,
            "color": faded(colour, 0.55),
        },
        "hovertemplate": f"{name}<br>median %{{y:.2f}}<extra></extra>",
    }


def similarity_of_stages(report: SpecificityReport, *, theme: Theme = "light") -> go.Figure:
    """Draw linear CKA of every pair of stages as a heatmap, and below it each stage against its random weights."""
    on = ground(theme)
    names = [label(stage.name, 12) for stage in report.stages]
    full = [label(stage.name) for stage in report.stages]
    rows = [[_cell(value) for value in row] for row in report.cka]
    rows.append([_cell(stage.cka_random) for stage in report.stages])
    sides = [*names, "random"]
    small = len(names) <= _MANY
    trace = {
        "type": "heatmap",
        "meta": {"value": "Linear CKA"},
        "z": rows,
        "x": list(range(len(names))),
        "y": list(range(len(sides))),
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, faded(DATA, 0.04)], [1, DATA]],
        "showscale": not small,
        "colorbar": {"thickness": 12, "outlinewidth": 0, "tickfont": {"size": SMALL, "color": on.muted}},
        "xgap": 2,
        "ygap": 2,
        "text": [["" if value is None else f"{value:.2f}" for value in row] for row in rows],
        "texttemplate": "%{text}" if small else "",
        "textfont": {"size": SMALL, "color": on.ink},
        "customdata": [[[side, name] for name in names] for side in sides],
        "hovertemplate": "%{customdata[0]} and %{customdata[1]}<br>CKA %{z:.2f}<extra></extra>",
        "hoverongaps": False,
    }
    layout = {
        "height": 80 + 44 * max(len(sides), 4),
        "meta": {
            "xaxis": {"name": "stages", "names": full},
            "yaxis": {"name": "Stage", "names": [*full, "random"]},
        },
        "xaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "showgrid": False,
            "tickangle": 0 if len(names) <= 5 else -45,
        },
        "yaxis": {
            "tickvals": list(range(len(sides))),
            "ticktext": sides,
            "range": [len(sides) - 0.5, -0.5],
            "showgrid": False,
        },
    }
    return figure([trace], layout, theme)


def _cell(value: float | None) -> float | None:
    # Debiased values fall a little below 0 where nothing is shared.
    return None if value is None else min(max(value, 0.0), 1.0)


def published(*, theme: Theme = "light") -> go.Figure:
    """Draw the curves of Yosinski et al. 2014: copied layers frozen or fine-tuned, same, similar or dissimilar task."""
    on = ground(theme)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [-0.2, 7.2],
            "y": [100 * BASE] * 2,
            "line": {"color": on.muted, "width": 2, "dash": "dash"},
            "hovertemplate": "from scratch: %{y:.1f} %<extra></extra>",
            "name": "from scratch",
            "meta": LEVEL,
        }
    ]
    for curve in CURVES:
        colour = FIRE if curve.fine_tuned else ICE
        traces.append(_published(curve, colour, "solid" if curve.transferred else "dot", opacity=1.0))
    traces += [_published(curve, ICE, "dash", opacity=0.6) for curve in DISSIMILAR]
    ends: list[dict[str, Any]] = [
        {
            "text": label(curve.name),
            "x": 7.15,
            "y": 100 * curve.accuracy[-1] + shift,
            "xanchor": "left",
            "showarrow": False,
            "font": {"size": SMALL, "color": on.trainable if curve.fine_tuned else on.frozen},
        }
        for curve, shift in zip(CURVES, (-0.6, 0.8, 0.0, 2.2), strict=True)
    ]
    ends += [
        {
            "text": label(curve.name.removeprefix("to ").removesuffix(" things")),
            "x": 7.15,
            "y": 100 * curve.accuracy[-1],
            "xanchor": "left",
            "showarrow": False,
            "font": {"size": SMALL, "color": on.muted},
        }
        for curve in DISSIMILAR
    ]
    layout = {
        "height": 420,
        "margin": {"t": 44, "r": 12},
        "title": key(
            ("Frozen", ICE, "line"), ("Fine-tuned", FIRE, "line"), ("From scratch", on.muted, "dots")
        ),
        "annotations": ends,
        "xaxis": {"range": [-0.3, 9.4], "tickvals": list(range(8)), "title": {"text": "Layers copied, n"}},
        "yaxis": {"range": [20, 70], "dtick": 10, "title": {"text": "Accuracy (%)"}},
    }
    return figure(traces, layout, theme)


def _published(curve: Curve, colour: str, dash: str, *, opacity: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": curve.name,
        "x": list(curve.layers),
        "y": [100 * value for value in curve.accuracy],
        "line": {"color": colour, "width": 3, "dash": dash},
        "marker": {"size": 8, "color": colour},
        "opacity": opacity,
        "hovertemplate": f"{curve.name}: {curve.about}<br>n = %{{x}}: %{{y:.1f}} %<extra></extra>",
    }

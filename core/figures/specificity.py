"""General to specific: accuracy over stages, how selective and how alike they are, and what was published."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.axes import axis, named_axis, percent_axis
from core.figures.marks import cells, level, line, note, rule, whisker, written
from core.figures.template import (
    DATA,
    FIRE,
    GREY,
    ICE,
    SMALL,
    KeySign,
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
    StageReading,
)
from core.interpretation.yosinski import BASE, CURVES, DISSIMILAR, PublishedCurve
from core.metrics.report import Interval

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
    first, stages = len(classical), report.stages
    names = [*(features.name for features in classical), *(stage.name for stage in stages)]
    places = list(enumerate(label(name, 16) for name in names))
    learned = [stage.trained.by(measure) for stage in stages]
    random = [stage.random.by(measure) for stage in stages]
    traces = [
        level("chance", [-0.6, len(names) - 0.4], 100 * report.chance, on.muted),
        _readings("random weights", places[first:], random, GREY, nudge=_NUDGE),
        _readings("learned weights", places[first:], learned, ICE, nudge=-_NUDGE),
    ]
    entries: list[tuple[str, str, KeySign]] = [("Learned", ICE, "line"), ("Random", GREY, "line")]
    if classical:
        readings = [features.readings.by(measure) for features in classical]
        alone: dict[str, Any] = {
            "mode": "markers",
            "marker": {"size": 12, "color": DATA, "symbol": "diamond"},
        }
        traces.append(_readings("no network", places[:first], readings, DATA, **alone))
        entries.append(("No network", DATA, "bar"))
    return figure(
        traces,
        theme,
        height=420,
        margin={"t": 44, "r": 12},
        title=key(*entries, ("Chance", on.muted, "dots")),
        xaxis=named_axis(names, longest=16, room=0.6, ink=on.ink, told="Read from"),
        yaxis=percent_axis("Accuracy (%)"),
        # What stands left of the line is no stage.
        shapes=[rule(on.grid, x=first - 0.5)] if classical else None,
    )


def _readings(
    name: str,
    places: Sequence[tuple[int, str]],
    readings: Sequence[Reading],
    colour: str,
    *,
    nudge: float = 0,
    **more: Any,
) -> dict[str, Any]:
    """Draw accuracies with their intervals over the places (number and name) where they were read."""
    shares = [reading.accuracy.times(100) for reading in readings]
    look: dict[str, Any] = {"marker": {"size": 12, "color": colour, "symbol": "circle"}} | more
    return line(
        [place + nudge for place, _ in places],
        [share.value for share in shares],
        colour,
        dots=12,
        name=name,
        cliponaxis=False,
        customdata=[[stage, share.low, share.high] for (_, stage), share in zip(places, shares, strict=True)],
        hover=f"{name}, %{{customdata[0]}}<br>%{{y:.1f}} % [%{{customdata[1]:.1f}}, %{{customdata[2]:.1f}}]",
        **look,
    ) | whisker(shares, colour)


def selectivity_by_stage(stages: Sequence[StageReading], *, theme: Theme = "light") -> go.Figure:
    """Draw the median class selectivity of every stage's channels (0-1) with quartiles; grey: labels shuffled."""
    traces = []
    for name, colour, nudge, spreads in (
        ("labels shuffled", GREY, _NUDGE, [stage.shuffled for stage in stages]),
        ("true classes", ICE, -_NUDGE, [stage.selectivity for stage in stages]),
    ):
        known = [(place, spread) for place, spread in enumerate(spreads) if spread is not None]
        quartiles = [Interval(value=spread.median, low=spread.low, high=spread.high) for _, spread in known]
        medians = line(
            [place + nudge for place, _ in known],
            [spread.value for spread in quartiles],
            colour,
            dots=11,
            name=name,
            meta={"low": "Lower quartile", "high": "Upper quartile"},
            hover=f"{name}<br>median %{{y:.2f}}",
        )
        traces.append(medians | whisker(quartiles, faded(colour, 0.55)))
    names = [stage.name for stage in stages]
    return figure(
        traces,
        theme,
        height=340,
        margin={"t": 44},
        title=key(("True classes", ICE, "line"), ("Labels shuffled", GREY, "line")),
        xaxis=named_axis(names, longest=16, ink=ground(theme).ink, told="Stage"),
        yaxis=axis("Class selectivity (0 to 1)", range=[0, 1], dtick=0.25),
    )


def similarity_of_stages(report: SpecificityReport, *, theme: Theme = "light") -> go.Figure:
    """Draw linear CKA of every pair of stages as a heatmap, and below it each stage against its random weights."""
    on = ground(theme)
    names = [stage.name for stage in report.stages]
    rows = [[_shown(value) for value in row] for row in report.cka]
    rows.append([_shown(stage.cka_random) for stage in report.stages])
    few = len(names) <= _MANY
    across = named_axis(names, longest=12, told="stages", tickangle=0 if len(names) <= 5 else -45)
    upright = named_axis([*names, "random"], longest=12, down=True, told="Stage")
    trace = cells(
        rows,
        (faded(DATA, 0.04), DATA),
        meta={"value": "Linear CKA"},
        x=across["tickvals"],
        y=upright["tickvals"],
        **written([["" if value is None else f"{value:.2f}" for value in row] for row in rows], on.ink),
        customdata=[[[side, name] for name in across["ticktext"]] for side in upright["ticktext"]],
        hover="%{customdata[0]} and %{customdata[1]}<br>CKA %{z:.2f}",
        hoverongaps=False,
    )
    if not few:
        bar = {"thickness": 12, "outlinewidth": 0, "tickfont": {"size": SMALL, "color": on.muted}}
        trace |= {"texttemplate": "", "showscale": True, "colorbar": bar}
    return figure(
        [trace],
        theme,
        says=_similarity_says(report),
        height=80 + 44 * max(len(rows), 4),
        xaxis=across,
        yaxis=upright,
    )


def _shown(value: float | None) -> float | None:
    # Debiased values fall a little below 0 where nothing is shared.
    return None if value is None else min(max(value, 0.0), 1.0)


def _similarity_says(report: SpecificityReport) -> str | None:
    """Name the two stages that are most alike, and the two that are least."""
    names = [stage.name for stage in report.stages]
    pairs = [
        (value, f"{names[row]} and {names[column]}")
        for row in range(len(names))
        for column in range(row)
        if (value := report.cka[row][column]) is not None
    ]
    if not pairs:
        return None
    least, most = min(pairs), max(pairs)
    if least == most:
        return f"{most[1]}: CKA {most[0]:.2f}."
    return f"Most alike are {most[1]} (CKA {most[0]:.2f}), least {least[1]} ({max(least[0], 0):.2f})."


def published(*, theme: Theme = "light") -> go.Figure:
    """Draw the curves of Yosinski et al. 2014: copied layers frozen or fine-tuned, same, similar or dissimilar task."""
    on = ground(theme)
    base = level("from scratch", [-0.2, 7.2], 100 * BASE, on.muted, hover="from scratch: %{y:.1f} %")
    curves = [
        _published(curve, FIRE if curve.fine_tuned else ICE, "solid" if curve.transferred else "dot")
        for curve in CURVES
    ]
    dissimilar = [_published(curve, ICE, "dash") | {"opacity": 0.6} for curve in DISSIMILAR]
    ends = [
        (curve.name, 100 * curve.accuracy[-1] + shift, on.trainable if curve.fine_tuned else on.frozen)
        for curve, shift in zip(CURVES, (-0.6, 0.8, 0.0, 2.2), strict=True)
    ]
    ends += [
        (curve.name.removeprefix("to ").removesuffix(" things"), 100 * curve.accuracy[-1], on.muted)
        for curve in DISSIMILAR
    ]
    return figure(
        [base, *curves, *dissimilar],
        theme,
        height=420,
        margin={"t": 44, "r": 12},
        title=key(("Frozen", ICE, "line"), ("Fine-tuned", FIRE, "line"), ("From scratch", on.muted, "dots")),
        annotations=[note(label(name), 7.15, y, colour, anchor="left") for name, y, colour in ends],
        xaxis=axis("Layers copied, n", range=[-0.3, 9.4], tickvals=list(range(8))),
        yaxis=axis("Accuracy (%)", range=[20, 70], dtick=10),
    )


def _published(curve: PublishedCurve, colour: str, dash: str) -> dict[str, Any]:
    return line(
        list(curve.layers),
        [100 * value for value in curve.accuracy],
        colour,
        dash=dash,
        dots=8,
        name=curve.name,
        hover=f"{curve.name}: {curve.about}<br>n = %{{x}}: %{{y:.1f}} %",
    )

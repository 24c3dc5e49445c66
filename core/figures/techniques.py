"""What an experiment measured: every arm with its interval and its seeds, or as a line over the axis."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.axes import axis
from core.figures.marks import above_row, points, rule, whisker
from core.figures.technique_panels import KeyEntry, lines
from core.figures.template import (
    DATA,
    FIRE,
    GREY,
    ICE,
    RIGHT,
    SIZE,
    WRONG,
    Theme,
    faded,
    figure,
    ground,
    label,
)
from core.metrics.report import Interval
from core.techniques.events import Line, Lines
from core.techniques.report import Report, shown
from core.techniques.technique import Arm

# Orange is the first method, grey the first baseline and all controls; further ones take what is left, bright and dull.
_METHODS = (FIRE, DATA, RIGHT, WRONG, ICE, "#C2567A")
_BASELINES = (GREY, "#B08B5B", "#6F7FA8", "#7D8F6A", "#A0788C")
_ROW = 58  # pixels of one arm


def arm_colours(arms: Sequence[Arm]) -> dict[str, str]:
    """Give every arm its colour: methods bright, baselines dull, both in turn; controls grey."""
    chosen = {arm.name: GREY for arm in arms}
    for role, colours in (("method", _METHODS), ("baseline", _BASELINES)):
        for place, name in enumerate(arm.name for arm in arms if arm.role == role):
            chosen[name] = colours[place % len(colours)]
    return chosen


def scores(report: Report, quantity: str = "", *, theme: Theme = "light") -> go.Figure:
    """Draw every arm: over the technique's axis as a line in its band, else as a dot with interval and seeds."""
    return _over_axis(report, quantity, theme) if report.technique.axis else _rows(report, quantity, theme)


def key(report: Report) -> list[KeyEntry]:
    """Explain the lines over the technique's axis; rows say themselves what they are."""
    if report.technique.axis is None:
        return []
    colours = arm_colours(report.technique.arms)
    return [
        KeyEntry(name=arm.title, colour=colours[arm.name], mark="dots" if arm.role == "control" else "line")
        for arm in report.technique.arms
    ]


def _rows(report: Report, quantity: str, theme: Theme) -> go.Figure:
    on, of = ground(theme), report.quantity(quantity)
    scale = 100.0 if of.share else 1.0
    arms = report.technique.arms
    colours = arm_colours(arms)
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    reach: list[float] = []
    for row, arm in enumerate(arms):
        notes.append(above_row(row, label(arm.title), on.ink, bold=arm.role == "method", lift=0.08))
        mean = report.mean(arm.name, quantity)
        if mean is None:
            continue
        value = shown(mean.value, of)
        notes.append(above_row(row, value, on.ink, side="right", size=SIZE, bold=True, lift=0.08))
        interval = mean.times(scale)
        seeds = [scale * score for score in report.values(arm.name, quantity).values()]
        reach += [interval.low, interval.high, *seeds]
        traces += _arm(arm, row, interval, seeds, colours[arm.name])
    return figure(
        traces,
        theme,
        height=70 + _ROW * len(arms),
        margin={"l": 10, "r": 14, "t": 6, "b": 8},
        xaxis=axis(of.title + (" (%)" if of.share else ""), range=_range(reach, share=of.share), nticks=7),
        yaxis={"range": [len(arms) - 0.5, -0.62], "visible": False},
        shapes=[rule(on.grid, y=row + 0.46, width=1) for row in range(len(arms) - 1)],
        annotations=notes,
    )


def _arm(arm: Arm, row: int, interval: Interval, seeds: Sequence[float], colour: str) -> list[dict[str, Any]]:
    """Draw every seed as a small dot, and over them the mean with its interval; controls are rings."""
    title, y = label(arm.title), row + 0.22
    return [
        points(
            seeds,
            [y] * len(seeds),
            faded(colour, 0.55),
            size=7,
            meta={"also": ["Arm"], "table": "Every seed"},
            customdata=[[title]] * len(seeds),
        ),
        points(
            [interval.value],
            [y],
            colour if arm.role != "control" else "rgba(0,0,0,0)",
            size=16,
            rim={"width": 3, "color": colour},
            meta={"also": ["Arm"], "low": "95 % from", "high": "to"},
            cliponaxis=False,
            customdata=[[title, label(arm.what), interval.low, interval.high]],
            hover="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{x:.4g} "
            "[%{customdata[2]:.4g}, %{customdata[3]:.4g}]",
        )
        | whisker([interval], faded(colour, 0.55), along="x", thickness=5),
    ]


def _over_axis(report: Report, quantity: str, theme: Theme) -> go.Figure:
    along, of = report.technique.axis, report.quantity(quantity)
    assert along is not None
    drawn = []
    for arm in report.technique.arms:
        means = [(x, report.mean(arm.name, quantity, x)) for x in report.places(quantity)]
        known = [(x, mean) for x, mean in means if mean is not None]
        # Bands where the verdict looks; eight of them would hide each other.
        judged = arm.name in report.technique.verdict
        drawn.append(
            Line(
                name=arm.title,
                colour=arm.role,
                x=[x for x, _ in known],
                y=[mean.value for _, mean in known],
                low=[mean.low for _, mean in known] if judged else None,
                high=[mean.high for _, mean in known] if judged else None,
                dashed=arm.role == "control",
            )
        )
    drawing = Lines(
        lines=tuple(drawn),
        x_title=along.title,
        y_title=of.title,
        share=of.share,
        logarithmic_x=along.logarithmic,
    )
    colours = arm_colours(report.technique.arms)
    return lines(drawing, [colours[arm.name] for arm in report.technique.arms], dots=True, theme=theme)


def _range(values: Sequence[float], *, share: bool) -> list[float] | None:
    if not values:
        return [0, 100] if share else None
    low, high = min(values), max(values)
    room = 0.08 * max(high - low, 1e-9 if not share else 4.0)
    return [low - room, high + room]

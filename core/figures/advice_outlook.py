"""What is expected of every freeze depth: accuracy with its range, and what each gives away against the best."""

from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from core import words
from core.advice.report import Outlook
from core.advice.sentences import arm_title
from core.figures.axes import axis, percent_axis
from core.figures.depth_axis import EDGE, colour, depth_axis, short, symbol
from core.figures.marks import column, level, note, points, whisker
from core.figures.template import SIZE, Theme, faded, figure, ground
from core.metrics.report import Interval

OutlookQuantity = Literal["accuracy", "behind"]
_FAINT = 0.38  # of what can be told from the best


def outlooks(
    forecasts: Sequence[Outlook],
    *,
    stages: int,
    advised: str,
    equal: Sequence[str],
    quantity: OutlookQuantity = "accuracy",
    chance: float | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw the expected accuracy (%) of every arm with its 80 % range, or the points it falls behind the best.

    The advised depth stands on a lit column; what can be told from the best (not among ``equal``) is faint.
    """
    on = ground(theme)
    arms = [outlook.arm for outlook in forecasts]
    timed = any(outlook.seconds is not None for outlook in forecasts)
    depths = depth_axis(
        arms, stages, on=on, times=[_seconds(outlook.seconds) for outlook in forecasts] if timed else None
    )
    intervals: list[Interval] = [getattr(outlook, quantity).times(100) for outlook in forecasts]
    place = arms.index(advised)
    traces = [depths.trace]
    notes = [note("<b>advised</b>", place, 1, on.ink, anchor="bottom", size=SIZE, yref="paper")]
    if quantity == "accuracy":
        y_axis = percent_axis("Accuracy to expect (%)")
        if chance is not None:
            ends = [-EDGE, len(arms) - 1 + EDGE]
            traces.append(level("chance", ends, 100 * chance, on.muted, hover="chance: %{y:.0f} %"))
            notes.append(note("chance", 0, 100 * chance, on.muted, anchor="left bottom", xref="paper"))
    else:
        furthest = 1.1 * max(3.0, *(expected.high for expected in intervals))
        y_axis = axis("Points behind the best depth", range=[furthest, -0.4], nticks=6)
    for number, (outlook, expected) in enumerate(zip(forecasts, intervals, strict=True)):
        strength = 1.0 if outlook.arm == advised or outlook.arm in equal else _FAINT
        size = 20 if outlook.arm == advised else 14
        traces.append(
            _dot(outlook, expected, number, stages=stages, size=size, strength=strength, quantity=quantity)
        )
    return figure(
        traces,
        theme,
        says=_says(forecasts, stages, advised, quantity),
        height=470,
        margin={"t": 34, "l": 8, "r": 8},
        xaxis=depths.x,
        yaxis=depths.y | y_axis,
        yaxis2=depths.stacks,
        shapes=[column(place, colour(advised, stages))],
        annotations=notes,
    )


def _dot(
    outlook: Outlook,
    expected: Interval,
    place: int,
    *,
    stages: int,
    size: int,
    strength: float,
    quantity: OutlookQuantity,
) -> dict[str, Any]:
    hue = colour(outlook.arm, stages)
    what = _words(outlook.arm, stages)
    return points(
        [place],
        [expected.value],
        faded(hue, strength),
        size=size,
        symbol=symbol(outlook.arm),
        name=outlook.arm,
        meta={
            "series": "",
            "x": None,
            "low": "Low",
            "high": "High",
            "also": ["What is frozen", "Best or as good (% of tasks alike)", "Seconds of training"],
        },
        cliponaxis=False,
        customdata=[[what, 100 * outlook.best_share, outlook.seconds, expected.low, expected.high]],
        hover="<b>%{customdata[0]}</b><br>%{y:.0f} [%{customdata[3]:.0f}, %{customdata[4]:.0f}]"
        + (" %" if quantity == "accuracy" else " points behind the best")
        + "<br>best, or not to be told from it, in %{customdata[1]:.0f} % of the tasks alike",
    ) | whisker([expected], faded(hue, 0.6 * strength), thickness=5)


def _words(arm: str, stages: int) -> str:
    if arm.startswith("lp_ft"):
        return "probe, then fine-tune"
    frozen = short(arm, stages).removesuffix(" all")
    return {"0": "nothing frozen", str(stages): "all stages frozen"}.get(
        frozen, f"{frozen} of {stages} stages frozen"
    )


def _seconds(length: float | None) -> str:
    """Leave out where nothing is known; under a second there is nothing to wait for."""
    return "" if length is None else "<1 s" if length < 1 else words.seconds(length)


def _says(forecasts: Sequence[Outlook], stages: int, advised: str, quantity: OutlookQuantity) -> str:
    """Say what is expected of the advised depth, and which depth is expected to do worst."""
    spans = {
        outlook.arm: f"{words.number(100 * of.value, 0)} {words.interval(of.low, of.high, 0)}"
        for outlook in forecasts
        for of in [outlook.accuracy if quantity == "accuracy" else outlook.behind]
    }
    unit = " % right" if quantity == "accuracy" else " points behind the best"
    text = f"Advised, {arm_title(advised, stages)}: {spans[advised]}{unit}"
    worst = max(forecasts, key=lambda outlook: outlook.behind.value).arm
    return f"{text}." if worst == advised else f"{text}; worst, {arm_title(worst, stages)}: {spans[worst]}."

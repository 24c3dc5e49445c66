"""Accuracy over freeze depth as a sweep measures it, and what every depth costs; rebuilt as it fills."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.depth_axis import colour, depth_axis
from core.figures.template import (
    FIRE,
    GREY,
    GUIDE,
    ICE,
    RIGHT,
    SMALL,
    Ground,
    Theme,
    faded,
    figure,
    ground,
    key,
    label,
)
from core.training.sweep_config import Arm
from core.training.sweep_report import ArmReport, SweepReport

# Pixels, from the top: nothing moves while points arrive, whatever the network.
_TOP, _ACCURACY, _GAP, _SECONDS, _PER_STAGE, _BOTTOM = 66, 290, 22, 84, 15, 62
_LEFT = 82  # names of stages
_ASIDE = 0.3  # of a column: how far LP-FT stands from the depths, since it is none
_FAINT = 0.5  # of what can be told from the best
_SPREAD = 0.26  # how far a seed's dot may stand from the middle of its column


def accuracy_over_depth(
    found: SweepReport, *, advised: str | None = None, theme: Theme = "light"
) -> go.Figure:
    """Draw accuracies (%) with 95 % intervals and every seed's dot, below them seconds, and what was frozen.

    A line above joins the arms that cannot be told from the best; what can be is faint. The advised arm stands on
    a lit column. Seconds: fire for training and testing, ice for the pass through the frozen stages, which a sweep
    makes once for all arms.
    """
    on = ground(theme)
    count = len(found.stages)
    stack = _PER_STAGE * count
    inside = _ACCURACY + _GAP + _SECONDS + _GAP + stack
    depths = [name for name in found.planned if Arm.named(name).strategy != "lp_ft"]
    others = [name for name in found.planned if name not in depths]
    axis, aside = depth_axis(depths, count, on=on), depth_axis(others, count, on=on)
    place = {name: float(number) for number, name in enumerate(depths)}
    place |= {name: len(depths) + number + _ASIDE for number, name in enumerate(others)}
    low, high = _range(found)
    seconds_from = (stack + _GAP) / inside
    traces: list[dict[str, Any]] = [
        *(
            one.trace | {"xgap": 10, "x": [place[name] for name in names]}
            for one, names in ((axis, depths), (aside, others))
            if names
        ),
        *_seconds(found, place),
    ]
    traces += _as_good(found, place, high)
    for one in found.arms:
        traces += _arm(found, one, place[one.arm], on)
    shapes: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    if 100 * found.chance > low:
        shapes.append(
            {
                "type": "line",
                "name": "chance",
                "layer": "below",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": 100 * found.chance,
                "y1": 100 * found.chance,
                "line": {"color": on.muted, "width": 2, "dash": "dash"},
            }
        )
        annotations.append(_words("chance", 0, 100 * found.chance, on, xref="paper", xanchor="left"))
    if advised in place:
        shapes.append(
            {
                "type": "rect",
                "layer": "below",
                "xref": "x",
                "yref": "paper",
                "x0": place[advised] - 0.46,
                "x1": place[advised] + 0.46,
                "y0": 0,
                "y1": 1,
                "fillcolor": faded(colour(advised, count), 0.14),
                "line": {"width": 0},
            }
        )
        text = "<b>advised</b>"
        annotations.append(_words(text, place[advised], 1, on, yref="paper", yshift=3, ink=True))
    best = found.of(found.best) if found.best is not None and len(found.arms) > 1 else None
    if best is not None:
        top = max(100 * best.accuracy.high, *(100 * one for one in best.accuracies))
        annotations.append(_words("<b>best</b>", place[best.arm], min(top, high), on, yshift=4, ink=True))
    layout = {
        "uirevision": "sweep",
        "height": height(count),
        "margin": {"l": _LEFT, "r": 10, "t": _TOP, "b": _BOTTOM},
        "barmode": "stack",
        "bargap": 0.45,
        "title": key(("Trained", FIRE, "bar"), ("Frozen", ICE, "bar"), ("May be the best", RIGHT, "line")),
        "shapes": shapes,
        "annotations": annotations,
        "xaxis": axis.layout["xaxis"]
        | {
            "tickvals": list(place.values()),
            "ticktext": [*axis.layout["xaxis"]["ticktext"], *aside.layout["xaxis"]["ticktext"]],
            "range": [-0.55, max(place.values()) + 0.55],
            "ticks": "",
            "automargin": False,
        },
        "yaxis": {
            "domain": [(inside - _ACCURACY) / inside, 1],
            "range": [low, high],
            "dtick": 20 if high - low > 50 else 10 if high - low > 30 else 5,
            "title": {"text": "Test accuracy (%)"},
            "automargin": False,
        },
        "yaxis2": axis.layout["yaxis2"]
        | {
            "domain": [0, stack / inside],
            "visible": True,
            "showgrid": False,
            "tickvals": list(range(count)),
            "ticktext": [label(name, 11) for name in found.stages],
            "tickfont": {"size": 12, "color": on.muted},
            "ticks": "",
            "automargin": False,
        },
        "yaxis3": {
            "domain": [seconds_from, seconds_from + _SECONDS / inside],
            "anchor": "x",
            "range": [0, _ceiling(found)],
            "nticks": 3,
            "title": {"text": "Seconds"},
            "automargin": False,
        },
    }
    return figure(traces, layout, theme)


def height(stages: int) -> int:
    """Pixels that the chart takes for a network of ``stages`` stages."""
    return _TOP + _ACCURACY + _GAP + _SECONDS + _GAP + _PER_STAGE * stages + _BOTTOM


def _range(found: SweepReport) -> tuple[float, float]:
    """Ends of the accuracy axis (%): everything until the first seed is complete, then what the dots need.

    In steps of 10, at least 30 apart: so that it hardly ever changes while further seeds come.
    """
    floor = 10 * math.floor(10 * found.chance)
    if not found.counted:
        return max(0, floor - 10), 101
    shown = [share for one in found.arms for share in (*one.accuracies, one.accuracy.low, one.accuracy.high)]
    low = 10 * math.floor(10 * min(shown) - 0.05)
    high = 10 * math.ceil(10 * max(shown) + 0.4)
    low, high = max(0, low), min(100, high)
    low = max(0, min(low, high - 30))
    return low, max(high, 30) + (1 if high == 100 else 0)


def _ceiling(found: SweepReport) -> float:
    """Upper end of the seconds axis, in steps so that it seldom changes."""
    most = max((one.seconds_alone or one.seconds for one in found.arms), default=1.0)
    step = 10.0 ** math.floor(math.log10(max(most, 1e-3)))
    return min(step * nice for nice in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12) if step * nice >= 1.02 * most)


def _seconds(found: SweepReport, place: dict[str, float]) -> list[dict[str, Any]]:
    """Stacked bars: training and testing, and on top the pass that the arm would have had to make by itself."""
    passes = [(one.seconds_alone or one.seconds) - one.seconds for one in found.arms]
    training = [one.seconds for one in found.arms]
    where = [place[one.arm] for one in found.arms]
    hover = "%{fullData.name}: %{y:.2f} s<extra></extra>"
    return [
        {
            "type": "bar",
            "name": name,
            "meta": {"table": "Seconds"},
            "xaxis": "x",
            "yaxis": "y3",
            "x": where,
            "y": values,
            "marker": {"color": hue},
            "hovertemplate": hover,
        }
        for name, values, hue in (
            ("training and testing", training, FIRE),
            ("before it, once for all arms", passes, ICE),
        )
    ]


def _as_good(found: SweepReport, place: dict[str, float], top: float) -> list[dict[str, Any]]:
    """A line along the top over the arms that cannot be told from the best; nothing while there is but one."""
    if len(found.arms) < 2:
        return []
    pieces: list[list[float]] = []
    for middle in sorted(place[name] for name in found.as_good):
        if pieces and middle <= pieces[-1][-1] + 1:
            pieces[-1].append(middle)
        else:
            pieces.append([middle])
    x: list[float | None] = []
    for piece in pieces:
        x += [piece[0] - 0.4, piece[-1] + 0.4, None]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "not to be told from the best",
            "meta": GUIDE,
            "x": x,
            "y": [top] * len(x),
            "line": {"color": RIGHT, "width": 7},
            "cliponaxis": False,
            "hoverinfo": "skip",
        }
    ]


def _arm(found: SweepReport, one: ArmReport, place: float, on: Ground) -> list[dict[str, Any]]:
    """The dots of the seeds, and on top of them the mean with its interval."""
    count = len(found.stages)
    strength = 1.0 if one.as_good else _FAINT
    hue = colour(one.arm, count)
    seeds = len(found.seeds)
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"{one.arm} seeds",
            "meta": {"series": "", "table": "Every seed", "also": ["Seed"]},
            "x": [place + offset for offset in _offsets(one.seeds, found.seeds, seeds)],
            "y": [100 * share for share in one.accuracies],
            "marker": {"size": 7, "color": faded(GREY, 0.75 * strength)},
            "customdata": list(one.seeds),
            "hovertemplate": "seed %{customdata}: %{y:.1f} %<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": one.arm,
            "meta": {
                "series": "",
                "low": "95 % from",
                "high": "to",
                "also": ["What is frozen", None, None, "Points behind the best"],
            },
            "x": [place],
            "y": [100 * one.accuracy.value],
            "marker": {
                "size": 15,
                "symbol": "diamond" if Arm.named(one.arm).strategy == "lp_ft" else "circle",
                "color": faded(hue, strength),
                "line": {"color": on.paper, "width": 1.5},
            },
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": [100 * (one.accuracy.high - one.accuracy.value)],
                "arrayminus": [100 * (one.accuracy.value - one.accuracy.low)],
                "thickness": 4,
                "width": 0,
                "color": faded(hue, 0.6 * strength),
            },
            "cliponaxis": False,
            "customdata": [
                [
                    _phrase(one, found.stages),
                    100 * one.accuracy.low,
                    100 * one.accuracy.high,
                    100 * one.regret.value,
                ]
            ],
            "hovertemplate": "<b>%{customdata[0]}</b><br>%{y:.1f} % [%{customdata[1]:.1f}, %{customdata[2]:.1f}]"
            "<br>%{customdata[3]:.1f} points behind the best<extra></extra>",
        },
    ]


def _offsets(seeds: Iterable[int], planned: Sequence[int], count: int) -> list[float]:
    """Where the dots of ``seeds`` stand beside the middle: each seed in the same place in all columns."""
    if count == 1:
        return [-_SPREAD for _ in seeds]
    return [_SPREAD * (2 * planned.index(seed) / (count - 1) - 1) for seed in seeds]


def _phrase(one: ArmReport, stages: Sequence[str]) -> str:
    if Arm.named(one.arm).strategy == "lp_ft":
        return "Linear probe first, then everything trained"
    if one.depth == 0:
        return "Nothing frozen"
    if one.depth == len(stages):
        return "Everything frozen but the head"
    return f"Frozen up to {label(stages[one.depth - 1], 18)}"


def _words(text: str, x: float, y: float, on: Ground, *, ink: bool = False, **other: Any) -> dict[str, Any]:
    return {
        "text": text,
        "x": x,
        "y": y,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": SMALL, "color": on.ink if ink else on.muted},
        **other,
    }

"""Accuracy over freeze depth as a sweep measures it, and what every depth costs; rebuilt as it fills."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.axes import AxisLayout, axis, round_up
from core.figures.depth_axis import EDGE, DepthAxis, colour, depth_axis, symbol
from core.figures.marks import bars, column, guide, note, points, rule, whisker
from core.figures.template import FIRE, GREY, ICE, RIGHT, Ground, Theme, faded, figure, ground, key, label
from core.training.sweep_config import SweepArm
from core.training.sweep_report import ArmReport, SweepReport

# Pixels, from the top: nothing moves while points arrive, whatever the network.
_TOP, _ACCURACY, _GAP, _SECONDS, _PER_STAGE, _BOTTOM = 66, 290, 22, 84, 15, 62
_LEFT = 82  # names of stages
_ASIDE = 0.3  # of a column: how far LP-FT stands from the depths, since it is none
_FAINT = 0.5  # of what can be told from the best
_SPREAD = 0.26  # how far a seed's dot may stand from the middle of its column


def accuracy_over_depth(
    report: SweepReport, *, advised: str | None = None, theme: Theme = "light"
) -> go.Figure:
    """Draw accuracies (%) with 95 % intervals and every seed's dot, below them seconds, and what was frozen.

    A line above joins the arms that cannot be told from the best; what can be is faint. The advised arm stands on
    a lit column. Seconds: fire for training and testing, ice for the pass through the frozen stages, which a sweep
    makes once for all arms.
    """
    on = ground(theme)
    count = len(report.stages)
    depths = [name for name in report.planned if SweepArm.named(name).strategy != "lp_ft"]
    others = [name for name in report.planned if name not in depths]
    place = {name: float(number) for number, name in enumerate(depths)}
    place |= {name: len(depths) + number + _ASIDE for number, name in enumerate(others)}
    low, high = _range(report)
    axis_of_arms = depth_axis([*place], count, on=on)
    shapes, notes = _marked(report, place, advised, (low, high), on)
    return figure(
        [
            # Apart, since a heat map would widen cells that stand further from each other.
            *(_stacks(names, place, count, on) for names in (depths, others) if names),
            *_seconds(report, place),
            *_as_good(report, place, high),
            *(trace for arm in report.arms for trace in _arm(report, arm, place[arm.arm], on)),
        ],
        theme,
        says=report.verdict if report.arms else "The first depth is being measured.",
        uirevision="sweep",
        height=height(count),
        margin={"l": _LEFT, "r": 10, "t": _TOP, "b": _BOTTOM},
        barmode="stack",
        bargap=0.45,
        title=key(("Trained", FIRE, "bar"), ("Frozen", ICE, "bar"), ("May be the best", RIGHT, "line")),
        shapes=shapes,
        annotations=notes,
        **_axes(report, axis_of_arms, [*place.values()], (low, high), on),
    )


def _stacks(names: Sequence[str], place: Mapping[str, float], stages: int, on: Ground) -> dict[str, Any]:
    return depth_axis(names, stages, on=on).trace | {"xgap": 10, "x": [place[name] for name in names]}


def _axes(
    report: SweepReport,
    arms: DepthAxis,
    places: Sequence[float],
    limits: tuple[float, float],
    on: Ground,
) -> dict[str, AxisLayout]:
    """Lay out arms, accuracies, seconds and the stacks; margins are fixed, so that nothing moves."""
    span = limits[1] - limits[0]
    axes = {
        "xaxis": arms.x | {"tickvals": places, "range": [-EDGE, max(places) + EDGE], "ticks": ""},
        "yaxis": axis(
            "Test accuracy (%)", range=[*limits], dtick=20 if span > 50 else 10 if span > 30 else 5
        ),
        "yaxis2": arms.stacks
        | {
            "visible": True,
            "showgrid": False,
            "tickvals": list(range(len(report.stages))),
            "ticktext": [label(name, 11) for name in report.stages],
            "tickfont": {"size": 12, "color": on.muted},
            "ticks": "",
        },
        "yaxis3": axis("Seconds", anchor="x", range=[0, _ceiling(report)], nticks=3),
    }
    domains = {name: {"domain": ends} for name, ends in _domains(len(report.stages)).items()}
    return {name: made | {"automargin": False} | domains.get(name, {}) for name, made in axes.items()}


def height(stages: int) -> int:
    """Pixels that the chart takes for a network of ``stages`` stages."""
    return _TOP + _inside(stages) + _BOTTOM


def _inside(stages: int) -> int:
    return _ACCURACY + _GAP + _SECONDS + _GAP + _PER_STAGE * stages


def _domains(stages: int) -> dict[str, list[float]]:
    """Divide the height: accuracies on top, then seconds, then the stacks."""
    inside, stack = _inside(stages), _PER_STAGE * stages
    seconds = (stack + _GAP) / inside
    return {
        "yaxis": [(inside - _ACCURACY) / inside, 1],
        "yaxis3": [seconds, seconds + _SECONDS / inside],
        "yaxis2": [0, stack / inside],
    }


def _marked(
    report: SweepReport,
    place: Mapping[str, float],
    advised: str | None,
    limits: tuple[float, float],
    on: Ground,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Mark chance, the advised arm and the best one; give shapes and words."""
    low, high = limits
    shapes, notes = [], []
    chance = 100 * report.chance
    if chance > low:
        shapes.append(rule(on.muted, y=chance, dash="dash", name="chance", layer="below"))
        notes.append(note("chance", 0, chance, on.muted, anchor="left bottom", xref="paper"))
    if advised is not None and advised in place:
        shapes.append(column(place[advised], colour(advised, len(report.stages))))
        notes.append(
            note("<b>advised</b>", place[advised], 1, on.ink, anchor="bottom", yref="paper", yshift=3)
        )
    best = report.of(report.best) if report.best is not None and len(report.arms) > 1 else None
    if best is not None:
        top = 100 * max(best.accuracy.high, *best.accuracies)
        notes.append(note("<b>best</b>", place[best.arm], min(top, high), on.ink, anchor="bottom", yshift=4))
    return shapes, notes


def _range(report: SweepReport) -> tuple[float, float]:
    """Ends of the accuracy axis (%): everything until the first seed is complete, then what the dots need.

    In steps of 10, at least 30 apart: so that it hardly ever changes while further seeds come.
    """
    floor = 10 * math.floor(10 * report.chance)
    if not report.counted:
        return max(0, floor - 10), 101
    shown = [share for arm in report.arms for share in (*arm.accuracies, arm.accuracy.low, arm.accuracy.high)]
    low = 10 * math.floor(10 * min(shown) - 0.05)
    high = 10 * math.ceil(10 * max(shown) + 0.4)
    low, high = max(0, low), min(100, high)
    low = max(0, min(low, high - 30))
    return low, max(high, 30) + (1 if high == 100 else 0)


def _alone(arm: ArmReport) -> float:
    """Seconds that the arm would have taken by itself."""
    return arm.seconds_alone or arm.seconds


def _ceiling(report: SweepReport) -> float:
    """Upper end of the seconds axis, in steps so that it seldom changes."""
    return round_up(1.02 * max(map(_alone, report.arms), default=1.0))


def _seconds(report: SweepReport, place: Mapping[str, float]) -> list[dict[str, Any]]:
    """Stacked bars: training and testing, and on top the pass that the arm would have had to make by itself."""
    training = [arm.seconds for arm in report.arms]
    passes = [_alone(arm) - arm.seconds for arm in report.arms]
    return [
        bars(
            [place[arm.arm] for arm in report.arms],
            values,
            hue,
            name=name,
            meta={"table": "Seconds"},
            xaxis="x",
            yaxis="y3",
            hover="%{fullData.name}: %{y:.2f} s",
        )
        for name, values, hue in (
            ("training and testing", training, FIRE),
            ("before it, once for all arms", passes, ICE),
        )
    ]


def _as_good(report: SweepReport, place: Mapping[str, float], top: float) -> list[dict[str, Any]]:
    """A line along the top over the arms that cannot be told from the best; nothing while there is but one."""
    if len(report.arms) < 2:
        return []
    pieces: list[list[float]] = []
    for middle in sorted(place[name] for name in report.as_good):
        if pieces and middle <= pieces[-1][-1] + 1:
            pieces[-1].append(middle)
        else:
            pieces.append([middle])
    x: list[float | None] = []
    for piece in pieces:
        x += [piece[0] - 0.4, piece[-1] + 0.4, None]
    name = "not to be told from the best"
    return [guide(x, [top] * len(x), RIGHT, width=7, name=name, cliponaxis=False)]


def _arm(report: SweepReport, arm: ArmReport, place: float, on: Ground) -> list[dict[str, Any]]:
    """The dots of the seeds, and on top of them the mean with its interval."""
    strength = 1.0 if arm.as_good else _FAINT
    hue = colour(arm.arm, len(report.stages))
    accuracy, regret = arm.accuracy.times(100), 100 * arm.regret.value
    seeds = points(
        [place + offset for offset in _offsets(arm.seeds, report.seeds)],
        [100 * share for share in arm.accuracies],
        faded(GREY, 0.75 * strength),
        size=7,
        name=f"{arm.arm} seeds",
        meta={"series": "", "table": "Every seed", "also": ["Seed"]},
        customdata=list(arm.seeds),
        hover="seed %{customdata}: %{y:.1f} %",
    )
    also = ["What is frozen", None, None, "Points behind the best"]
    mean = points(
        [place],
        [accuracy.value],
        faded(hue, strength),
        size=15,
        symbol=symbol(arm.arm),
        rim={"color": on.paper, "width": 1.5},
        name=arm.arm,
        meta={"series": "", "low": "95 % from", "high": "to", "also": also},
        cliponaxis=False,
        customdata=[[_phrase(arm, report.stages), accuracy.low, accuracy.high, regret]],
        hover="<b>%{customdata[0]}</b><br>%{y:.1f} % [%{customdata[1]:.1f}, %{customdata[2]:.1f}]"
        "<br>%{customdata[3]:.1f} points behind the best",
    )
    return [seeds, mean | whisker([accuracy], faded(hue, 0.6 * strength), thickness=4)]


def _offsets(seeds: Iterable[int], planned: Sequence[int]) -> list[float]:
    """Where the dots of ``seeds`` stand beside the middle: each seed in the same place in all columns."""
    if len(planned) == 1:
        return [-_SPREAD for _ in seeds]
    return [_SPREAD * (2 * planned.index(seed) / (len(planned) - 1) - 1) for seed in seeds]


def _phrase(arm: ArmReport, stages: Sequence[str]) -> str:
    if SweepArm.named(arm.arm).strategy == "lp_ft":
        return "Linear probe first, then everything trained"
    if arm.depth == 0:
        return "Nothing frozen"
    if arm.depth == len(stages):
        return "Everything frozen but the head"
    return f"Frozen up to {label(stages[arm.depth - 1], 18)}"

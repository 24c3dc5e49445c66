"""The axis of all charts over freeze depth: under every depth the network as a stack, ice below, fire above."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.figures.axes import AxisLayout, named_axis
from core.figures.marks import GUIDE, cells
from core.figures.template import FIRE, ICE, Ground
from core.training.sweep_config import SweepArm

EDGE = 0.55  # how far the axis reaches beyond its first and its last depth
_STACKS = (0.0, 0.15)  # of the height: the stacks
_PLOT = (0.19, 1.0)  # of the height: the chart itself


@dataclass(frozen=True, kw_only=True)
class DepthAxis:
    """What a chart takes over: the stacks' trace, and the axes. Depths stand at 0, 1, 2, …"""

    trace: dict[str, Any]
    x: AxisLayout
    y: AxisLayout  # its domain; the rest is the chart's
    stacks: AxisLayout  # of the stacks, as yaxis2


def depth_axis(
    arms: Sequence[str], stages: int, *, on: Ground, times: Sequence[str] | None = None
) -> DepthAxis:
    """Lay ``arms`` (`SweepArm.name`) out from left to right for a network of ``stages`` stages.

    The lowest cell of a stack is the stage next to the picture. ``times`` say, one an arm, how long it trains here.
    """
    depths = [SweepArm.named(name).depth for name in arms]
    trace = cells(
        [[int(stage >= depth) for depth in depths] for stage in range(stages)],
        (ICE, FIRE),
        name="frozen",
        meta=GUIDE,
        xaxis="x",
        yaxis="y2",
        x=list(range(len(arms))),
        y=list(range(stages)),
        xgap=14,
    )
    x = depth_names(arms, stages, room=EDGE, ink=on.ink, anchor="y2")
    if times is not None:
        x["ticktext"] = [f"{name}<br>{time}" for name, time in zip(x["ticktext"], times, strict=True)]
        x["title"] = {"text": f"{x['title']['text']}<br>and how long it trains here, about"}
    stacks = {"domain": list(_STACKS), "visible": False, "range": [-0.5, stages - 0.5], "fixedrange": True}
    return DepthAxis(trace=trace, x=x, y={"domain": list(_PLOT)}, stacks=stacks)


def depth_names(arms: Sequence[str], stages: int, **more: Any) -> AxisLayout:
    """Name depths along an axis, without the stacks."""
    names = [short(name, stages) for name in arms]
    return named_axis(names, f"Frozen stages, of {stages}", tickangle=0, **more)


def short(arm: str, stages: int) -> str:
    """Name an arm on the axis: its number of frozen stages, or LP-FT (with its depth where it freezes some)."""
    depth = SweepArm.named(arm).depth
    if SweepArm.named(arm).strategy == "lp_ft":
        return "LP-FT" if depth == 0 else f"LP-FT {depth}"
    return f"{depth} all" if depth == stages else f"{depth}"


def colour(arm: str, stages: int) -> str:
    """Ice blue where the whole network stays as it was, fire where some of it is trained."""
    return ICE if SweepArm.named(arm).depth == stages else FIRE


def symbol(arm: str) -> str:
    """A diamond for the arms that are no depth (LP-FT), else a dot."""
    return "diamond" if SweepArm.named(arm).strategy == "lp_ft" else "circle"

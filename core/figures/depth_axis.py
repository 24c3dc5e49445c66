"""The axis of all charts over freeze depth: under every depth the network as a stack, ice below, fire above."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.figures.template import FIRE, GUIDE, ICE, SMALL, Ground
from core.training.sweep_config import Arm

_STACKS = (0.0, 0.15)  # of the height: the stacks
_PLOT = (0.19, 1.0)  # of the height: the chart itself


@dataclass(frozen=True, kw_only=True)
class DepthAxis:
    """What a chart takes over: the stacks' trace, and the layout of both axes. Depths stand at 0, 1, 2, …"""

    trace: dict[str, Any]
    layout: dict[str, Any]  # xaxis, yaxis2, and the domain of yaxis in "yaxis"


def depth_axis(
    arms: Sequence[str], stages: int, *, on: Ground, notes: Sequence[str] | None = None
) -> DepthAxis:
    """Lay ``arms`` (`Arm.name`) out from left to right for a network of ``stages`` stages.

    The lowest cell of a stack is the stage next to the picture. ``notes`` stand under the names, one an arm.
    """
    known = [Arm.named(name) for name in arms]
    names = [short(name, stages) for name in arms]
    trace = {
        "type": "heatmap",
        "name": "frozen",
        "meta": GUIDE,
        "xaxis": "x",
        "yaxis": "y2",
        "x": list(range(len(arms))),
        "y": list(range(stages)),
        "z": [[int(stage >= arm.depth) for arm in known] for stage in range(stages)],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, ICE], [1, FIRE]],
        "showscale": False,
        "xgap": 14,
        "ygap": 2,
        "hoverinfo": "skip",
    }
    ticks = names if notes is None else [f"{name}<br>{note}" for name, note in zip(names, notes, strict=True)]
    layout = {
        "xaxis": {
            "anchor": "y2",
            "tickvals": list(range(len(arms))),
            "ticktext": ticks,
            "tickangle": 0,
            "range": [-0.55, len(arms) - 0.45],
            "showgrid": False,
            "tickfont": {"size": SMALL, "color": on.ink},
            "title": {"text": f"Frozen stages, of {stages}"},
        },
        "yaxis": {"domain": list(_PLOT)},
        "yaxis2": {
            "domain": list(_STACKS),
            "visible": False,
            "range": [-0.5, stages - 0.5],
            "fixedrange": True,
        },
    }
    return DepthAxis(trace=trace, layout=layout)


def short(arm: str, stages: int) -> str:
    """Name an arm on the axis: its number of frozen stages, or LP-FT (with its depth where it freezes some)."""
    one = Arm.named(arm)
    if one.strategy == "lp_ft":
        return "LP-FT" if one.depth == 0 else f"LP-FT {one.depth}"
    return f"{one.depth} all" if one.depth == stages else f"{one.depth}"


def colour(arm: str, stages: int) -> str:
    """Ice blue where the whole network stays as it was, fire where some of it is trained."""
    return ICE if Arm.named(arm).depth == stages else FIRE

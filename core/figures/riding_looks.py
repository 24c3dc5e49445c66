"""What a rider looks like in every riding chart: colour, line, and the key that names them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.figures.axes import AxisLayout, axis
from core.figures.marks import band, line
from core.figures.template import DATA, FIRE, GREY, ICE, WRONG, KeySign, Theme, ground, key
from core.riding.experiment import RiderArm
from core.riding.experiment_report import band as interval_of

# Orange learned something that helps, grey did not learn before, ice is frozen, violet learned the wrong way round.
COLOURS = {"control": GREY, "trained": FIRE, "frozen": ICE, "misled": WRONG, "near": DATA}
# As text.
READABLE: dict[Theme, dict[str, str]] = {
    "light": {"misled": "#5E449E", "near": "#7A5F00"},
    "dark": {"misled": "#C9BAEE", "near": "#E8CF74"},
}
# Arms of one colour that may stand beside each other: Plotly's dash, and its mark in the key.
_LINES: dict[str, tuple[str, KeySign]] = {
    "shuffled": ("dot", "dots"),
    "bicycle_fresh_head": ("dot", "dots"),
    "reversed_fresh_head": ("dot", "dots"),
    "scratch_two_frozen": ("dot", "dots"),
    "reversed_two_frozen": ("dash", "dashes"),
    "bicycle_last_frozen": ("dashdot", "dash-dots"),
}
_PLAIN: tuple[str, KeySign] = ("solid", "line")
_MARK_SIGNS, _LINE_SIGNS = 5, 40  # the key: what a mark takes, and what a line on a phone holds
_HIGHER = 12  # px: so much higher does Plotly hang several lines than one


def readable(arm: RiderArm, theme: Theme) -> str:
    """Give the colour of an arm as text."""
    on = ground(theme)
    known = {"control": on.control, "trained": on.trainable, "frozen": on.frozen} | READABLE[theme]
    return known[arm.colour]


def dash(arm: str) -> tuple[str, KeySign]:
    """Give an arm's dash, as Plotly calls it, and its mark in the key."""
    return _LINES.get(arm, _PLAIN)


def folded_key(*entries: tuple[str, str, KeySign]) -> tuple[dict[str, Any], int]:
    """Make a `key` whose lines a phone has room for, and count them."""
    title = key(*entries)
    lines: list[list[str]] = [[]]
    used = 0
    for (name, _, _), part in zip(entries, title["text"].split("\u2003"), strict=False):
        if lines[-1] and used + len(name) + _MARK_SIGNS > _LINE_SIGNS:
            lines.append([])
            used = 0
        lines[-1].append(part)
        used += len(name) + _MARK_SIGNS
    title["text"] = "<br>".join("\u2003".join(parts) for parts in lines)
    if len(lines) > 1:
        title["pad"]["t"] += _HIGHER
    return title, len(lines)


def upright_axis(what: str, ticks: Sequence[int], limits: tuple[float, float]) -> AxisLayout:
    """Make the axis of riders who stay up, in percent: the last of ``ticks`` has the unit."""
    names = [*map(str, ticks[:-1]), f"{ticks[-1]} %"]
    return axis(what, told=f"{what} (%)", range=[*limits], tickvals=[*ticks], ticktext=names)


def survival_curve(
    x: Sequence[float],
    survival: NDArray[np.float64],
    colour: str,
    *,
    hover: str,
    opacity: float = 0.16,
    **more: Any,
) -> list[dict[str, Any]]:
    """Draw survival (seeds, places of ``x``), 0-1, in percent: the mean over seeds in its interval."""
    mean, low, high = ((100 * share).tolist() for share in interval_of(survival))
    curve = line(
        x,
        mean,
        colour,
        width=4,
        customdata=[list(ends) for ends in zip(low, high, strict=True)],
        hover=f"{hover}<b>%{{y:.0f}} %</b> [%{{customdata[0]:.0f}}, %{{customdata[1]:.0f}}]",
        **more,
    )
    return [band(x, low, high, colour, opacity=opacity), curve]

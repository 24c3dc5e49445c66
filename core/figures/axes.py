"""Axes: of numbers, of shares in percent, of names. ``more`` are Plotly's own names and win over ours."""

import math
from collections.abc import Sequence
from typing import Any

from core.figures.template import SMALL, label

AxisLayout = dict[str, Any]  # as Plotly takes it; "told" is taken out by `core.figures.template.figure`


def axis(title: str | AxisLayout | None = None, *, told: str | None = None, **more: Any) -> AxisLayout:
    """Make an axis of numbers; ``told`` names it in the table where its title is too short for that."""
    made: AxisLayout = {}
    if title is not None:
        made["title"] = {"text": title} if isinstance(title, str) else title
    return made | ({} if told is None else {"told": {"name": told}}) | more


def percent_axis(title: str, *, dtick: float = 20, **more: Any) -> AxisLayout:
    """Make an axis from 0 to 100 %, with room for a dot at the top."""
    return axis(title, range=[0, 101], dtick=dtick, **more)


def named_axis(
    names: Sequence[str],
    title: str | None = None,
    *,
    longest: int | None = None,
    room: float = 0.5,
    down: bool = False,
    ink: str | None = None,
    size: float = SMALL,
    told: str | None = None,
    **more: Any,
) -> AxisLayout:
    """Make an axis whose places 0, 1, 2, … have ``names``, of ``longest`` signs each; ``down``: the first on top.

    ``room`` is left before the first and behind the last. ``told`` says what they are: then tables have them whole.
    """
    ends = [-room, len(names) - 1 + room]
    made = axis(title) | {
        "tickvals": list(range(len(names))),
        "ticktext": [label(name, longest) for name in names],
        "range": ends[::-1] if down else ends,
        "showgrid": False,
    }
    if ink is not None:
        made["tickfont"] = {"size": size, "color": ink}
    if told is not None:
        made["told"] = {"name": told, "names": [label(name) for name in names]}
    return made | more


def round_up(number: float) -> float:
    """Give an axis its upper end, in steps: it seldom changes while ``number`` grows."""
    step = 10.0 ** math.floor(math.log10(max(number, 1e-3)))
    return min(step * nice for nice in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * nice >= number)


def decades(low: float, high: float, digits: Sequence[int] = (1, 2, 5)) -> list[float]:
    """Give the ``digits`` of every power of ten, as places on a logarithmic axis from 10**low to 10**high."""
    powers = range(math.floor(low) - 1, math.ceil(high) + 1)
    places = [digit * 10.0**power for power in powers for digit in digits]
    return [place for place in places if low <= math.log10(place) <= high]

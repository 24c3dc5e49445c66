"""Which pretrained network? Accuracy against time, size as area, and the front that nothing beats."""

from collections.abc import Sequence
from math import log10, sqrt
from typing import Any

import plotly.graph_objects as go

from core.advice.candidates_report import Comparison, Examined
from core.figures.axes import axis, decades
from core.figures.marks import guide, level, note, points, whisker
from core.figures.template import FIRE, GREY, ICE, KeySign, Theme, faded, figure, ground, key, label

_LONGEST = 25
# Names are laid out for a phone; a wider screen has more room, never less.
_WIDTH, _HEIGHT = 265.0, 420.0  # px of the plot area
_LETTER, _LINE = 7.4, 18.0  # px
_SMALLEST, _LARGEST = 12.0, 38.0  # px, diameters of bubbles

_LITTLE = 60.0  # square px of a name that may be covered: the tip of a letter or two
_DOTS: KeySign = "dots"

NameBox = tuple[float, float, float, float]  # left, bottom, right, top in px
NamePlace = tuple[str, tuple[float, float]]  # which side of the name stands there, and its shift in px


def pareto(comparison: Comparison, *, theme: Theme = "light") -> go.Figure:
    """Draw cross-validated probe accuracy (%) with its 95 % interval against milliseconds per image, log scale.

    The area of a bubble is the network's megabytes. Full ice blue: on the front, no other is both faster and better;
    grey: beaten by one that is. The dashed line is chance, where it is not far below. Networks of the front are named
    first, the best before all; a name for which there is no room is told by pointing at the bubble.
    """
    on = ground(theme)
    networks, front = comparison.examined, comparison.front
    x_range = _log_range([network.pace.median for network in networks])
    # From just below the lowest interval; bubbles at chance would squeeze all others together at the top.
    lowest = min([100 * network.probe.accuracy.low for network in networks], default=0.0)
    y_range = [max(5 * (lowest // 5) - 5, -4), 102.5]
    chance = 100 * comparison.chance if 100 * comparison.chance > y_range[0] else None
    sizes = _diameters([network.megabytes for network in networks])
    edge = 10 ** x_range[1]
    places = [(networks[number].pace.median, 100 * networks[number].probe.accuracy.value) for number in front]
    steps = [*places, *((edge, y) for _, y in places[-1:])]
    traces = [
        level("chance", [10**limit for limit in x_range], chance, on.muted),
        guide(
            [x for x, _ in steps],
            [y for _, y in steps],
            FIRE,
            name="front",
            line={"color": FIRE, "width": 2.5, "shape": "hv"},
        ),
        *(
            _bubble(network, size, on_front=number in front)
            for number, (network, size) in enumerate(zip(networks, sizes, strict=True))
        ),
    ]
    chance_key: list[tuple[str, str, KeySign]] = [] if chance is None else [("Chance", on.muted, _DOTS)]
    return figure(
        traces,
        theme,
        says=comparison.says,
        height=540,
        margin={"t": 44},
        title=key(("None is faster and better", FIRE, "line"), *chance_key),
        xaxis=axis("Milliseconds per image, here", type="log", range=x_range, tickvals=_round_times(x_range)),
        yaxis=axis("Linear probe (%)", range=y_range, nticks=8),
        annotations=_names(comparison, sizes, x_range, y_range, on.ink),
    )


def _names(
    comparison: Comparison,
    sizes: Sequence[float],
    x_range: Sequence[float],
    y_range: Sequence[float],
    ink: str,
) -> list[dict[str, Any]]:
    """Write the names for which there is room; annotations of a log axis are placed by the exponent."""
    names = [label(network.title, _LONGEST) for network in comparison.examined]
    spots = [
        (log10(network.pace.median), 100 * network.probe.accuracy.value) for network in comparison.examined
    ]
    pixels = [
        (
            _WIDTH * (x - x_range[0]) / (x_range[1] - x_range[0]),
            _HEIGHT * (y - y_range[0]) / (y_range[1] - y_range[0]),
        )
        for x, y in spots
    ]
    places = _layout(pixels, sizes, names, comparison.front[::-1])
    return [
        note(
            name,
            *spot,
            ink,
            xref="x",
            anchor=f"{place[0]} middle",
            xshift=place[1][0],
            yshift=place[1][1],
        )
        for name, spot, place in zip(names, spots, places, strict=True)
        if place is not None
    ]


def _bubble(network: Examined, size: float, *, on_front: bool) -> dict[str, Any]:
    colour = ICE if on_front else faded(GREY, 0.8)
    name, pace = label(network.title), network.pace
    probe, neighbours = network.probe.accuracy.times(100), network.neighbours.times(100)
    also = ["Network", "Nearest neighbours (%)", "Milliseconds, low", "Milliseconds, high", "Megabytes"]
    told = [name, neighbours.value, pace.low, pace.high, network.megabytes, "yes" if on_front else "no"]
    bubble = points(
        [pace.median],
        [probe.value],
        colour,
        size=size,
        rim={"width": 0},
        name=network.title,
        meta={"series": "", "also": [*also, "On the front"]},
        customdata=[told],
        cliponaxis=False,
        hover=f"<b>{name}</b><br>"
        f"probe {probe.value:.1f} % [{probe.low:.1f}, {probe.high:.1f}]<br>"
        f"neighbours {neighbours.value:.1f} % [{neighbours.low:.1f}, {neighbours.high:.1f}]<br>"
        f"{pace.median:.3g} ms an image [{pace.low:.3g}, {pace.high:.3g}]<br>"
        f"{network.megabytes:.3g} MB",
    )
    bubble["marker"]["opacity"] = 1  # Plotly makes bubbles of several sizes pale
    return bubble | whisker([probe], colour)


def _diameters(megabytes: Sequence[float]) -> list[float]:
    most = max(megabytes, default=1.0)
    return [max(_LARGEST * sqrt(size / most), _SMALLEST) for size in megabytes]


def _log_range(times: Sequence[float]) -> list[float]:
    """Exponents of ten, with room for bubbles and names at both sides."""
    low, high = (log10(min(times)), log10(max(times))) if times else (0.0, 1.0)
    air = max(0.16 * (high - low), 0.35)
    return [low - air, high + air]


def _round_times(limits: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten within the range; only 1 where that would be too many."""
    low, high = limits
    times = decades(low, high)
    return times if len(times) <= 7 else decades(low, high, digits=(1,))


def _layout(
    spots: Sequence[tuple[float, float]], sizes: Sequence[float], names: Sequence[str], first: Sequence[int]
) -> list[NamePlace | None]:
    """Where each name goes, those of ``first`` before the others; None where it would cover something."""
    taken: list[NameBox] = [
        (x - size / 2, y - size / 2, x + size / 2, y + size / 2)
        for (x, y), size in zip(spots, sizes, strict=True)
    ]
    placed: list[NamePlace | None] = [None] * len(names)
    for number in [*first, *(other for other in range(len(names)) if other not in first)]:
        (x, y), wide = spots[number], _LETTER * len(names[number])
        off = sizes[number] / 2 + 5
        up = off + 0.4 * _LINE
        # Beside the interval and off the front's line first.
        tries: list[NamePlace] = [
            *(
                (side, (shift, sign * up))
                for sign in (1, -1)
                for side, shift in (("left", 4.0), ("right", -4.0))
            ),
            ("right", (-off, 0.0)),
            ("left", (off, 0.0)),
            ("center", (0.0, up)),
            ("center", (0.0, -up)),
        ]
        best = min(tries, key=lambda place: _covered(_box(x, y, wide, place), taken))
        if _covered(_box(x, y, wide, best), taken) <= _LITTLE or len(names) == 1:
            taken.append(_box(x, y, wide, best))
            placed[number] = best
    return placed


def _box(x: float, y: float, wide: float, at: NamePlace) -> NameBox:
    side, (right, up) = at
    start = x + right - {"left": 0.0, "center": wide / 2, "right": wide}[side]
    return start, y + up - _LINE / 2, start + wide, y + up + _LINE / 2


def _covered(box: NameBox, taken: Sequence[NameBox]) -> float:
    """Square pixels of ``box`` that are taken or lie outside the plot."""
    left, bottom, right, top = box
    over = sum(
        max(min(right, other[2]) - max(left, other[0]), 0.0)
        * max(min(top, other[3]) - max(bottom, other[1]), 0.0)
        for other in taken
    )
    outside = max(-left, 0.0) + max(right - _WIDTH, 0.0)
    return over + _LINE * outside + 4 * (max(-bottom, 0.0) + max(top - _HEIGHT, 0.0))

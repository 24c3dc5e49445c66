"""Which pretrained network? Accuracy against time, size as area, and the front that nothing beats."""

from collections.abc import Sequence
from math import log10, sqrt
from typing import Any

import plotly.graph_objects as go

from core.advice.candidates_report import Comparison, Examined
from core.figures.template import (
    FIRE,
    GREY,
    GUIDE,
    ICE,
    LEVEL,
    SMALL,
    Mark,
    Theme,
    faded,
    figure,
    ground,
    key,
    label,
)

_LONGEST = 25
# Names are laid out for a phone; a wider screen has more room, never less.
_WIDTH, _HEIGHT = 265.0, 420.0  # px of the plot area
_LETTER, _LINE = 7.4, 18.0  # px
_SMALLEST, _LARGEST = 12.0, 38.0  # px, diameters of bubbles

_LITTLE = 60.0  # square px of a name that may be covered: the tip of a letter or two
_DOTS: Mark = "dots"

Box = tuple[float, float, float, float]  # left, bottom, right, top in px
Place = tuple[str, tuple[float, float]]  # which side of the name stands there, and its shift in px


def pareto(found: Comparison, *, theme: Theme = "light") -> go.Figure:
    """Draw cross-validated probe accuracy (%) with its 95 % interval against milliseconds per image, log scale.

    The area of a bubble is the network's megabytes. Full ice blue: on the front, no other is both faster and better;
    grey: beaten by one that is. The dashed line is chance, where it is not far below. Networks of the front are named
    first, the best before all; a name for which there is no room is told by pointing at the bubble.
    """
    on = ground(theme)
    rows = found.examined
    front = found.front
    times = [one.pace.median for one in rows]
    x_range = _log_range(times)
    # From just below the lowest interval; bubbles at chance would squeeze all others together at the top.
    lowest = min([100 * one.probe.accuracy.low for one in rows], default=0.0)
    y_range = [max(5 * (lowest // 5) - 5, -4), 102.5]
    chance = 100 * found.chance if 100 * found.chance > y_range[0] else None
    sizes = _diameters([one.megabytes for one in rows])
    spots = [
        (
            _WIDTH * (log10(one.pace.median) - x_range[0]) / (x_range[1] - x_range[0]),
            _HEIGHT * (100 * one.probe.accuracy.value - y_range[0]) / (y_range[1] - y_range[0]),
        )
        for one in rows
    ]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "chance",
            "meta": LEVEL,
            "x": [10**limit for limit in x_range],
            "y": [chance] * 2,
            "line": {"color": on.muted, "width": 2, "dash": "dash"},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "front",
            "meta": GUIDE,
            "x": [times[one] for one in front] + ([10 ** x_range[1]] if front else []),
            "y": [100 * rows[one].probe.accuracy.value for one in front]
            + ([100 * rows[front[-1]].probe.accuracy.value] if front else []),
            "line": {"color": FIRE, "width": 2.5, "shape": "hv"},
            "hoverinfo": "skip",
        },
        *(
            _bubble(one, size, ICE if number in front else faded(GREY, 0.8))
            for number, (one, size) in enumerate(zip(rows, sizes, strict=True))
        ),
    ]
    names = [label(one.title, _LONGEST) for one in rows]
    notes = [
        {
            "text": name,
            "xref": "x",
            "x": log10(one.pace.median),  # annotations of a log axis are placed by the exponent
            "y": 100 * one.probe.accuracy.value,
            "xanchor": side,
            "yanchor": "middle",
            "xshift": shift[0],
            "yshift": shift[1],
            "showarrow": False,
            "font": {"size": SMALL, "color": on.ink},
        }
        for name, one, at in zip(names, rows, _layout(spots, sizes, names, front[::-1]), strict=True)
        if at is not None
        for side, shift in [at]
    ]
    layout = {
        "height": 540,
        "margin": {"t": 44},
        "title": key(
            ("None is faster and better", FIRE, "line"),
            *([] if chance is None else [("Chance", on.muted, _DOTS)]),
        ),
        "xaxis": {
            "type": "log",
            "range": x_range,
            "tickvals": _round_times(x_range),
            "title": {"text": "Milliseconds per image, here"},
        },
        "yaxis": {"range": y_range, "nticks": 8, "title": {"text": "Linear probe (%)"}},
        "annotations": notes,
    }
    return figure(traces, layout, theme)


def _bubble(one: Examined, size: float, colour: str) -> dict[str, Any]:
    share = one.probe.accuracy
    return {
        "type": "scatter",
        "mode": "markers",
        "name": one.title,
        "meta": {
            "series": "",
            "also": [
                "Network",
                "Nearest neighbours (%)",
                "Milliseconds, low",
                "Milliseconds, high",
                "Megabytes",
                "On the front",
            ],
        },
        "customdata": [
            [
                label(one.title),
                100 * one.neighbours.value,
                one.pace.low,
                one.pace.high,
                one.megabytes,
                "yes" if colour == ICE else "no",
            ]
        ],
        "x": [one.pace.median],
        "y": [100 * share.value],
        "cliponaxis": False,
        "marker": {"size": size, "color": colour, "opacity": 1, "line": {"width": 0}},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [100 * (share.high - share.value)],
            "arrayminus": [100 * (share.value - share.low)],
            "thickness": 3,
            "width": 0,
            "color": colour,
        },
        "hovertemplate": f"<b>{label(one.title)}</b><br>"
        f"probe {100 * share.value:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]<br>"
        f"neighbours {100 * one.neighbours.value:.1f} % "
        f"[{100 * one.neighbours.low:.1f}, {100 * one.neighbours.high:.1f}]<br>"
        f"{one.pace.median:.3g} ms an image [{one.pace.low:.3g}, {one.pace.high:.3g}]<br>"
        f"{one.megabytes:.3g} MB<extra></extra>",
    }


def _diameters(megabytes: Sequence[float]) -> list[float]:
    most = max(megabytes, default=1.0)
    return [max(_LARGEST * sqrt(one / most), _SMALLEST) for one in megabytes]


def _log_range(times: Sequence[float]) -> list[float]:
    """Exponents of ten, with room for bubbles and names at both sides."""
    low, high = (log10(min(times)), log10(max(times))) if times else (0.0, 1.0)
    air = max(0.16 * (high - low), 0.35)
    return [low - air, high + air]


def _round_times(limits: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten within the range; only 1 where that would be too many."""
    first, last = int(limits[0]) - 1, int(limits[1]) + 1
    for steps in ((1, 2, 5), (1,)):
        found = [
            step * 10.0**power
            for power in range(first, last + 1)
            for step in steps
            if limits[0] <= log10(step * 10.0**power) <= limits[1]
        ]
        if len(found) <= 7:
            break
    return found


def _layout(
    spots: Sequence[tuple[float, float]], sizes: Sequence[float], names: Sequence[str], first: Sequence[int]
) -> list[Place | None]:
    """Where each name goes, those of ``first`` before the others; None where it would cover something."""
    taken: list[Box] = [
        (x - size / 2, y - size / 2, x + size / 2, y + size / 2)
        for (x, y), size in zip(spots, sizes, strict=True)
    ]
    placed: list[Place | None] = [None] * len(names)
    for number in [*first, *(one for one in range(len(names)) if one not in first)]:
        (x, y), wide = spots[number], _LETTER * len(names[number])
        off = sizes[number] / 2 + 5
        up = off + 0.4 * _LINE
        # Beside the interval and off the front's line first.
        tries: list[Place] = [
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
        best = min(tries, key=lambda one: _covered(_box(x, y, wide, one), taken))
        if _covered(_box(x, y, wide, best), taken) <= _LITTLE or len(names) == 1:
            taken.append(_box(x, y, wide, best))
            placed[number] = best
    return placed


def _box(x: float, y: float, wide: float, at: Place) -> Box:
    side, (right, up) = at
    start = x + right - {"left": 0.0, "center": wide / 2, "right": wide}[side]
    return start, y + up - _LINE / 2, start + wide, y + up + _LINE / 2


def _covered(box: Box, taken: Sequence[Box]) -> float:
    """Square pixels of ``box`` that are taken or lie outside the plot."""
    left, bottom, right, top = box
    over = sum(
        max(min(right, other[2]) - max(left, other[0]), 0.0)
        * max(min(top, other[3]) - max(bottom, other[1]), 0.0)
        for other in taken
    )
    outside = max(-left, 0.0) + max(right - _WIDTH, 0.0)
    return over + _LINE * outside + 4 * (max(-bottom, 0.0) + max(top - _HEIGHT, 0.0))

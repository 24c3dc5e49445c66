"""Why riding transfers, and what it costs: torque, gains, source rides, and the machines' own stability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.figures.axes import axis, named_axis
from core.figures.marks import GUIDE, box, line, note, points, whisker
from core.figures.riding_looks import COLOURS, folded_key, survival_curve, upright_axis
from core.figures.template import DATA, FIRE, GREY, SMALL, WRONG, KeySign, Theme, faded, figure, ground, key
from core.metrics.report import Interval
from core.riding import dynamics, rides
from core.riding.experiment import ARMS
from core.riding.experiment_report import median
from core.riding.machines import Machine

FEELINGS = ("lean", "steering", "lean rate", "steering rate", "heading", "off the line")


def strength(
    factors: Sequence[float], survival: NDArray[np.float64], *, chosen: float, theme: Theme = "light"
) -> go.Figure:
    """Draw survival (seeds, factors) on the motorcycle, unpractised, against what the torque is multiplied by."""
    on = ground(theme)
    hover = "torque × %{x}<br>"
    curve = survival_curve(factors, survival, FIRE, opacity=0.18, dots=8, hover=hover, cliponaxis=False)
    place = list(factors).index(chosen)
    at, (low, high) = curve[-1]["y"][place], curve[-1]["customdata"][place]
    rim = {"width": 3, "color": on.ink}
    ring = points([chosen], [at], FIRE, size=22, rim=rim, meta=GUIDE, cliponaxis=False)
    # Where the curve leaves room.
    side, shift = ("right", -16) if chosen > 3.2 else ("left", 16)
    said = f"<b>{at:.0f} %</b> [{low:.0f}, {high:.0f}]"
    return figure(
        [*curve, ring],
        theme,
        says=f"Times {chosen:g}: {at:.0f} of 100 rides stay up.",
        height=360,
        margin={"t": 28, "r": 16},
        xaxis=axis(
            "Torque of the bicycle riders' hands",
            range=[factors[0] - 0.1, factors[-1] + 0.1],
            dtick=1,
            tickprefix="× ",
            showgrid=False,
        ),
        yaxis=upright_axis("Upright after 6 s", [0, 50, 100], (-2, 104)),
        annotations=[
            note(
                said,
                chosen,
                at,
                on.trainable,
                anchor=f"{side} top",
                size=SMALL + 4,
                xshift=shift,
                yshift=-8,
            )
        ],
    )


def gains(directions: Mapping[str, NDArray[np.float64]], *, theme: Theme = "light") -> go.Figure:
    """Draw how the hands answer what is felt: one row of dots a feeling, gains (6,) scaled to length 1.

    ``directions`` are drawn by their names "bicycle", "motorcycle" and "reversed".
    """
    on = ground(theme)
    looks = {
        "bicycle": (FIRE, "circle", 22, "●"),
        "motorcycle": (on.ink, "circle-open", 22, "○"),
        "reversed": (WRONG, "diamond", 15, "◆"),
    }
    traces = []
    for name, direction in directions.items():
        colour, symbol, size, _ = looks[name]
        traces.append(
            points(
                direction.tolist(),
                list(range(len(FEELINGS))),
                colour,
                size=size,
                symbol=symbol,
                rim={"width": 3} if symbol.endswith("open") else None,
                name=name,
                customdata=list(FEELINGS),
                hover="%{fullData.name}, %{customdata}: <b>%{x:.2f}</b>",
                cliponaxis=False,
            )
        )
    signs = {
        name: f'<span style="color:{looks[name][0]};font-size:1.25em">{looks[name][3]}</span>'
        for name in looks
    }
    return figure(
        traces,
        theme,
        height=400,
        title=key() | {"text": "\u2003".join(f"{signs[name]} {name}" for name in directions)},
        margin={"t": 44, "r": 16},
        xaxis=axis(
            "Best answer of the hands (scaled)",
            range=[-0.85, 0.85],
            dtick=0.5,
            zeroline=True,
            zerolinewidth=2,
        ),
        yaxis=named_axis(FEELINGS, down=True, ink=on.ink, size=SMALL + 1, told="What is felt", showgrid=True),
    )


def doses(
    source_rides: Sequence[int], until_goal: Mapping[str, NDArray[np.float64]], *, theme: Theme = "light"
) -> go.Figure:
    """Draw the median updates to the goal (seeds, doses) against the rides on the source before, per source.

    A rider who never got there counts as never; a median that is never has no dot.
    """
    rides_before = [str(count) for count in source_rides]
    return figure(
        [_until_goal(arm, source_rides, values) for arm, values in until_goal.items()],
        theme,
        height=380,
        title=key(*((ARMS[arm].short, COLOURS[ARMS[arm].colour], "line") for arm in until_goal)),
        margin={"t": 48, "r": 16},
        xaxis=named_axis(rides_before, title="Rides on the source before", room=0.3),
        yaxis=axis("Motorcycle updates to 90 %", rangemode="tozero"),
    )


def _until_goal(arm: str, source_rides: Sequence[int], values: NDArray[np.float64]) -> dict[str, Any]:
    medians = [median(values[:, place]) for place in range(len(source_rides))]
    known = {place: middle for place, middle in enumerate(medians) if np.isfinite(middle.value)}
    # "Never" has no number: bars end at the chart's top.
    top = float(np.max(values[np.isfinite(values)], initial=1.0))
    ends = [
        Interval(value=middle.value, low=middle.low, high=min(middle.high, top)) for middle in known.values()
    ]
    colour = COLOURS[ARMS[arm].colour]
    return line(
        list(known),
        [middle.value for middle in known.values()],
        colour,
        width=4,
        dots=11,
        name=ARMS[arm].title,
        meta={"intervals": False, "also": [None, "Low", "High"]},
        customdata=[[source_rides[place], middle.low, middle.high] for place, middle in known.items()],
        hover="%{fullData.name}, %{customdata[0]} rides: <b>%{y:.0f}</b> updates "
        "[%{customdata[1]:.0f}, %{customdata[2]:.0f}]",
        cliponaxis=False,
    ) | whisker(ends, faded(colour, 0.6))


def stability(machines: Sequence[Machine], *, fastest: float = 14.0, theme: Theme = "light") -> go.Figure:
    """Draw how fast each machine, left alone, falls: its largest growth rate (1/s) against speed (m/s)."""
    on = ground(theme)
    speeds = np.linspace(1, fastest, 105).tolist()
    looks: list[tuple[str, str, KeySign]] = [
        (FIRE, "solid", "line"),
        (on.ink, "solid", "line"),
        (GREY, "dot", "dots"),
        (DATA, "solid", "line"),
    ]
    hover = "%{fullData.name} at %{x:.1f} m/s: <b>%{y:.2f}</b> per second"
    traces, entries = [], []
    for machine, (colour, dash, sign) in zip(machines, looks, strict=False):
        rates = [float(dynamics.eigenvalues(machine, speed)[0].real) for speed in speeds]
        traces.append(line(speeds, rates, colour, width=4, dash=dash, name=machine.title, hover=hover))
        entries.append((machine.title, colour, sign))
    title, lines = folded_key(*entries)
    low, high = rides.SPEEDS[0], rides.SPEEDS[-1]
    return figure(
        traces,
        theme,
        height=400,
        title=title,
        margin={"t": 24 + 21 * lines, "r": 16},
        xaxis=axis("Speed (m/s)", range=[1, fastest], showgrid=False),
        yaxis=axis(
            "Growth of a wobble (1/s)",
            range=[-2.6, 4.6],
            zeroline=True,
            zerolinewidth=2,
            zerolinecolor=on.muted,
        ),
        shapes=[box(faded(GREY, 0.22), x=(low, high))],
        annotations=[
            note("practised here", high, 1, on.muted, anchor="left top", yref="paper", xshift=4),
            note(
                "below zero it balances by itself", fastest, 0, on.muted, anchor="right bottom", yref="paper"
            ),
        ],
    )

"""The visitor's own learning curve: each ride beside nobody's, how hard it was, and what machine changes did."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import plotly.graph_objects as go

from core.figures.axes import AxisLayout, axis
from core.figures.marks import GUIDE, bars, line, note, points, rule
from core.figures.riding_looks import READABLE
from core.figures.table import SAID
from core.figures.template import DATA, FIRE, GREY, SIZE, SMALL, WRONG, Theme, faded, figure, ground, key
from core.riding.own_rides import Carried, OwnRide, signed, so_far

_FLOOR = 0.24  # of the height: the strip that shows the difficulty


def own_rides(
    rides: Sequence[OwnRide],
    ahead: Sequence[OwnRide],
    carried: Sequence[Carried],
    titles: Mapping[str, str],
    *,
    whole: float,
    theme: Theme = "light",
) -> go.Figure:
    """Draw ``rides``, and room for those ``ahead``, machine by machine; ``carried`` name what was carried over.

    Fire orange: the visitor. Grey: the same ride with nobody steering; a stem leads from it to the visitor's, orange
    where that is longer, violet where it is shorter. In the strip below: how much of the toppling the hand leaves to
    the rider. ``titles`` names the machines from left to right, ``whole`` is the longest ride in seconds.
    """
    on = ground(theme)
    ridden = {name: [ride for ride in rides if ride.machine == name] for name in titles}
    slots = {name: [*ridden[name], *(ride for ride in ahead if ride.machine == name)] for name in titles}
    everything = [ride for of_machine in slots.values() for ride in of_machine]
    begins = dict(zip(titles, accumulate(map(len, slots.values()), initial=1), strict=False))
    middles = {name: begins[name] + (len(slots[name]) - 1) / 2 for name in titles}
    traces = [*_stems(begins, ridden), *_nobody_and_difficulty(slots, ridden, titles)]
    traces += [
        _visitor(titles[name], begins[name], of_machine) for name, of_machine in ridden.items() if of_machine
    ]
    notes = [_title(title, middles[name], on.ink) for name, title in titles.items()]
    notes += [
        _difference(change, middles[change.machine], whole=whole, theme=theme)
        for change in carried
        if change.kind in ("jump-start", "negative transfer")
    ]
    # A line divides one machine from the next.
    dotted: dict[str, Any] = {"width": 1.5, "dash": "dot", "layer": "below"}
    borders = [rule(on.muted, x=begin - 0.5, **dotted) for begin in begins.values() if begin > 1]
    return figure(
        traces,
        theme,
        says=so_far(rides),
        height=420,
        margin={"l": 58, "r": 12, "t": 64, "b": 44},
        title=key(("You", FIRE, "line"), ("Nobody steering", GREY, "bar"), ("How hard it is", DATA, "bar")),
        uirevision="own rides",
        shapes=borders,
        annotations=notes,
        **_axes(everything, whole),
    )


def _axes(rides: Sequence[OwnRide], whole: float) -> dict[str, AxisLayout]:
    """Lay out rides, seconds, and the strip of the difficulty below them."""
    axes = {
        "xaxis": axis(
            "Ride on this machine",
            range=[0.4, len(rides) + 0.6],
            tickvals=list(range(1, len(rides) + 1)),
            ticktext=[str(ride.number + 1) for ride in rides],
            showgrid=False,
            anchor="y2",
        ),
        "yaxis": axis("Seconds upright", domain=[_FLOOR, 1], range=[0, whole * 1.04], dtick=2),
        "yaxis2": axis(
            {"text": "Hard (%)", "font": {"size": SMALL}},
            domain=[0, _FLOOR - 0.06],
            range=[0, 105],
            tickvals=[0, 100],
            showgrid=False,
        ),
    }
    return {name: made | {"automargin": False} for name, made in axes.items()}


def _stems(begins: Mapping[str, int], ridden: Mapping[str, Sequence[OwnRide]]) -> list[dict[str, Any]]:
    """Lead from nobody's ride to the visitor's: two lines, of the rides that were longer and of those that were not."""
    stems = []
    for colour, longer in ((FIRE, True), (WRONG, False)):
        x: list[float | None] = []
        y: list[float | None] = []
        for name, of_machine in ridden.items():
            for place, ride in enumerate(of_machine):
                if ride.steered and (ride.gain >= 0) == longer:
                    x += [begins[name] + place] * 2 + [None]
                    y += [ride.nobody, ride.seconds, None]
        stems.append(line(x, y, faded(colour, 0.55), width=5, name="beyond nobody", meta=GUIDE))
    return stems


def _nobody_and_difficulty(
    slots: Mapping[str, Sequence[OwnRide]],
    ridden: Mapping[str, Sequence[OwnRide]],
    titles: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Draw every ride with nobody steering, and in the strip below how hard it is; pale: still ahead."""
    rides = [ride for of_machine in slots.values() for ride in of_machine]
    places = list(range(1, len(rides) + 1))
    machines = [[titles[name]] for name, of_machine in slots.items() for _ in of_machine]
    done = [place < len(ridden[name]) for name in slots for place in range(len(slots[name]))]
    nobody = points(
        places,
        [ride.nobody for ride in rides],
        faded(GREY, 0.9),
        size=10,
        symbol="line-ew",
        rim={"width": 3, "color": GREY},
        name="Nobody steering",
        meta={"also": ["Machine"]},
        customdata=machines,
        hover="nobody steering: %{y:.1f} s",
    )
    difficulty = bars(
        places,
        [100 * ride.difficulty for ride in rides],
        [DATA if is_done else faded(DATA, 0.35) for is_done in done],
        rim={"width": 0},
        name="How hard it is",
        meta={"series": "", "also": ["Machine"]},
        customdata=machines,
        yaxis="y2",
        width=0.62,
        hover="%{y:.0f} % of the toppling is left to you; the hand holds the rest",
    )
    return [nobody, difficulty]


def _visitor(title: str, begin: int, rides: Sequence[OwnRide]) -> dict[str, Any]:
    """Draw the visitor's rides on one machine; a star is a ride to the end."""
    curve = line(
        [begin + place for place in range(len(rides))],
        [ride.seconds for ride in rides],
        FIRE,
        width=3.5,
        dots=10,
        name=title,
        meta={"series": "You", "also": [None, "How it ended", "Machine"]},
        cliponaxis=False,
        customdata=[[ride.number + 1, _ended(ride), title] for ride in rides],
        hover=title + ", ride %{customdata[0]}: %{y:.1f} s, %{customdata[1]}",
    )
    curve["marker"] |= {
        "size": [10 if ride.fell else 17 for ride in rides],
        "symbol": [("circle" if ride.fell else "star") + ("" if ride.steered else "-open") for ride in rides],
        "opacity": 1,
    }
    return curve


def _ended(ride: OwnRide) -> str:
    end = "fell" if ride.fell else "the whole ride"
    return end if ride.steered else f"{end}, not steered"


def _title(title: str, middle: float, ink: str) -> dict[str, Any]:
    """Name a machine above its stretch."""
    return note(f"<b>{title.replace(' ', '<br>')}</b>", middle, 1.0, ink, anchor="bottom", yref="paper")


def _difference(change: Carried, middle: float, *, whole: float, theme: Theme) -> dict[str, Any]:
    """Name what was carried over, where this machine's rides leave room."""
    on, up = ground(theme), change.difference > 0
    return note(
        f"<b>{'jump-start' if up else 'negative<br>transfer'}<br>{signed(change.difference)} s</b>",
        middle,
        0.1 if up else whole,
        on.trainable if up else READABLE[theme]["misled"],
        size=SIZE - 1,
        anchor="bottom" if up else "top",
        name=SAID,
        bgcolor=faded(on.paper, 0.75),
    )

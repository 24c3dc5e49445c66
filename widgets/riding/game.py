"""The game: a machine in the browser that a visitor balances; every ride comes back and is integrated again here."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core import errors
from core.riding import visitor
from widgets import frame

_BROWSER = Path(__file__).resolve().parent / "browser"
# One module for the browser: its parts, in the order in which they build on each other.
_PARTS = ("integrate", "camera", "bodies", "scenery", "views", "game")
CONDITIONS = 12  # rides on a machine that the browser gets to know


def _read(name: str) -> str:
    return (_BROWSER / name).read_text(encoding="utf-8")


_game = st.components.v2.component(
    "riding_game",
    html=_read("game.html"),
    css=_read("game.css"),
    js="\n".join(_read(f"{part}.js") for part in _PARTS),
)


@cache
def _rules() -> dict[str, Any]:
    return {
        "rule": visitor.to_json(),
        "rides": [visitor.ride_to_json(number) for number in range(CONDITIONS)],
        "nobody": {
            name: [visitor.nobody(name, number) for number in range(CONDITIONS)] for name in visitor.MOUNTS
        },
    }


def checked(sent: object) -> tuple[str, int, visitor.Ride]:
    """Read what the browser sent: machine, number of the ride, and the ride integrated again from its inputs.

    Raises `SettingsError` for what no ride of this game can have sent.
    """
    wrong = errors.SettingsError("This ride could not be read; please ride once more.")
    if not isinstance(sent, Mapping) or not isinstance(sent.get("inputs"), Sequence):
        raise wrong
    inputs: list[int] = []
    for run in sent["inputs"]:
        match run:
            case [int(level), int(steps)] if 0 < steps <= visitor.STEPS - len(inputs):
                inputs += [level] * steps
            case _:
                raise wrong
    number = sent.get("ride")
    if (
        not isinstance(number, int)
        or not 0 <= number < CONDITIONS
        or sent.get("machine") not in visitor.MOUNTS
    ):
        raise wrong
    ride = visitor.replay(sent["machine"], number, inputs)
    if not ride.fell and len(inputs) < visitor.STEPS:
        raise wrong  # let go on the way
    return sent["machine"], number, ride


def game(
    *,
    key: str,
    visit: int,
    ridden: Mapping[str, Sequence[float]],
    on_ride: Callable[[str, int, visitor.Ride], None],
) -> None:
    """Draw the game. ``ridden`` are the seconds so far by machine; another ``visit`` starts it over.

    ``on_ride`` gets every finished ride, as Python integrated it, before the page runs again.
    """

    def came() -> None:
        sent = st.session_state[key].ride
        if not isinstance(sent, Mapping) or sent.get("visit") != visit:
            return
        with frame.shown_errors():
            on_ride(*checked(sent))

    _game(
        key=key,
        data={
            **_rules(),
            "ridden": {name: list(seconds) for name, seconds in ridden.items()},
            "visit": visit,
            "dark": frame.theme() == "dark",
        },
        on_ride_change=came,
    )

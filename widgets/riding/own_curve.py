"""The game, and under it the visitor's own learning curve: measured here, kept for this visit only."""

import streamlit as st

from core.figures.own_rides import own_rides as curve
from core.riding import own_rides, visitor
from core.riding.own_rides import OwnRide
from widgets import frame
from widgets.chart import chart
from widgets.riding import game

_RIDES, _VISIT = "riding_rides", "riding_visit"


@st.fragment
def draw() -> None:
    """Draw both; a ride runs only this part of the page again."""
    rides: list[OwnRide] = st.session_state.setdefault(_RIDES, [])
    ridden: dict[str, list[float]] = {}
    for one in rides:
        ridden.setdefault(one.machine, []).append(one.seconds)
    game.game(key="riding_game", visit=st.session_state.setdefault(_VISIT, 0), ridden=ridden, on_ride=_came)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.header("Your own learning curve", anchor=False)
        if rides:
            st.button("Start over", icon=":material/restart_alt:", key="riding_again", on_click=_start_over)
    carried = [found for name in visitor.MOUNTS if (found := own_rides.carried(rides, name)) is not None]
    said = [
        own_rides.progress(rides),
        *(own_rides.sentence(one) for one in carried),
        *(own_rides.ride_by_ride(rides, one.machine) for one in carried),
    ]
    st.markdown("\n".join(f"- {one}" for one in said if one) or frame.prose("riding_curve"))
    drawn = curve(
        rides,
        own_rides.planned(rides),
        carried,
        {name: one.title for name, one in visitor.MOUNTS.items()},
        whole=visitor.SECONDS,
        theme=frame.theme(),
    )
    chart(drawn, key="riding_curve")
    if carried:
        st.markdown(own_rides.compared(carried))
        st.caption(frame.prose("riding_compared"))
    st.caption(frame.prose("riding_rules"))


def _came(machine: str, number: int, ride: visitor.Ride) -> None:
    rides: list[OwnRide] = st.session_state.setdefault(_RIDES, [])
    if number == sum(one.machine == machine for one in rides):
        rides.append(
            OwnRide(
                machine=machine, number=number, seconds=ride.seconds, fell=ride.fell, steered=ride.steered
            )
        )


def _start_over() -> None:
    st.session_state[_RIDES] = []
    st.session_state[_VISIT] += 1

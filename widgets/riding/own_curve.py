"""The game, and under it the visitor's own learning curve."""

import streamlit as st

from core.riding import visitor
from widgets.riding import game

def _came(machine: str, number: int, ride: visitor.Ride) -> None:
    st.session_state.riding_rides = [*st.session_state.riding_rides, (machine, number, ride.seconds)]

@st.fragment
def draw() -> None:
    rides = st.session_state.setdefault("riding_rides", [])
    ridden = {}
    for m, _, s in rides:
        ridden.setdefault(m, []).append(s)
    game.game(key="riding_game", visit=0, ridden=ridden, on_ride=_came)
    st.write(rides)

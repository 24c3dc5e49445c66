"""The teacher's page: what the class is doing, what the machine can still bear, and a hand on both."""

import streamlit as st

from widgets import frame
from widgets.teacher import limits, machine, queue, sign_in

REFRESH_SECONDS = 3.0


@st.fragment(run_every=REFRESH_SECONDS)
def _now() -> None:
    if not sign_in.signed_in():  # signed out a moment ago
        st.rerun()
    st.header("The class", anchor=False)
    with frame.shown_errors():
        queue.draw()
    st.header("The machine", anchor=False)
    with frame.shown_errors():
        machine.draw()


with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Teacher", anchor=False)
    if sign_in.signed_in():
        sign_in.out()

if not sign_in.signed_in():
    st.markdown(
        "For whoever looks after the class. With the secret you see the queue and the machine, and you can pause "
        "the queue, stop a run and set limits."
    )
    sign_in.draw()
else:
    st.markdown(frame.prose("teacher"))
    _now()
    st.header("Limits", anchor=False)
    limits.draw()

"""The way in to the teacher's page: one secret, kept for this session alone."""

from dataclasses import dataclass

import streamlit as st

from core.runs.teacher import RefusedError, door, secret
from widgets import frame

_PASS = "teachers_pass"


@dataclass(frozen=True, kw_only=True)
class _Pass:
    """What a session holds that has shown the secret; an object that no browser can send.

    It is for one browser: whoever knows a session's id can take the session over with another one. ``given`` is
    what the door gave; it holds until somebody signs out.
    """

    visitor: str
    given: int


def signed_in() -> bool:
    """Whether this session may look after the class; sessions end with the server, and with them every pass."""
    held = st.session_state.get(_PASS)
    return isinstance(held, _Pass) and held.visitor == frame.visitor() and door.valid(held.given)


def draw() -> None:
    """Ask for the secret; what is typed is never kept."""
    with frame.shown_errors():
        secret()  # without one there is nothing to ask for: this says what the operator does
        with st.form("teacher_sign_in", clear_on_submit=True, width=420):
            offered = st.text_input("Secret", type="password", key="teacher_secret", autocomplete="off")
            if st.form_submit_button("Sign in", type="primary", icon=":material/key:", key="teacher_enter"):
                _enter(offered)


def out() -> None:
    """Draw the button that ends everybody's right: a tab that was forgotten elsewhere closes, too."""
    if st.button(
        "Sign out",
        icon=":material/logout:",
        key="teacher_out",
        type="tertiary",
        help="Here, in your other tabs, and wherever else the secret was entered.",
    ):
        door.close()
        st.rerun()


def _enter(offered: str) -> None:
    try:
        with st.spinner("One moment …"):  # wrong tries make it several
            given = door.enter(offered, visitor=frame.visitor(), address=st.context.ip_address)
    except RefusedError as refused:
        st.error(str(refused), icon=":material/lock:")
        return
    st.session_state[_PASS] = _Pass(visitor=frame.visitor(), given=given)
    st.rerun()

"""A run while it goes, whatever its kind: its badge, how far it is, stop and go on; drawn again and again."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.runs import service
from core.runs.store.runs import RunRecord
from widgets import frame
from widgets.runs.follow import follow
from widgets.runs.polling import poll_seconds
from widgets.runs.state import STATES, in_queue, why_it_ended
from widgets.runs.visible import VisibleRun, still_visible, visible_run

Draw = Callable[[VisibleRun, Any], None]  # what a kind shows, of its own `Shown`
Doing = Callable[[RunRecord, Any], str]  # where a run in work is


def live(address: str, *, doing: Doing, draw: Draw) -> None:
    """Draw a run's status and what it shows, again and again; the page itself runs again when it has ended."""
    poll = poll_seconds(visible_run(address).record)
    st.fragment(_look, run_every=poll)(address, poll, doing, draw)


def _look(address: str, poll: float | None, doing: Doing, draw: Draw) -> None:
    with frame.shown_errors():
        seen = still_visible(address)
        if poll_seconds(seen.record) != poll:
            st.rerun()
        shown = follow(seen.record)
        with st.container(horizontal=True, vertical_alignment="center", key="run_status"):
            if seen.mine:
                stop_or_go_on(seen.record)
            status(seen.record, shown.done, doing(seen.record, shown))
        draw(seen, shown)


def status(record: RunRecord, done: float, doing: str) -> None:
    """Say what state a run is in, how far it is, and why it ended where that needs a word."""
    if record.error:
        why_it_ended(record)
    if record.state == "queued":
        st.progress(0.0, text=f"{badge(record)} {in_queue(record)}")
    elif record.active:
        st.progress(done, text=f"{badge(record)} {doing}")
    elif record.state != "finished":  # a finished run shows its result instead
        st.markdown(badge(record))


def badge(record: RunRecord) -> str:
    """Write a run's state as a badge."""
    word, colour = STATES[record.state]
    return f":{colour}-badge[{word}]"


def stop_or_go_on(record: RunRecord) -> None:
    """Draw the owner's button for a run that is not finished."""
    visitor = frame.visitor()
    if record.state in ("queued", "running") and st.button("Stop", icon=":material/stop_circle:", key="stop"):
        service.stop(record.id, visitor=visitor)
        st.rerun()
    if record.state in ("stopped", "failed") and st.button(
        "Go on", icon=":material/play_arrow:", key="resume", type="primary"
    ):
        service.resume(record.id, visitor=visitor)
        st.rerun()

"""One run from its link, whatever its kind: its heading, then what its kind draws."""

import streamlit as st

from widgets import frame
from widgets.runs import delete, rename, share
from widgets.runs.kinds import VIEWS
from widgets.runs.visible import VisibleRun, guest_line, visible_run


def draw(address: str) -> None:
    """Draw the run; a link to one that does not exist, or that is not shared with the visitor, says so."""
    with frame.shown_errors():
        seen = visible_run(address)
        view = VIEWS[seen.record.spec.kind]
        _heading(seen, view.guests_see)
        view.draw(seen)


def _heading(seen: VisibleRun, guests_see: str) -> None:
    with st.container(key="back"):
        st.page_link(frame.page("runs"), label="All runs", icon=":material/arrow_back:")
    with st.container(horizontal=True, vertical_alignment="center", key="run_heading"):
        st.title(frame.plain(seen.record.title), anchor=False)
        share.draw(seen, guests_see)
        if seen.mine:
            rename.draw(seen.record)
            if not seen.record.active:
                delete.draw([seen.record], "Delete", "What it has learned and measured is gone for good.")
    guest_line(seen)

"""One run from its link, whatever its kind: its heading, then what its kind draws."""

import streamlit as st

from core.errors import RunError
from widgets import frame
from widgets.runs import delete, rename, share
from widgets.runs.kinds import VIEWS
from widgets.runs.visible import VisibleRun, guest_line, visible_run


def draw(address: str) -> None:
    """Draw the run; a link to one that does not exist, or that is not shared with the visitor, says so."""
    try:
        seen = visible_run(address)
    except RunError as error:
        _nothing_here(error)
        return
    with frame.shown_errors():
        view = VIEWS[seen.record.spec.kind]
        _heading(seen, view.guests_see)
        view.draw(seen)


def _nothing_here(error: RunError) -> None:
    """Say why a link opens nothing, and where to go instead."""
    st.title("No run here", anchor=False)
    frame.show(error)
    st.markdown(
        "A run that is not shared opens in one browser only, the one that started it. Ask whoever sent you the link to "
        "share the run, or start one of your own."
    )
    with st.container(horizontal=True, key="no_run"):
        st.button("All runs", icon=":material/arrow_back:", key="no_run_list", on_click=st.query_params.clear)
        if st.button("Start a run of your own", icon=":material/local_fire_department:", key="no_run_start"):
            st.switch_page(frame.page("finetune"))


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

"""The button that calls a run otherwise."""

import streamlit as st

from core.runs import service
from core.runs.store.runs import RunRecord
from widgets import frame


def draw(record: RunRecord) -> None:
    """Offer the owner another name for a run."""
    with st.popover("Rename", type="tertiary", icon=":material/edit:", key="rename_ask"):
        title = st.text_input(
            "Name", record.title, max_chars=service.LONGEST_TITLE, key=f"rename_{record.id}"
        )
        if st.button("Rename", key="rename", type="primary"):
            with frame.shown_errors():  # here, where the person looks
                service.rename(record.id, title, visitor=frame.visitor())
                st.rerun()

"""The button that deletes runs for good, after a second thought."""

from collections.abc import Sequence

import streamlit as st

from core.runs import service
from core.runs.store.runs import RunRecord
from widgets import frame


def draw(records: Sequence[RunRecord], label: str, lost: str) -> None:
    """Offer to delete runs of this visitor's; ``lost`` says in a sentence what goes with them."""
    with st.popover(label, type="tertiary", icon=":material/delete:", key="delete_ask"):
        st.markdown(lost)
        if st.button("Delete", key="delete"):
            with frame.shown_errors():  # here, where the person looks
                # Controls first: a run takes its own along.
                for record in sorted(records, key=lambda one: one.control_of is None):
                    service.delete(record.id, visitor=frame.visitor())
                st.query_params.clear()  # it may name one of them
                st.rerun()

"""What visitors and runs may use up, as the teacher wants it."""

import streamlit as st

from core.runs import service
from core.runs.limits import Limits
from core.settings import described
from widgets import frame

_SAVED = "teacher_limits_saved"


def draw() -> None:
    """Draw one number for every limit; a wrong one is told in one sentence, and then nothing is changed."""
    with frame.shown_errors():
        now = service.limits()
        with st.form("teacher_limits", border=True):
            values = {}
            with st.grid(3, min_column_width=260):
                for field in described(Limits).values():
                    # No bounds on the widget: what is out of range gets a sentence, not a silent correction.
                    values[field.name] = st.number_input(
                        field.title,
                        value=getattr(now, field.name),
                        step=1,
                        key=f"limit_{field.name}",
                        help=f"From {field.low:,} to {field.high:,}. {field.help}".rstrip(),
                    )
            if st.form_submit_button("Set the limits", type="primary", key="teacher_set"):
                service.set_limits(Limits(**{name: int(value) for name, value in values.items()}))
                st.session_state[_SAVED] = True
                st.rerun()
        if st.session_state.pop(_SAVED, False):
            st.success("They hold from now on, for runs in work, too.", icon=":material/check:")

"""See what a network sees: a picture, a network, a place in it, and seven ways to look."""

import importlib

import streamlit as st

from widgets import address, frame
from widgets.layers import selection

# (name in the address, label, what it answers); each is drawn by the module of that name in widgets/layers.
VIEWS = (
    ("contrast", "Early and late"),
    ("filters", "First filters"),
    ("channels", "Channels"),
    ("attribution", "Where does it look?"),
    ("specificity", "General to specific"),
    ("training", "Before and after"),
    ("atlas", "Atlas"),
)

st.title("What a network sees", anchor=False)
st.markdown(frame.prose("layers"))

chosen = selection.choose()
labels = dict(VIEWS)
view = address.choose(
    st.segmented_control,
    "View",
    list(labels),
    name="view",
    default="contrast",
    forget=address.PLACES,
    format_func=labels.__getitem__,
    required=True,
    label_visibility="collapsed",
)

if chosen is not None:
    # Not a fragment, although that would draw less: clicks in one do not interrupt what is being computed.
    with frame.fresh("layers", view), frame.shown_errors():
        importlib.import_module(f"widgets.layers.{view}").draw(chosen)

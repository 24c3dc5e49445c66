"""From bicycle to motorcycle: ride them, let a machine learn both, watch, see why, and find it again in pictures."""

import importlib
from importlib.util import find_spec

import streamlit as st

from widgets import frame
from widgets.layers import address

# (name in the address, label, modules of widgets/riding that draw it, one below the other)
PARTS = (
    ("ride", "1 · Ride it yourself", ("own_curve",)),
    ("learn", "2 · Let the machine learn it", ("practice", "named")),
    ("watch", "3 · Watch", ("watch",)),
    ("why", "4 · Why it works", ("why",)),
    ("pictures", "5 · The same with pictures", ("bridge",)),
)

st.title("From bicycle to motorcycle", anchor=False)
st.markdown(frame.prose("riding"))

views = {
    name: (label, there)
    for name, label, modules in PARTS
    if (there := [module for module in modules if find_spec(f"widgets.riding.{module}")])
}
names = list(views)
part = address.choose(
    st.segmented_control,
    "Part",
    names,
    name="part",
    default="ride",
    format_func=lambda name: views[name][0],
    required=True,
    label_visibility="collapsed",
)
with frame.shown_errors():
    for module in views[part][1]:
        importlib.import_module(f"widgets.riding.{module}").draw()

place = names.index(part) + 1
if place < len(names):
    following, (label, _) = names[place], views[names[place]]
    with st.container(horizontal=True, horizontal_alignment="right", key="riding_next"):
        st.button(
            f"Next: {label.split(' · ')[1]}",
            icon=":material/arrow_forward:",
            icon_position="right",
            key=f"riding_to_{following}",
            on_click=address.write,
            kwargs={"part": following},
        )

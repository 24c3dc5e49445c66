"""From bicycle to motorcycle: ride them, let a machine learn both, watch, see why, and find it again in pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from widgets import address, data_picker, frame
from widgets.riding import bridge, own_curve, practice, remarks, watch, why


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the page."""

    label: str
    draw: tuple[Callable[[], None], ...]  # one below the other


PARTS = {
    "ride": Part(label="Ride it yourself", draw=(own_curve.draw,)),
    "learn": Part(label="Let the machine learn it", draw=(practice.draw, remarks.draw)),
    "watch": Part(label="Watch", draw=(watch.draw,)),
    "why": Part(label="Why it works", draw=(why.draw,)),
    "pictures": Part(label="The same with pictures", draw=(bridge.draw,)),
}
names = list(PARTS)

st.title("From bicycle to motorcycle", anchor=False)
above = st.container()
part = address.choose(
    st.segmented_control,
    "Part",
    names,
    name="part",
    default="ride",
    format_func=lambda name: f"{names.index(name) + 1} · {PARTS[name].label}",
    required=True,
    label_visibility="collapsed",
)
if part == "ride":
    above.markdown(frame.prose("riding"))
with frame.fresh("riding", part), frame.shown_errors():
    for draw in PARTS[part].draw:
        draw()

place = names.index(part) + 1
with st.container(horizontal=True, horizontal_alignment="right", key="riding_next"):
    if place < len(names):
        following = names[place]
        st.button(
            f"Next: {PARTS[following].label}",
            icon=":material/arrow_forward:",
            icon_position="right",
            key=f"riding_to_{following}",
            on_click=address.write,
            kwargs={"part": following},
        )
    elif st.button(
        "Now with pictures of your own",
        type="primary",
        icon=":material/arrow_forward:",
        icon_position="right",
        key="riding_to_finetune",
    ):
        st.session_state["data_source"] = data_picker.OWN
        st.switch_page(frame.page("finetune"))

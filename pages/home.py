"""The front page: what the lab is, a toy to touch, and the one button."""

import streamlit as st

from core.backbones import catalogue
from widgets import frame, network
from widgets.stage_strip.strip import stage_strip

STEPS = (
    ("Choose pictures", "Built-in photographs and scans, or a ZIP of your own."),
    ("Choose what stays frozen", "Early stages see edges and textures; late ones see objects."),
    ("Watch, then measure", "Live curves, and the same network from scratch beside it."),
)


def _set_depth(depth: int) -> None:
    st.session_state["home_depth"] = depth


entry = catalogue.entry(catalogue.DEFAULT)
depth = st.session_state.setdefault("home_depth", 3)

with st.container(key="overline"):
    st.caption(frame.NAME)
st.title("See what a network inherits", anchor=False)
st.markdown(frame.prose("home"))

with st.container(horizontal=True, vertical_alignment="center", key="first_steps"):
    if st.button(
        "Fine-tune your first network", type="primary", icon=":material/play_arrow:", key="first_button"
    ):
        st.switch_page(frame.page("finetune"))
    if st.button("Feel it on two wheels", icon=":material/two_wheeler:", key="ride_button"):
        st.switch_page(frame.page("riding"))
    if st.button("See what it sees", icon=":material/layers:", key="second_button"):
        st.switch_page(frame.page("layers"))

stages, head = network.blocks(entry, classes=4)
with st.container(border=True, key="home_strip"):
    st.markdown(
        "**This is the network.** A picture enters at the stem. :blue[**Ice**] keeps what was learned before, "
        ":orange[**fire**] learns your task. Move the boundary."
    )
    stage_strip(key="home_stages", stages=stages, head=head, depth=depth, on_change=_set_depth)

for number, (column, (title, text)) in enumerate(zip(st.columns(3), STEPS, strict=True), start=1):
    column.markdown(f"**{number} · {title}**  \n{text}")

"""The whole field in one room: a map of the methods, and each of them as an experiment."""

import streamlit as st

from core.techniques import catalogue
from widgets import address, frame
from widgets.techniques import experiment, field_map

name = address.read("technique", list(catalogue.techniques()), "", "technique")
with frame.fresh("techniques", name):
    if name:
        experiment.draw(catalogue.technique(name))
    else:
        st.title("Every method, running", anchor=False)
        st.markdown(frame.prose("techniques"))
        field_map.draw()

"""Ride a bicycle, then a motorcycle; then watch a machine learn both, and see why it works."""

import streamlit as st

from widgets import frame
from widgets.riding import own_curve

st.title("Ride it yourself", anchor=False)
st.markdown(frame.prose("riding"))
own_curve.draw()

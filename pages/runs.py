"""This visitor's runs; with ?run=ID in the address, that one run."""

import streamlit as st

from widgets.runs import overview, view

run = st.query_params.get("run")
if run:
    view.draw(run)
else:
    overview.draw()

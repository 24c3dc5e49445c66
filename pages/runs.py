"""This visitor's runs; with ?run=ID in the address, that one run."""

import streamlit as st

from widgets import run_list, run_view

run = st.query_params.get("run")
if run:
    run_view.draw(run)
else:
    run_list.draw()

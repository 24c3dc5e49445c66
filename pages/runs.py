"""This visitor's runs; with ?run=ID in the address, that one run."""

import streamlit as st

from widgets.runs import overview, view

run = st.query_params.get("run")
# A link of this page to this page does not reach the browser's address by itself: the next click would go astray.
if run:
    st.query_params["run"] = run
    view.draw(run)
else:
    st.query_params.clear()
    overview.draw()

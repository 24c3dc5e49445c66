"""One run, with ?run=ID in the address.

A page of its own, since Streamlit keeps the address of the page that one is on: from here the menu's *Runs* leads to
the list, which it could not do if the list and a run were one page.
"""

import streamlit as st

from widgets.runs import overview, view

run = st.query_params.get("run")
if run:
    view.draw(run)
else:  # it has just been deleted
    overview.draw()

"""This visitor's runs; a link to one, from before runs had a page of their own, leads there."""

import streamlit as st

from widgets import frame
from widgets.runs import overview

if "run" in st.query_params:
    st.switch_page(frame.page("run"), query_params=st.query_params.to_dict())
overview.draw()

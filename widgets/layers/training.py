"""Placeholder of the view "training", replaced before the page is linked."""

import streamlit as st

from widgets.layers.look import Look


def draw(look: Look) -> None:
    """Draw the view."""
    st.image(look.large)

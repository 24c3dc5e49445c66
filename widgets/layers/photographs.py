"""What excites each channel among the sample photographs: one pass a network, kept for all visitors."""

from typing import TYPE_CHECKING

import streamlit as st

from widgets.layers.look import Look
from widgets.turns import short_turn

if TYPE_CHECKING:
    from core.interpretation.exemplars import Exemplars


def exemplars_of(look: Look) -> "dict[str, Exemplars]":
    """Look through the sample photographs with the network, the first time it is asked for."""
    return _exemplars(look.specimen.key, look)


@st.cache_resource(max_entries=8, show_spinner="Showing it the sample photographs …")
def _exemplars(specimen_key: str, _look: Look) -> "dict[str, Exemplars]":
    from core.interpretation.exemplars import exemplars

    with short_turn():
        return exemplars(_look.specimen)

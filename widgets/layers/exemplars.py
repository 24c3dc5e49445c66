"""What excites each channel among the sample photographs: one pass a network, kept for all visitors."""

from typing import TYPE_CHECKING

import streamlit as st

from widgets import specimens
from widgets.specimens import NetworkKey
from widgets.turns import short_turn

if TYPE_CHECKING:
    from core.interpretation.exemplars import Exemplars


@st.cache_resource(max_entries=8, show_spinner="Showing it the sample photographs …")
def exemplars_of(network: NetworkKey) -> "dict[str, Exemplars]":
    """Look through the sample photographs with the network, the first time it is asked for."""
    from core.interpretation.exemplars import exemplars

    with short_turn(), specimens.quick():
        return exemplars(specimens.load(network))

"""The network that is to learn the task."""

import streamlit as st

from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry
from widgets import address


def choose() -> BackboneEntry:
    """Draw the choice of the network."""
    name = address.choose(
        st.selectbox,
        "Pretrained network",
        list(catalogue.offered()),
        name="network",
        default=catalogue.DEFAULT,
        format_func=lambda name: catalogue.entry(name).title,
    )
    return catalogue.entry(name)

"""The network that is to learn the task."""

import streamlit as st

from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry
from widgets import address, network_picker


def choose() -> BackboneEntry:
    """Draw the choice of the network; a link may name any of timm's."""
    name = address.choose(
        st.selectbox,
        "Pretrained network",
        network_picker.names_and_linked(),
        name="network",
        default=catalogue.DEFAULT,
        format_func=lambda name: catalogue.entry(name).title,
    )
    return catalogue.entry(name)

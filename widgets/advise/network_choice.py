"""The network that is to learn the task."""

from contextlib import suppress

import streamlit as st

from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry
from core.errors import LabError
from widgets import address, network_picker


def choose() -> BackboneEntry:
    """Draw the choice of the network; a link may name any of timm's."""
    names, linked = network_picker.names(), st.query_params.get("network", "")
    if catalogue.is_timm(linked) and linked not in names:
        with suppress(LabError):  # then it is no choice, and the page says so
            catalogue.entry(linked)
            names.append(linked)
    name = address.choose(
        st.selectbox,
        "Pretrained network",
        names,
        name="network",
        default=catalogue.DEFAULT,
        format_func=lambda name: catalogue.entry(name).title,
    )
    return catalogue.entry(name)

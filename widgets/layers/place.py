"""A place in the network: which stage is looked at."""

import streamlit as st

from widgets.layers import address
from widgets.layers.look import Look


def choose_stage(look: Look, *, maps_only: bool = False) -> str:
    """Draw the stages to choose from; ``maps_only`` leaves out those whose output is one vector."""
    stages = [name for name in look.stages if not maps_only or look.specimen.has_positions(name)]
    return address.choose(
        st.segmented_control,
        "Stage",
        stages,
        name="stage",
        default=stages[0],
        forget=("channel",),
        required=True,
    )

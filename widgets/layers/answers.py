"""What a network answers to a picture: computed once, shared by all visitors who look at the same."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from widgets.layers.selection import BY_KEY, Selection
from widgets.turns import short_turn

if TYPE_CHECKING:
    from core.interpretation.attribution import Attribution

HEAVY = 8  # passes through the network from which on a method waits for a turn


@dataclass(frozen=True, kw_only=True)
class Question:
    """What speaks for class ``target``, by which method; ``stage`` for the methods that look at one."""

    method: str
    target: int
    stage: str | None


@st.cache_data(max_entries=128, show_spinner=False, hash_funcs=BY_KEY)
def maps(selection: Selection, stage: str) -> NDArray[np.float32]:
    """What every channel of a stage answers to the picture: (C, h, w)."""
    from core.interpretation import specimen

    answer: NDArray[np.float32] = specimen.activations(selection.specimen, selection.pixels, stage)[0]
    return answer


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs=BY_KEY)
def probabilities(selection: Selection) -> NDArray[np.float32]:
    """Class probabilities (classes,) of the picture."""
    from core.interpretation import specimen

    answer: NDArray[np.float32] = specimen.scores(selection.specimen, selection.pixels)[0]
    return answer


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs=BY_KEY)
def attribution(selection: Selection, question: Question) -> "Attribution":
    """Where the network looks for a class."""
    from core.interpretation.attribution import METHODS, attribute

    with short_turn() if METHODS[question.method].passes >= HEAVY else nullcontext():
        return attribute(
            selection.specimen,
            selection.pixels,
            method=question.method,
            target=question.target,
            stage=question.stage,
        )

"""Computed once, shown from then on: what takes long, kept for all visitors or for one visit."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import LabError
from widgets.turns import long_turn

Answer = TypeVar("Answer")


class ComputedOnce(Generic[Answer]):
    """A place for one answer that all visitors share; empty until somebody computes it.

    A function under `st.cache_resource` makes one for each question. Not the answer itself stands behind that cache:
    its progress could not be drawn from in there.
    """

    def __init__(self) -> None:
        self.answer: Answer | None = None

    def compute(
        self, work: Callable[[DeltaGenerator], Answer], *, waiting: str, begun: float = 0.0
    ) -> Answer:
        """Wait for a long turn, and do the work, which draws its progress on the bar that it gets.

        ``waiting`` stands there until then, at ``begun`` (0-1). Who waited while another visitor had the same
        computed finds it done.
        """
        bar = st.progress(begun, waiting)
        try:
            with long_turn():
                if self.answer is None:
                    self.answer = work(bar)
        finally:
            bar.empty()
        return self.answer


def keep(name: str, question: Hashable, answer: Any) -> None:
    """Keep an answer for this visit, in the place of the last one under this ``name``."""
    st.session_state[name] = (question, answer)


def kept(name: str, question: Hashable) -> Any:
    """Look up what was kept last under this ``name``; None where it answers another question."""
    last = st.session_state.get(name)
    return last[1] if last is not None and last[0] == question else None


def once_a_visit(
    name: str, question: Hashable, work: Callable[[], Answer], *, refusal: type[LabError]
) -> Answer:
    """Do the work when a question is new in this visit; its answer, or its ``refusal``, is the same at every rerun."""
    outcome: Answer | LabError | None = kept(name, question)
    if outcome is None:
        try:
            outcome = work()
        except refusal as error:
            outcome = error
        keep(name, question, outcome)
    if isinstance(outcome, LabError):
        raise outcome.with_traceback(None)
    return outcome

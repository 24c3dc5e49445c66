"""Computed once, shown from then on: what takes long, kept for all visitors or for one visit."""

from collections.abc import Callable, Hashable
from time import monotonic
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import LabError
from core.words import about
from widgets.turns import long_turn

Answer = TypeVar("Answer")
SOON = 3.0  # s, before which nobody needs to know how long it will take
FIRST_GUESS = 0.02  # share of the work after which the rest can be guessed


class WorkBar:
    """How far some work is, and about how long it will still take."""

    def __init__(self, place: DeltaGenerator, begun: float, text: str) -> None:
        self._bar = place.progress(begun, text)
        self._begun = begun
        self._since = monotonic()

    def begin(self) -> None:
        """Count the time from now on: the turn has come."""
        self._since = monotonic()

    def progress(self, share: float, text: str = "") -> None:
        """Show ``share`` (0-1) and what is done now; if the visitor clicked anything meanwhile, the work ends here."""
        self._bar.progress(share, f"{text}{self._left(share)}")

    def _left(self, share: float) -> str:
        spent, done = monotonic() - self._since, share - self._begun
        if spent < SOON or done < FIRST_GUESS:
            return ""
        return f" · {about(spent * (1 - share) / done)} left"


class ComputedOnce(Generic[Answer]):
    """A place for one answer that all visitors share; empty until somebody computes it.

    A function under `st.cache_resource` makes one for each question. Not the answer itself stands behind that cache:
    its progress could not be drawn from in there.
    """

    def __init__(self) -> None:
        self.answer: Answer | None = None

    def compute(
        self, work: Callable[[WorkBar], Answer], *, waiting: str, begun: float = 0.0, stop: str = ""
    ) -> Answer:
        """Wait for a long turn, and do the work, which draws its progress on the bar that it gets.

        ``waiting`` stands there until then, at ``begun`` (0-1). Who waited while another visitor had the same
        computed finds it done. ``stop`` is the key of a button that ends it, if there is to be one: the page runs
        again then, and `was_stopped`.
        """
        place = st.empty()
        with place.container(horizontal=True, vertical_alignment="center"):
            bar = WorkBar(st.container(), begun, waiting)
            if stop:
                st.session_state.pop(_stopped(stop), None)
                st.button("Stop this", icon=":material/stop:", key=stop, on_click=self._stop, args=(stop,))
        try:
            with long_turn(lambda ahead: bar.progress(begun, _waits(waiting, ahead))):
                bar.begin()
                if self.answer is None:
                    self.answer = work(bar)
        finally:
            place.empty()
        return self.answer

    def was_stopped(self, stop: str) -> bool:
        """Whether this visitor ended this work by the button ``stop``, and has not begun it again."""
        return st.session_state.get(_stopped(stop)) is self

    def _stop(self, stop: str) -> None:
        st.session_state[_stopped(stop)] = self


def _stopped(stop: str) -> str:
    return f"{stop}_stopped"


def _waits(waiting: str, ahead: int) -> str:
    return f"{waiting} {ahead} before yours." if ahead > 1 else waiting


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

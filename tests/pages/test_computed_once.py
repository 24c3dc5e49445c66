"""What takes long is computed once: for all who ask at the same time, and in one visit."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import DataError
from widgets import computed_once
from widgets.computed_once import ComputedOnce, WorkBar

VISITORS = 4


def test_those_who_ask_while_another_computes_get_that_answer() -> None:
    place, gate, calls = ComputedOnce[object](), threading.Barrier(VISITORS), []

    def work(bar: Any) -> object:
        bar.progress(0.5)
        calls.append(threading.get_ident())
        return object()

    def ask(_: int) -> object:
        gate.wait()
        return place.compute(work, waiting="Waiting …")

    with ThreadPoolExecutor(VISITORS) as pool:
        answers = list(pool.map(ask, range(VISITORS)))
    assert len(calls) == 1
    assert all(answer is answers[0] is place.answer for answer in answers)


def test_work_that_fails_leaves_the_place_for_the_next() -> None:
    place = ComputedOnce[str]()

    def fails(_: Any) -> str:
        raise DataError("No.")

    with pytest.raises(DataError):
        place.compute(fails, waiting="Waiting …")
    assert place.answer is None
    assert place.compute(lambda _: "done", waiting="Waiting …") == "done"


class _Place:
    """Where a bar is drawn: keeps what it showed."""

    def __init__(self) -> None:
        self.shown: list[tuple[float, str]] = []

    def progress(self, share: float, text: str) -> "_Place":
        self.shown.append((share, text))
        return self


def test_the_bar_says_about_how_long_it_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(computed_once, "monotonic", lambda: now[0])
    place = _Place()
    bar = WorkBar(place, 0.2, "Waiting …")  # type: ignore[arg-type]
    now[0] = 500.0  # of waiting, which is no measure of the work
    bar.begin()
    now[0] += 1.0
    bar.progress(0.3, "Reading …")
    now[0] += 19.0
    bar.progress(0.4, "Reading …")
    now[0] += 20.0
    bar.progress(0.99, "Reading …")
    assert place.shown == [
        (0.2, "Waiting …"),
        (0.3, "Reading …"),  # too soon to tell
        (0.4, "Reading … · about 60 s left"),  # a fifth in 20 s
        (0.99, "Reading … · a few seconds left"),
    ]


def test_who_waits_is_told_how_many_come_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert computed_once._waits("Waiting …", 1) == "Waiting …"
    assert computed_once._waits("Waiting …", 3) == "Waiting … 3 before yours."


def _stoppable() -> None:
    import streamlit as st

    from widgets.computed_once import ComputedOnce

    place = st.session_state.setdefault("place", ComputedOnce[str]())
    if place.was_stopped("halt") and not st.button("Again", key="again"):
        st.text("stopped")
        return
    st.text(
        place.compute(lambda bar: bar.progress(0.5, "Half …") or "done", waiting="Waiting …", stop="halt")
    )


def test_work_that_was_stopped_waits_until_it_is_asked_for_again() -> None:
    page = AppTest.from_function(_stoppable)
    place = ComputedOnce[str]()
    page.session_state["place"] = place
    page.session_state["halt_stopped"] = place  # what the button does
    page.run()
    assert [one.value for one in page.text] == ["stopped"]
    assert place.answer is None
    page.button(key="again").click().run()
    assert [one.value for one in page.text] == ["done"]
    assert not place.was_stopped("halt")


def _page() -> None:
    import streamlit as st

    from core.errors import DataError
    from widgets.computed_once import keep, kept, once_a_visit

    def work() -> str:
        st.session_state["times"] = st.session_state.get("times", 0) + 1
        if st.session_state["question"] == "bad":
            raise DataError("No.")
        return "done"

    try:
        st.text(once_a_visit("answer", st.session_state["question"], work, refusal=DataError))
    except DataError as error:
        st.error(str(error))
    if kept("other", "never asked") is None:
        keep("other", "asked", 1)


def test_in_one_visit_an_answer_or_a_refusal_is_worked_out_once() -> None:
    page = AppTest.from_function(_page)
    for question, times in (("good", 1), ("good", 1), ("bad", 2), ("bad", 2), ("good", 3)):
        page.session_state["question"] = question
        page.run()
        assert not page.exception
        assert page.session_state["times"] == times
        shown = [one.value for one in (page.error if question == "bad" else page.text)]
        assert shown == ["No." if question == "bad" else "done"]

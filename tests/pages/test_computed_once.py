"""What takes long is computed once: for all who ask at the same time, and in one visit."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import DataError
from widgets.computed_once import ComputedOnce

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

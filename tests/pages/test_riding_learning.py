"""The parts of the riding page in which the machine rides: links, names, freezing and a run of one's own."""

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.riding import measured
from core.riding.config import RidingConfig
from core.riding.experiment import ARMS, SOURCE_UPDATES
from core.riding.experiment_report import median
from core.riding.policy import SIZES
from core.riding.practice import RIDES_AN_UPDATE
from core.runs import service
from core.runs.kinds.lanes import RIDES
from core.runs.spec import RunSpec
from widgets import visitor_cookie
from widgets.riding import practice

PROJECT = Path(streamlit_app.__file__).parent


def _page(**query: str) -> AppTest:
    page = AppTest.from_file(str(PROJECT / "pages" / "riding.py"), default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def _chart(page: AppTest, number: int = 0) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(page.get("plotly_chart")[number].proto.spec)
    return spec


def _names(page: AppTest) -> set[str]:
    return {trace["name"] for trace in _chart(page)["data"] if trace.get("name")}


def _named(page: AppTest) -> str:
    """The run that the page's address names."""
    named = page.query_params["run"]
    return named if isinstance(named, str) else named[0]


def _words(page: AppTest) -> str:
    return "\n".join(one.value for kind in (page.markdown, page.caption) for one in kind)


def test_the_precomputed_table_comes_first_and_says_so() -> None:
    page = _page(part="learn")
    assert not page.exception
    assert _names(page) == {"From scratch", "From the bicycle", "From the reversed bicycle"}
    assert "**Precomputed**: 20 riders each (seeds 0 to 19)" in _words(page)
    assert "Reversed, head started anew" in _words(page)  # the table of all


def test_riders_freezing_names_and_machine_are_a_link() -> None:
    page = _page(
        part="learn", riders="bicycle,ebike", freeze="2", terms="jump_start,forgetting", machine="motorcycle"
    )
    assert not page.exception
    assert _names(page) >= {"From the bicycle", "From the e-bike", "Bicycle, two layers frozen"}
    assert "**Forgetting**: Learning the new costs some of the old." in _words(page)
    second = _page(part="learn", machine="motorcycle_1994", freeze="1")
    assert "Not measured in what is shown here: bicycle, first layer frozen." in _words(second)


def test_names_that_were_measured_elsewhere_say_so() -> None:
    first = _page(part="learn", terms="asymptote")
    assert _chart(first)["layout"]["xaxis"]["range"][1] == 300
    second = _page(part="learn", terms="asymptote,forgetting", machine="motorcycle_1994")
    assert _chart(second)["layout"]["xaxis"]["range"][1] == 80
    assert _words(second).count("Measured on the first motorcycle, for the precomputed riders.") == 2


def test_wrong_links_are_one_sentence_each() -> None:
    page = _page(part="learn", riders="unicycle", freeze="9", machine="tank", terms="*x*")
    assert not page.exception
    assert len(page.warning) == 4
    assert _names(page) == {"From scratch", "From the bicycle", "From the reversed bicycle"}
    page.run()
    assert not page.warning  # once
    assert not _page(part="watch", ride="99", practised="3").exception
    assert not _page(part="why", torque="7").exception


def test_nobody_chosen_is_a_sentence() -> None:
    page = _page(part="learn", riders="")
    assert not page.exception
    assert "Choose at least one rider above." in page.info[0].value
    assert page.button(key="riding_start").disabled


def test_watching_and_why_speak_with_measured_numbers() -> None:
    watch = _page(part="watch")
    assert not watch.exception
    assert "from scratch **0**" in _words(watch)
    why = _page(part="why", torque="2")
    assert not why.exception
    assert "similarity 0.997" in _words(why)
    assert "Times 2: **100 of 100** rides stay up." in _words(why)


def test_what_the_prose_says_was_measured() -> None:
    words = _words(_page(part="learn"))
    of = measured.measured()
    until = {
        arm: median(of.motorcycle.curve(arm).until_goal()).value for arm in ("scratch", "bicycle", "shuffled")
    }
    assert f"{until['shuffled']:.0f} updates instead of {until['scratch']:.0f}" in words
    assert f"from {until['shuffled']:.0f} updates to {until['bicycle']:.0f} it is" in words
    assert f"practised on it {SOURCE_UPDATES * RIDES_AN_UPDATE} times" in words
    assert f"after {of.long.curves[0].updates[-1]} updates riders from scratch are as good" in words
    weights = sum((a + 1) * b for a, b in pairwise(SIZES))
    assert f"{weights:,} weights" in words
    forgetting = _words(_page(part="learn", terms="forgetting"))
    kept = of.forgetting.curve("bicycle").survival[:, -1]
    assert f"{(kept < 0.5).sum()} of {len(kept)} riders fall" in forgetting


def test_every_beginning_is_a_line_of_the_chart() -> None:
    """By its pill, by the strip or by the other layers to freeze."""
    known = {*practice.BEGINNINGS, *practice.FROZEN.values(), *practice.FROZEN_ELSEWHERE}
    assert known == set(ARMS)
    page = _page(part="learn", frozen="scratch_two_frozen,reversed_two_frozen,bicycle_last_frozen")
    assert not page.exception
    assert _names(page) >= {ARMS[arm].title for arm in practice.FROZEN_ELSEWHERE}


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> str:
    # A page by itself knows no other pages to link to.
    monkeypatch.setattr(st, "page_link", lambda _page, *, label, **_: st.markdown(label))
    return visitor_cookie.new_visitor()


def _of(visitor: str, run: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(PROJECT / "pages" / "riding.py"), default_timeout=60)
    page.session_state["visitor"] = visitor
    for name, value in {"part": "learn", "run": run, **query}.items():
        page.query_params[name] = value
    return page.run()


def _ended(run: str) -> None:
    end = time.monotonic() + 240
    while service.run(run).active:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert service.run(run).state == "finished"


def test_a_run_on_one_motorcycle_is_not_shown_as_the_other(visitor: str) -> None:
    config = RidingConfig(arms=("scratch",), seeds=(1, 2), target="motorcycle_1994", tests=(0, 1))
    run = service.submit(RunSpec(config=config), visitor)
    _ended(run)
    assert "**Precomputed**" in _words(_of(visitor, run))
    page = _of(visitor, run, machine="motorcycle_1994")
    assert "**Measured**: 2 riders each (seeds 1 to 2)" in _words(page)
    assert not page.exception


def test_a_run_begins_on_an_empty_chart(visitor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "start", lambda: None)  # nobody works on the queue: the test does
    run = service.submit(RunSpec(config=RidingConfig(arms=("scratch",), seeds=(1, 2))), visitor)
    assert service.open_store().claim(RIDES) is not None
    page = _of(visitor, run)
    assert not page.exception
    assert not _chart(page)["data"]
    assert "**Being measured now**" in _words(page)
    assert page.button(key="stop").label == "Stop"


def test_a_run_of_ones_own_and_back(visitor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practice, "SEEDS_AT_ONCE", 2)
    page = AppTest.from_file(str(PROJECT / "pages" / "riding.py"), default_timeout=60)
    page.session_state["visitor"] = visitor
    page.query_params["part"], page.query_params["riders"] = "learn", "scratch"
    page.run()
    page.button(key="riding_start").click().run()
    assert not page.exception
    run = _named(page)  # it has an address
    assert service.run(run).spec.config.seeds == (100, 101)
    _ended(run)
    page.run()
    assert not page.exception
    assert "**Measured**: 2 riders each (seeds 100 to 101)" in _words(page)
    own = AppTest.from_file(str(PROJECT / "pages" / "run.py"), default_timeout=60)
    own.session_state["visitor"] = visitor
    own.query_params["run"] = run
    own.run()
    assert not own.exception
    assert "**Measured**: 2 riders each (seeds 100 to 101)" in _words(own)
    page.button(key="riding_back").click().run()
    assert "**Precomputed**" in _words(page)
    page.button(key="riding_start").click().run()
    again = _named(page)
    assert service.run(again).spec.config.seeds == (102, 103)  # fresh ones
    service.stop(again)

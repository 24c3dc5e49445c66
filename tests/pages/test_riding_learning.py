"""The parts of the riding page in which the machine rides: links, names, freezing and a run of one's own."""

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.riding import live, measured
from core.riding.experiment import ARMS, SOURCE_UPDATES
from core.riding.experiment_report import median
from core.riding.policy import SIZES
from core.riding.practice import RIDES_AN_UPDATE
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


def test_a_run_on_one_motorcycle_is_not_shown_as_the_other() -> None:
    page = AppTest.from_file(str(PROJECT / "pages" / "riding.py"), default_timeout=60)
    page.query_params["part"] = "learn"
    run = live.RidingRun(arms=("scratch",), seeds=(1, 2), target="motorcycle_1994")
    run.state, run.report = "finished", measured.measured().second
    page.session_state["riding_live"] = run
    page.run()
    assert "**Precomputed**" in _words(page)
    page.query_params["machine"] = "motorcycle_1994"
    page.run()
    assert "**Measured just now**: 2 riders each (seeds 1 to 2)" in _words(page)


def test_a_run_begins_on_an_empty_chart() -> None:
    page = AppTest.from_file(str(PROJECT / "pages" / "riding.py"), default_timeout=60)
    page.query_params["part"] = "learn"
    page.session_state["riding_live"] = live.RidingRun(arms=("scratch",), seeds=(1, 2), state="running")
    page.run()
    assert not page.exception
    assert not _chart(page)["data"]
    assert "**Being measured now**" in _words(page)


def test_a_run_of_ones_own_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(arms: Any, seeds: Any, target: str, **whose: Any) -> live.RidingRun:
        return live.start(arms, list(seeds)[:2], target, (0, 2), **whose)  # the same with few tests and seeds

    monkeypatch.setattr(practice, "start", short)
    page = _page(part="learn", riders="scratch")
    page.button(key="riding_start").click().run()
    assert not page.exception
    run = page.session_state["riding_live"]
    assert run.seeds == (100, 101)
    end = time.monotonic() + 60
    while not run.over:
        run.look()
        assert time.monotonic() < end
        time.sleep(0.05)
    page.run()
    assert not page.exception
    assert "**Measured just now**: 2 riders each (seeds 100 to 101)" in _words(page)
    page.button(key="riding_back").click().run()
    assert "**Precomputed**" in _words(page)
    page.button(key="riding_start").click().run()
    assert page.session_state["riding_live"].seeds == (112, 113)  # fresh ones
    page.session_state["riding_live"].stop()

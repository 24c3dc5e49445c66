"""The riding page by itself: its parts, the visitor's own curve, and the way in from the front page."""

import inspect
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.riding import picture_bridge, simulated_rider, visitor
from core.riding.own_rides import OwnRide
from widgets import data_picker

PROJECT = Path(streamlit_app.__file__).parent
SECONDS = 60


def _page(**query: str) -> AppTest:
    page = AppTest.from_file(str(PROJECT / "pages" / "riding.py"), default_timeout=SECONDS)
    for key, value in query.items():
        page.query_params[key] = value
    return page


def _words(page: AppTest) -> str:
    return "\n".join(one.value for kind in (page.markdown, page.caption, page.header) for one in kind)


def _rides(machine: str, *seconds: float) -> list[OwnRide]:
    return [OwnRide(machine=machine, number=k, seconds=value, fell=True) for k, value in enumerate(seconds)]


def test_it_begins_with_the_game_and_nothing_claimed() -> None:
    page = _page().run()
    assert not page.exception
    words = _words(page)
    assert "nobody steering" in words
    assert "Jump-start" not in words
    assert page.session_state["riding_rides"] == []


def test_what_was_ridden_is_said_and_can_be_forgotten() -> None:
    page = _page()
    page.session_state["riding_rides"] = [
        *_rides("bicycle", 2.0, 3.0),
        *_rides("motorcycle", 5.0),
        *_rides("reversed", 1.0),
    ]
    page.run()
    assert not page.exception
    words = _words(page)
    nobody = {name: visitor.nobody(name, 0) for name in visitor.MOUNTS}
    assert f"Jump-start: +{5.0 - nobody['motorcycle'] - 2.0 + nobody['bicycle']:.1f} s" in words
    assert "Negative transfer (interference): −1.0 s" in words
    assert "in 2 rides, while it grew harder: you carried 55, then 60 % of the toppling yourself" in words
    page.button(key="riding_again").click().run()
    assert not page.exception
    assert page.session_state["riding_rides"] == []
    assert "Jump-start" not in _words(page)


def test_a_part_that_is_none_is_one_sentence_and_the_beginning() -> None:
    page = _page(part="**flying**").run()
    assert not page.exception
    assert len(page.warning) == 1
    assert "Your own learning curve" in _words(page)


def test_one_part_leads_to_the_next() -> None:
    page = _page().run()
    following = next(one for one in page.button if one.key.startswith("riding_to_"))
    following.click().run()
    assert not page.exception
    assert page.query_params["part"] in (wanted := following.key.removeprefix("riding_to_"), [wanted])


@pytest.mark.skipif(picture_bridge.measured() is None, reason="the figures have not been measured")
def test_the_bridge_shows_every_arm_with_its_interval_and_where_it_comes_from() -> None:
    page = _page(part="pictures").run()
    assert not page.exception
    words = _words(page)
    for arm in picture_bridge.ARMS.values():
        assert arm.title in words
    assert "Mean over 5 seeds" in words
    assert "200 held-out pictures" in words


def test_the_rules_on_screen_are_those_of_the_code() -> None:
    words = _words(_page().run())
    assert f"{100 * visitor.FIRST_HAND:.0f} % of the toppling" in words.replace("\n", " ")
    assert f"{100 * visitor.HAND_STEP:.0f} points less" in words
    assert f"pace of {visitor.SPEED} m/s" in words


def test_what_is_said_of_the_clumsy_rider_is_how_it_rides() -> None:
    page = _page()
    page.session_state["riding_rides"] = [*_rides("bicycle", 2.0), *_rides("motorcycle", 5.0)]
    words = _words(page.run())
    assert f"| Motorcycle | 5.0 | {visitor.nobody('motorcycle', 0):.1f} | **+1.1** |" in words
    assert f"reacts {simulated_rider.CLUMSY.delay} s late" in words
    rides = inspect.signature(simulated_rider.seconds).parameters["rides"].default
    assert f"mean of {rides} rides" in words


def test_the_last_part_leads_to_pictures_of_ones_own() -> None:
    page = _page(part="pictures").run()
    onward = page.button(key="riding_to_finetune")
    assert onward.label == "Now with pictures of your own"
    onward.click().run()
    assert page.session_state["data_source"] == data_picker.OWN


def test_the_front_page_leads_here() -> None:
    page = AppTest.from_file(str(PROJECT / "pages" / "home.py"), default_timeout=SECONDS).run()
    assert page.button(key="ride_button").label == "Feel it on two wheels"

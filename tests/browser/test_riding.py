"""The riding game in a real browser: the same numbers as Python, and keys, pointer and buttons that do their work."""

import random
import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from core.riding import replay, rides, visitor
from tests.browser import views

SIX_SECONDS = 600  # steps


def _open(tab: Page, address: str) -> Locator:
    tab.goto(f"{address}/riding")
    game = tab.locator(".st-key-riding_game .game")
    expect(game.locator(".go")).to_be_visible()
    return game


def _phase(game: Locator, wanted: str) -> None:
    expect(game).to_have_attribute("data-phase", wanted)


def _fall(tab: Page, game: Locator) -> float:
    """Start a ride by Space, with nothing in focus, and pull to the right until the fall; seconds as the game says."""
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("Space")
    views.rides(game)
    tab.keyboard.down("ArrowRight")
    _phase(game, "done")
    tab.keyboard.up("ArrowRight")
    expect(game.locator(".verdict")).to_have_text(re.compile("s upright$"))
    return float(game.locator(".verdict").inner_text().split()[0])


def test_the_browser_integrates_as_python_does(tab: Page, address: str) -> None:
    """The same inputs give the same states over six seconds, on every machine, to the last bit."""
    game = _open(tab, address)
    generator = random.Random(5)
    for name in visitor.MOUNTS:
        for number in (0, 3):
            level, inputs = 0, []
            for _ in range(SIX_SECONDS):
                if generator.random() < 0.05:
                    level = generator.randint(-visitor.LEVELS, visitor.LEVELS) // 3
                inputs.append(level)
            theirs = game.evaluate("(game, a) => game.riding.integrate(...a)", [name, number, inputs])
            ours = visitor.replay(name, number, inputs)
            assert len(theirs["states"]) == len(ours.states)
            assert theirs["fell"] == ours.fell
            assert np.abs(np.array(theirs["states"]) - ours.states).max() == 0.0


def test_rides_by_keyboard_become_the_visitor_s_own_curve(tab: Page, address: str) -> None:
    game = _open(tab, address)
    first = _fall(tab, game)
    assert 0.5 < first < visitor.SECONDS
    expect(game.locator(".detail")).to_contain_text("You fell to the")
    expect(game.locator(".detail")).to_contain_text(f"nobody steering: {visitor.nobody('bicycle', 0):.1f} s")
    expect(game.locator(".go")).to_have_text("Ride 2, hand 40 %")
    expect(tab.get_by_role("button", name="Start over")).to_be_visible()
    second = _fall(tab, game)
    slope = tab.get_by_text(re.compile(r"beyond nobody, from \S+ s to \S+ s in 2 rides"))
    expect(slope).to_be_visible()
    said = re.findall(r"[−+][\d.]+", slope.inner_text())[:2]
    for ride, (seconds, gain) in enumerate(zip((first, second), said, strict=True)):
        told = float(gain.replace("−", "-"))  # both times are rounded where they are shown
        assert told == pytest.approx(seconds - visitor.nobody("bicycle", ride), abs=0.11)
    game.locator(".tab").nth(2).click()
    expect(game.locator(".detail")).to_contain_text("the wheel goes right")
    third = _fall(tab, game)
    shorter = tab.get_by_text(re.compile(r"first ride on the reversed bicycle lasted \S+ s shorter"))
    expect(shorter).to_be_visible()
    beyond = re.search(r"lasted (\S+) s shorter", shorter.inner_text())
    assert beyond is not None
    assert float(beyond[1]) == pytest.approx(visitor.nobody("reversed", 0) - third, abs=0.11)
    tab.get_by_role("button", name="Start over").click()
    expect(tab.get_by_text("Can you do better than nobody?")).to_be_visible()
    expect(game.locator(".dots i.done")).to_have_count(0)
    _phase(game, "demo")


def test_space_is_left_to_whatever_has_the_focus(tab: Page, address: str) -> None:
    game = _open(tab, address)
    part = tab.get_by_role("radio").first
    part.focus()
    tab.keyboard.press("Space")
    tab.wait_for_timeout(400)
    _phase(game, "demo")


def test_hands_off_is_called_so(tab: Page, address: str) -> None:
    game = _open(tab, address)
    tab.keyboard.press("Space")
    _phase(game, "ride")
    _phase(game, "done")
    expect(game.locator(".detail")).to_contain_text("You have not steered: this was nobody's ride")
    expect(tab.get_by_text("You have not steered yet")).to_be_visible()


def test_pulling_the_picture_or_the_handlebar_steers_and_letting_go_centres(tab: Page, address: str) -> None:
    game = _open(tab, address)
    slider = game.locator(".handlebar")
    for target in (game.locator(".picture"), slider):
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 60)
        tab.mouse.move(x, y)
        tab.mouse.down()
        tab.mouse.move(x + 80, y, steps=3)
        expect(slider).to_have_attribute("aria-valuenow", re.compile("^(1[1-9]|[2-8][0-9])$"))
        tab.mouse.move(x - 2000, y)
        expect(slider).to_have_attribute("aria-valuenow", "-100")
        expect(slider).to_have_attribute("aria-valuetext", "100 % to the left")
        tab.mouse.up()
        expect(slider).to_have_attribute("aria-valuenow", "0")


def test_it_fits_a_phone_and_a_finger_rides_it(chromium: object, address: str) -> None:
    profile = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone = profile.new_page()
    phone.set_default_timeout(90_000)
    game = _open(phone, address)
    box = game.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    slider = game.locator(".handlebar")
    fingers = profile.new_cdp_session(phone)
    # All is made ready during the countdown: without a hand the ride may be over in a second.
    game.locator(".go").tap()
    expect(slider).to_be_in_viewport(ratio=0.9)
    picture = game.locator(".picture").bounding_box()
    assert picture is not None
    x, y = picture["x"] + picture["width"] / 2, picture["y"] + picture["height"] / 2

    def touch(kind: str, *points: float) -> None:
        fingers.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": place, "y": y} for place in points]},
        )

    views.rides(game)
    touch("touchStart", x)
    for step in range(1, 7):
        touch("touchMove", x + 20 * step)
    expect(slider).to_have_attribute("aria-valuenow", "100")  # pulled, not scrolled
    _phase(game, "done")
    touch("touchEnd")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    expect(game.locator(".detail")).to_contain_text("You fell to the left.")  # as it was steered to the right
    profile.close()


def test_the_scrubber_stops_three_rides_at_one_moment(tab: Page, address: str) -> None:
    tab.goto(f"{address}/riding?part=watch")
    watch = tab.locator(".st-key-riding_watch .watch")
    lanes = watch.locator(".lane")
    expect(lanes).to_have_count(len(replay.ARMS))
    riders = replay.replay(replay.telling())
    scrubber, clock = watch.locator(".time"), watch.locator(".clock")
    for seconds in (3.0, 0.2):  # and back again
        scrubber.fill(str(round(seconds / rides.DT)))
        expect(clock).to_have_text(f"{seconds:.1f} s")
        expect(watch.locator(".play")).to_have_attribute("aria-label", "Play")
        for rider, lane in zip(riders, lanes.all(), strict=True):
            fell = rider.fell and rider.seconds < seconds
            said = f"fell after {rider.seconds:.1f} s" if fell else f"{seconds:.1f} s"
            expect(lane.locator(".said")).to_have_text(said)
    watch.locator(".play").click()
    expect(clock).not_to_have_text("0.2 s")

"""Where the visitor asks for less motion no picture moves by itself, and the game is still a game.

What moves by style is looked for in every view by test_axe.py.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser import views

SECONDS = 1000.0
# The pixels of a strip at the left edge of a canvas: sky, hills, trees and grass, but neither rider nor gusts.
EDGE = """canvas => String(canvas.getContext('2d').getImageData(
    0, 0, Math.round(canvas.width * 0.06), canvas.height).data.reduce((sum, one) => (sum * 31 + one) % 1e9, 7))"""
WHOLE = "canvas => canvas.toDataURL()"
# What a ride shows from frame to frame; looked at in the page itself, since a ride may be over in a second.
WATCH = f"""game => {{
    window.seen = {{count: '', edges: new Set(), wholes: new Set()}};
    const canvas = game.querySelector('.picture'), look = () => {{
        const phase = game.dataset.phase;
        if (phase === 'count') seen.count = getComputedStyle(game.querySelector('.count')).opacity;
        if (phase === 'ride') {{ seen.edges.add(({EDGE})(canvas)); seen.wholes.add(({WHOLE})(canvas)); }}
        if (phase !== 'done') requestAnimationFrame(look);
    }};
    look();
}}"""


@pytest.fixture(scope="module")
def calm(chromium: object) -> Iterator[BrowserContext]:
    """A visitor whose system is set to reduce motion."""
    profile = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    profile.set_default_timeout(90 * SECONDS)
    yield profile
    profile.close()


def _later(page: Page, canvas: Locator, what: str) -> tuple[str, str]:
    """Read the canvas now and half a second later."""
    now = canvas.evaluate(what)
    page.wait_for_timeout(500)
    return now, canvas.evaluate(what)


@pytest.mark.parametrize("part", ["ride", "watch"])
def test_no_picture_moves_by_itself(calm: BrowserContext, address: str, part: str) -> None:
    page = calm.new_page()
    page.goto(f"{address}/riding?part={part}")
    views.settled(page)
    canvases = page.locator("canvas[role]")
    expect(canvases).to_have_count({"ride": 1, "watch": 3}[part])
    for canvas in canvases.all():
        first, second = _later(page, canvas, WHOLE)
        assert first == second
    page.close()


def test_moving_parts_are_found_where_motion_is_wanted(chromium: object, address: str) -> None:
    """The same look at a visitor who has not asked: the test above can fail."""
    profile = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="no-preference")
    profile.set_default_timeout(90 * SECONDS)
    page = profile.new_page()
    page.goto(f"{address}/riding")
    views.settled(page)
    canvas = page.locator(".st-key-riding_game canvas[role]")
    page.wait_for_function(
        f"([canvas, before]) => ({WHOLE})(canvas) !== before",
        arg=[canvas.element_handle(), canvas.evaluate(WHOLE)],
    )
    profile.close()


def test_one_rides_on_the_spot_and_the_ride_counts(calm: BrowserContext, address: str) -> None:
    page = calm.new_page()
    page.goto(f"{address}/riding")
    views.settled(page)
    game = page.locator(".st-key-riding_game .game")
    game.evaluate(WATCH)
    game.locator(".go").click()
    views.rides(game)
    page.keyboard.down("ArrowRight")
    expect(game).to_have_attribute("data-phase", "done")
    page.keyboard.up("ArrowRight")
    count, edges, wholes = page.evaluate("[seen.count, seen.edges.size, seen.wholes.size]")
    assert count == "0.9"  # the countdown is read, not seen to fly
    assert wholes > 1  # it leans
    assert edges == 1  # before a world that stands
    expect(game.locator(".verdict")).to_contain_text("s upright")
    expect(page.get_by_role("button", name="Start over")).to_be_visible()
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_text("Can you do better than nobody?")).to_be_visible()
    page.close()


def test_recorded_rides_wait_for_a_click_and_are_played_once(calm: BrowserContext, address: str) -> None:
    page = calm.new_page()
    page.goto(f"{address}/riding?part=watch")
    views.settled(page)
    watch = page.locator(".st-key-riding_watch .watch")
    expect(watch.locator(".clock")).to_have_text("0.0 s")
    watch.get_by_role("button", name="Play").click()
    canvas = watch.locator("canvas[role]").first
    at = canvas.evaluate(EDGE)
    expect(watch.locator(".clock")).not_to_have_text("0.0 s")
    page.wait_for_timeout(300)
    assert canvas.evaluate(EDGE) == at
    slider = watch.get_by_role("slider")
    slider.evaluate("e => { e.value = e.max - 20; e.dispatchEvent(new Event('input')); }")
    watch.get_by_role("button", name="Play").click()
    expect(slider).to_have_value(slider.get_attribute("max") or "")
    expect(watch.get_by_role("button", name="Play")).to_be_visible()
    page.close()

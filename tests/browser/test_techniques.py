"""The room of methods in a real browser: links, a run of one's own that is watched and stopped, a phone."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

QUICK, QUICK_TITLE = "instance-weighting", "Weighting source examples"
LONG, LONG_SEEDS = "residual-learning", 19  # minutes; nobody else asks for so many seeds
AT_ONCE = 60.0  # seconds, on a machine that does much else; an experiment takes minutes


@pytest.fixture(scope="module")
def fresh(chromium: object, fresh_server: Callable[[], object]) -> Iterator[str]:
    """The address of a server that nobody has asked for anything."""
    with fresh_server() as url:
        yield url


def _verdict(tab: Page) -> Locator:
    return tab.locator("[data-testid=stAlert]").filter(
        has_text=re.compile(r"(Helps|Hurts|No difference seen): ")
    )


def test_a_link_to_an_experiment_is_the_first_request_and_the_map_leads_on(tab: Page, fresh: str) -> None:
    tab.goto(f"{fresh}/techniques?technique={QUICK}")
    expect(tab.get_by_role("heading", name=QUICK_TITLE)).to_be_visible()
    expect(tab.get_by_role("link", name="Methods")).to_be_visible()  # the frame is there too
    expect(_verdict(tab)).to_be_visible()
    expect(tab.locator(".st-key-technique_scores .main-svg").first).to_be_visible()
    expect(tab.get_by_text("Measured beforehand")).to_be_visible()
    tab.get_by_role("button", name="All methods").click()
    expect(tab.get_by_role("heading", name="Every method, running")).to_be_visible()
    expect(tab).not_to_have_url(re.compile("technique="))
    tab.get_by_role("button", name="Negative transfer").click()
    expect(tab.get_by_role("heading", name="Negative transfer")).to_be_visible()
    expect(tab).to_have_url(re.compile("technique=negative-transfer"))
    expect(_verdict(tab)).to_be_visible()


def test_a_run_of_ones_own_shows_progress_at_once_and_ends_in_a_verdict(tab: Page, fresh: str) -> None:
    tab.goto(f"{fresh}/techniques?technique={QUICK}&seeds=2")
    expect(tab.get_by_text("Not measured with these settings yet")).to_be_visible()
    expect(_verdict(tab)).to_have_count(0)
    start = tab.get_by_role("button", name="Run it now with 2 seeds")
    expect(start).to_be_visible()
    began = time.monotonic()
    start.click()
    expect(tab.locator("[data-testid=stProgress]")).to_be_visible()
    assert time.monotonic() - began < AT_ONCE
    expect(tab.get_by_text(re.compile(r"^Measured in \d+ s"))).to_be_visible()
    expect(_verdict(tab)).to_contain_text("2 seeds")
    expect(tab.locator("[data-testid=stProgress]")).to_have_count(0)
    tab.get_by_role("button", name="Back to what was measured beforehand").click()
    expect(tab.get_by_text("Measured beforehand")).to_be_visible()
    expect(tab).not_to_have_url(re.compile("seeds="))


def test_a_long_run_stops_when_it_is_told_to(tab: Page, fresh: str) -> None:
    tab.goto(f"{fresh}/techniques?technique={LONG}&seeds={LONG_SEEDS}")
    tab.get_by_role("button", name=f"Run it now with {LONG_SEEDS} seeds").click()
    expect(tab.get_by_text(f"Seed 1 of {LONG_SEEDS}")).to_be_visible()
    expect(tab).to_have_url(re.compile("run="))  # it has an address
    began = time.monotonic()
    tab.get_by_role("button", name="Stop").click()
    expect(tab.get_by_role("button", name=f"Run it now with {LONG_SEEDS} seeds")).to_be_visible()
    assert time.monotonic() - began < AT_ONCE
    tab.get_by_role("link", name="Runs").click()  # and a place among the visitor's runs, to go on from there
    tab.get_by_role("link", name=f"{LONG_SEEDS} seeds").click()
    expect(tab.get_by_text("Stopped").first).to_be_visible()
    expect(tab.get_by_role("button", name="Go on")).to_be_visible()


def test_a_link_carries_settings_and_a_wrong_one_is_one_sentence(tab: Page, fresh: str) -> None:
    tab.goto(f"{fresh}/techniques?technique={QUICK}&share=0.8&rounds=7")
    expect(tab.get_by_role("spinbutton", name="TrAdaBoost rounds")).to_have_value("7")
    expect(tab.get_by_role("spinbutton", name="Bias of the source")).to_have_value("0.80")
    tab.get_by_role("spinbutton", name="TrAdaBoost rounds").fill("9")
    tab.get_by_role("spinbutton", name="TrAdaBoost rounds").press("Enter")
    expect(tab).to_have_url(re.compile("rounds=9"))
    tab.goto(f"{fresh}/techniques?technique={QUICK}&share=2")
    expect(tab.locator("[data-testid=stAlert]")).to_have_text(
        re.compile(r"share must lie between 0\.5 and 1")
    )
    tab.get_by_role("button", name="Back to the usual settings").click()
    expect(_verdict(tab)).to_be_visible()
    expect(tab).not_to_have_url(re.compile("share="))
    tab.goto(f"{fresh}/techniques?technique=telepathy")
    expect(tab.locator("[data-testid=stAlert]")).to_contain_text("“telepathy”, which is not here")
    expect(tab.get_by_role("heading", name="Every method, running")).to_be_visible()


def test_nothing_is_wider_than_a_phone(chromium: object, fresh: str) -> None:
    """With every kind of drawing: rows, lines, clouds, heat maps, pictures."""
    profile = chromium.new_context(viewport={"width": 390, "height": 844})
    phone = profile.new_page()
    phone.set_default_timeout(90_000)
    for name in ("", "feature-extraction", "domain-adaptation", QUICK):
        phone.goto(f"{fresh}/techniques" + (f"?technique={name}" if name else ""))
        if name:
            expect(phone.get_by_text("Papers", exact=True)).to_be_visible()
            expect(phone.locator(".main-svg").first).to_be_visible()
        else:
            expect(phone.get_by_text("Rows: what is transferred")).to_be_visible()
        wide = phone.evaluate("""() => {
            const scrolls = e => e && (['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
                && e.getBoundingClientRect().right <= innerWidth && e.dataset.testid !== 'stMain'
                || scrolls(e.parentElement));
            return [...document.querySelectorAll('[data-testid=stMain] *')]
                .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e))
                .map(e => e.outerHTML.slice(0, 100));
        }""")
        assert wide == [], name
        main = phone.locator("[data-testid=stMain]")
        assert main.evaluate("e => e.scrollWidth") <= 390
    profile.close()

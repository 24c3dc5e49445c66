"""The teacher's page in a real browser: the secret, the queue that refreshes by itself, the pause and the stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core.runs.spec import RunSpec
from core.runs.store.runs import Store
from core.training.config import FinetuneConfig
from widgets import visitor_cookie

LONG = RunSpec(
    config=FinetuneConfig(backbone="tiny_resnet18", strategy="full", epochs=200),
    data="digits",
    title="Handwritten digits: nothing frozen",
)
SECONDS = 1000.0


@pytest.fixture(scope="module")
def teacher(chromium: object) -> Iterator[BrowserContext]:
    browser = chromium.new_context(viewport={"width": 1280, "height": 900})
    browser.set_default_timeout(90 * SECONDS)
    yield browser
    browser.close()


def _enter(page: Page, secret: str) -> None:
    page.get_by_label("Secret").fill(secret)
    page.get_by_role("button", name="Sign in").click()


def test_the_secret_opens_one_tab_alone_and_signing_out_closes_all(
    teacher: BrowserContext, address: str, teachers_secret: str
) -> None:
    page = teacher.new_page()
    page.goto(f"{address}/teacher")
    _enter(page, "guess")
    expect(page.get_by_text("That is not the secret.")).to_be_visible()
    expect(page.get_by_role("link", name="Teacher")).to_have_count(0)
    _enter(page, teachers_secret)
    expect(page.get_by_role("heading", name="The class")).to_be_visible()
    expect(page.get_by_text("The lab may use")).to_be_visible()
    expect(page.get_by_role("link", name="Teacher")).to_be_visible()
    assert teachers_secret not in page.content()
    other = teacher.new_page()
    other.goto(f"{address}/teacher")
    expect(other.get_by_label("Secret")).to_be_visible()
    expect(other.get_by_role("link", name="Teacher")).to_have_count(0)
    _enter(other, teachers_secret)
    expect(other.get_by_role("heading", name="The class")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    for tab in (page, other):  # the other one without a click
        expect(tab.get_by_label("Secret")).to_be_visible()
        tab.close()


def test_a_run_is_seen_held_and_stopped_from_the_page(
    teacher: BrowserContext, address: str, home: Path, teachers_secret: str
) -> None:
    page = teacher.new_page()
    page.goto(f"{address}/teacher")
    _enter(page, teachers_secret)
    page.get_by_role("button", name="Pause the queue").click()
    expect(page.get_by_text("The queue is paused")).to_be_visible()
    store, visitor = Store(home), visitor_cookie.new_visitor()
    run = store.add(LONG, visitor)
    row = page.locator("[class*=st-key-row_teacher_]").filter(has_text="nothing frozen")
    expect(row).to_contain_text("nothing frozen")  # without a click
    assert store.run(run).state == "queued"
    page.get_by_role("button", name="Let it go on").click()
    working = page.locator("[class*=st-key-teacher_work_]").filter(has_text="nothing frozen")
    expect(working).to_contain_text("pictures/s")
    expect(page.get_by_test_id("stMain")).not_to_contain_text("paused")
    assert run not in page.content()
    assert visitor not in page.content()

    owner = teacher.browser.new_context()
    owner.set_default_timeout(90 * SECONDS)
    owner.add_cookies([{"name": visitor_cookie.COOKIE, "value": visitor, "url": address}])
    theirs = owner.new_page()
    theirs.goto(f"{address}/run?run={run}")
    expect(theirs.locator(".st-key-stop button")).to_be_visible()
    working.get_by_role("button", name="Stop").click()
    expect(theirs.get_by_text("Stopped by the teacher.")).to_be_visible()
    expect(theirs.locator(".st-key-resume button")).to_be_visible()
    expect(working).to_have_count(0)
    owner.close()
    store.close()

    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    page.close()

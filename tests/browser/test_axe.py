"""Views of every page, seen by axe in one theme and width each; and asking nobody else for anything.

All views in all four looks are `benchmarks.accessibility`'s.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from core.figures import template
from tests.browser import axe, views
from tests.browser.axe import Found
from tests.browser.views import SECONDS, View
from widgets import visitor_cookie

PAGES = ("home", "riding", "advise", "finetune", "runs", "layers", "techniques", "glossary", "teacher")
INSIDE = ("data:", "blob:")


@dataclass(kw_only=True)
class Walk:
    """One visitor's browser, what it was asked to show, and whom it has asked."""

    page: Page
    address: str
    views: list[View]
    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    at: str = ""

    def ask(self, url: str) -> None:
        """Remember a request to somebody else."""
        self.asked[self.at]  # the page was looked at, whoever was asked
        if not url.startswith(INSIDE) and urlsplit(url).netloc != urlsplit(self.address).netloc:
            self.asked[self.at].add(url)


@pytest.fixture(scope="module")
def walk(chromium: object, home: Path, address: str, teachers_secret: str) -> Iterator[Walk]:
    visitor = visitor_cookie.new_visitor()
    profile = chromium.new_context(viewport={"width": 1440, "height": axe.HEIGHT})
    profile.set_default_timeout(90 * SECONDS)
    profile.add_cookies([{"name": visitor_cookie.COOKIE, "value": visitor, "url": address}])
    made = views.make(home, visitor)
    page = profile.new_page()
    looked_at = [view for view in views.views(made, teachers_secret) if view.also]
    one = Walk(page=page, address=address, views=looked_at)

    def asked(request: Request) -> None:
        one.ask(request.url)

    profile.on("request", asked)  # of pages, frames and workers
    page.goto(address)
    views.settled(page)
    page.on("websocket", lambda socket: one.ask(socket.url.replace("ws", "http", 1)))
    yield one
    profile.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(walk: Walk, name: str) -> None:
    """Nor words in charts that cannot be read; what is Streamlit's own is listed in `axe.STREAMLITS`."""
    found: list[Found] = []
    walk.at = name
    for number, view in enumerate(one for one in walk.views if one.page == name):
        # One look a view, in turn: all four take four times as long, and are the benchmark's.
        look = axe.LOOKS[number % len(axe.LOOKS)]
        axe.dress(walk.page, *look)
        views.open_view(walk.page, walk.address, view)
        seen = axe.look(walk.page, view, *look)
        end = time.monotonic() + 30
        while seen and time.monotonic() < end:
            # On the way from one state to the next, as a page that fades in; what stays is a fault.
            walk.page.wait_for_timeout(1.5 * SECONDS)
            seen = axe.look(walk.page, view, *look)
        found += seen
        assert axe.moving(walk.page) == [], view.name
    assert not found, "\n".join(f"{one.view}, {one.theme} {one.width}: {one}" for one in found)


@pytest.mark.parametrize("name", PAGES)
def test_no_page_asks_another_host_for_anything(walk: Walk, name: str) -> None:
    if name not in walk.asked:
        pytest.skip("needs the walk that looks at this page")
    assert walk.asked[name] == set()
    icon = walk.page.locator("link[rel*=icon]").first.get_attribute("href") or ""
    assert icon.startswith("data:image/svg+xml"), "the tab's icon is a file of ours"


def test_charts_follow_when_the_theme_changes(chromium: object, address: str) -> None:
    profile = chromium.new_context(color_scheme="light")
    profile.set_default_timeout(90 * SECONDS)
    page = profile.new_page()
    page.goto(f"{address}/advise")
    words = page.locator(".st-key-advise_where .main-svg text").first
    for theme in ("light", "dark", "light"):
        page.emulate_media(color_scheme=theme)
        ink = template.ground(theme).ink
        colour = ", ".join(str(int(ink[place : place + 2], 16)) for place in (1, 3, 5))
        expect(words).to_have_css("fill", f"rgb({colour})")
    profile.close()

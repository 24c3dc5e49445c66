"""What a browser makes of the gates: no page needs what its answers forbid, and who is refused reads why."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

import streamlit_app
from tests.browser import views

PLACES = 10
# Told by the browser itself, also for what scripts load; before anything of the page runs.
_LISTEN = """
window.forbidden = [];
document.addEventListener("securitypolicyviolation", (one) =>
  forbidden.push(one.violatedDirective + " " + one.blockedURI));
"""
_KEEP_SOCKET = """
const Before = WebSocket;
window.WebSocket = class extends Before { constructor(...given) { super(...given); window.theSocket = this; } };
"""
VIEWS = [f"/{address}" for *_, address in streamlit_app.PAGES] + [
    *(
        "/riding?part=learn",
        "/layers?network=tiny_resnet18&view=channels&stage=layer2",
        "/layers?view=filters",
        "/layers?view=where",
    ),
    *("/layers?view=atlas", "/techniques?technique=adversarial"),
]


def test_no_page_needs_what_its_policy_forbids(visitor: BrowserContext, address: str) -> None:
    page = visitor.new_page()
    page.add_init_script(_LISTEN)
    for view in VIEWS:
        page.goto(address + view)
        views.settled(page)
        page.wait_for_timeout(500)  # what comes after the last element: charts, pictures
        assert not page.evaluate("window.forbidden"), view
    page.close()


@pytest.fixture
def small(fresh_server: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with few places for each address."""
    monkeypatch.setenv("TLL_PAGES_PER_ADDRESS", str(PLACES))
    with fresh_server() as url:
        yield url


def _stranger(address: str) -> ClientConnection:
    """Open a page as somebody else in the same network."""
    asks = BackMsg()
    asks.rerun_script.query_string = ""
    tab = connect(
        address.replace("http", "ws", 1) + "/_stcore/stream",
        subprotocols=[Subprotocol("streamlit")],
        additional_headers={"Cookie": f"tll_visitor={secrets.token_hex(16)}"},
        max_size=None,
        max_queue=None,
        legacy=True,
    )
    tab.send(asks.SerializeToString())
    return tab


def test_a_page_without_a_place_says_so_and_goes_on_when_there_is_one(chromium: object, small: str) -> None:
    profile = chromium.new_context(viewport={"width": 390, "height": 800})
    profile.set_default_timeout(90_000)
    page: Page = profile.new_page()
    page.add_init_script(_KEEP_SOCKET)
    page.goto(small)
    expect(page.locator("h1").first).to_be_visible()
    with ExitStack() as strangers:
        for _ in range(PLACES - 1):
            strangers.enter_context(_stranger(small))
        late = profile.new_page()
        answer = late.goto(small)
        assert answer.status == 503
        expect(late.locator("body")).to_contain_text("Too many pages of this lab are open in this network")
        late.close()
        profile.set_offline(True)  # a moment without network
        page.evaluate("window.theSocket.close()")
        end = time.monotonic() + 60
        while True:  # another one takes the place
            try:
                strangers.enter_context(_stranger(small))
                break
            except InvalidStatus:
                assert time.monotonic() < end
                time.sleep(0.02)
        profile.set_offline(False)
        window = page.get_by_role("dialog")
        expect(window).to_contain_text("this page goes on")
        words = window.locator("code").first
        assert words.evaluate("one => one.scrollWidth <= one.parentElement.clientWidth"), (
            "all of it is to be seen"
        )
    expect(window).to_have_count(0)
    page.wait_for_function("window.theSocket.readyState === 1")
    profile.close()

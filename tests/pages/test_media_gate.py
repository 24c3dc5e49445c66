"""Whose cookie opens which picture; what passes the gate untouched."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.middleware.gzip import GZipMiddleware
from streamlit import config
from streamlit.runtime.media_file_storage import MediaFileStorageError

from core.turns import Turns
from widgets import media_gate, turns, visitor_cookie

ANNA, BEN = visitor_cookie.new_visitor(), visitor_cookie.new_visitor()
NAME = "ab" * 32


def _ask(path: str, cookie: str | None) -> dict[str, Any]:
    """Send one GET through the gate to a server that has everything, and packs it if asked; the answer's head."""
    sent: list[dict[str, Any]] = []

    async def everything(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a picture" * 100})

    async def keep(message: Any) -> None:
        sent.append(message)

    headers = [(b"accept-encoding", b"gzip")]
    if cookie is not None:
        headers.append((b"cookie", f"{visitor_cookie.COOKIE}={cookie}".encode()))
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers}
    packing = GZipMiddleware(everything, minimum_size=0)
    gate = media_gate.MediaGate(packing, visitor_in=visitor_cookie.visitor_in)
    # In a thread of its own: Playwright keeps an event loop running in this one.
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, gate(scope, None, keep)).result()  # type: ignore[arg-type]
    return sent[0]


def _picture(owner: str) -> str:
    return f"/media/{NAME}{media_gate._mark(owner)}.png"


def test_a_picture_opens_with_its_visitors_cookie_alone() -> None:
    assert _ask(_picture(ANNA), ANNA)["status"] == 200
    for cookie in (BEN, None, "", "forged", ANNA.upper()):
        assert _ask(_picture(ANNA), cookie)["status"] == 404


def test_a_browser_without_cookies_sees_its_pictures_by_their_secret_names() -> None:
    for cookie in (None, ANNA):
        assert _ask(_picture(""), cookie)["status"] == 200


def test_no_cache_on_the_way_may_keep_a_picture() -> None:
    assert (b"cache-control", b"private") in _ask(_picture(ANNA), ANNA)["headers"]


def test_pictures_and_downloads_are_not_packed_once_more() -> None:
    assert b"content-encoding" not in dict(_ask(_picture(ANNA), ANNA)["headers"])
    assert (b"content-encoding", b"gzip") in _ask("/", ANNA)["headers"]


@pytest.mark.parametrize(
    "path", ["/media/", "/media/x", f"/media/{NAME}.png", "/media/../static/x", "/media/ß.png"]
)
def test_names_that_were_not_drawn_here_open_nothing(path: str) -> None:
    assert _ask(path, ANNA)["status"] == 404


@pytest.mark.parametrize("path", ["/", "/static/media/font.woff2", "/_stcore/health", "/mediation"])
def test_everything_else_passes(path: str) -> None:
    assert _ask(path, None)["status"] == 200
    assert b"cache-control" not in dict(_ask(path, None)["headers"])


@pytest.fixture
def under_a_path() -> Iterator[None]:
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", "lab")
    yield
    config.set_option("server.baseUrlPath", before)


@pytest.mark.usefixtures("under_a_path")
def test_the_gate_stands_where_the_lab_is_served_under_a_path_too() -> None:
    assert _ask("/lab" + _picture(ANNA), ANNA)["status"] == 200
    assert _ask("/lab" + _picture(ANNA), BEN)["status"] == 404


def test_a_visitor_waits_for_few_downloads_at_once_and_holds_up_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media_gate, "_making", Turns(media_gate.MAKING_AT_ONCE))
    monkeypatch.setattr(turns, "owner", lambda: ("home", visitor))
    made: list[str] = []
    may_end = threading.Event()

    def slow() -> bytes:
        may_end.wait(60)
        made.append("anna's")
        return b"a large archive"

    def quick() -> bytes:
        made.append("ben's")
        return b"a small file"

    visitor = ANNA
    slowly = media_gate.own(slow)
    visitor = BEN
    quickly = media_gate.own(quick)
    with ThreadPoolExecutor(media_gate.MAKING_EACH + 1) as pool:
        waiting = [pool.submit(slowly) for _ in range(media_gate.MAKING_EACH)]
        until = time.monotonic() + 60
        while media_gate._asked["home", ANNA] < media_gate.MAKING_EACH:
            assert time.monotonic() < until
            time.sleep(0.01)
        with pytest.raises(MediaFileStorageError, match="still being made"):
            slowly()
        bens = pool.submit(quickly)
        while len(media_gate._making._waiting) < media_gate.MAKING_EACH - media_gate.MAKING_AT_ONCE + 1:
            assert time.monotonic() < until
            time.sleep(0.01)
        may_end.set()
        assert bens.result(60) == b"a small file"
        assert [one.result(60) for one in waiting] == [b"a large archive"] * media_gate.MAKING_EACH
    assert made.index("ben's") < len(made) - 1, "who asks once comes before those who ask again"
    assert not media_gate._asked

"""The visitor's cookie and the server's settings."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import streamlit as st

from widgets import visitor_cookie


def _answer(path: str, **headers: str) -> dict[bytes, bytes]:
    """Send one GET through the cookie's middleware; the answer's headers."""
    sent: list[dict[str, Any]] = []

    async def page(_scope: Any, _receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}
        )
        await send({"type": "http.response.body", "body": b""})

    async def keep(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "scheme": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    # In a thread of its own: Playwright keeps an event loop running in this one.
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, visitor_cookie.VisitorCookie(page)(scope, None, keep)).result()
    return dict(sent[0]["headers"])


def test_a_new_visitor_gets_an_unguessable_cookie_that_scripts_cannot_read() -> None:
    cookies = {_answer("/", accept="text/html")[b"set-cookie"].decode() for _ in range(3)}
    assert len(cookies) == 3
    for cookie in cookies:
        value = cookie.split(";")[0].removeprefix(f"{visitor_cookie.COOKIE}=")
        assert visitor_cookie.is_visitor(value)
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie


def test_behind_https_the_cookie_is_for_https_alone() -> None:
    assert b"Secure" in _answer("/runs", accept="text/html", x_forwarded_proto="https")[b"set-cookie"]


def test_a_known_visitor_keeps_the_cookie_and_a_forged_one_is_replaced() -> None:
    known = f"{visitor_cookie.COOKIE}={visitor_cookie.new_visitor()}"
    assert b"set-cookie" not in _answer("/", accept="text/html", cookie=known)
    assert b"set-cookie" in _answer("/", accept="text/html", cookie=f"{visitor_cookie.COOKIE}=../../etc")


@pytest.mark.parametrize("other", ['a={"x":1}', "a@b=1", "a[b]=1", "x=1;;=;y"])
def test_a_known_visitor_is_known_beside_whatever_cookies_other_sites_have_set(other: str) -> None:
    for cookie in (
        f"{visitor_cookie.COOKIE}={visitor_cookie.new_visitor()}; {other}",
        f"{other}; {visitor_cookie.COOKIE}={'a' * 32}",
    ):
        assert b"set-cookie" not in _answer("/", accept="text/html", cookie=cookie)


@pytest.mark.parametrize("path", ["/_stcore/health", "/static/js/index.js"])
def test_only_pages_set_cookies(path: str) -> None:
    accept = "text/html" if path.startswith("/_stcore") else "*/*"
    assert b"set-cookie" not in _answer(path, accept=accept)


def test_a_rerun_is_not_followed_by_a_full_garbage_collection() -> None:
    assert st.get_option("runner.postScriptGC") is False
    assert st.get_option("server.fileWatcherType") == "none"
    assert st.get_option("global.maxCachedMessageAge") == 20
    assert st.get_option("browser.gatherUsageStats") is False

"""Who a browser is: an unguessable id in a cookie, and what Streamlit is told about it."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "tll_visitor"
COOKIE_SECONDS = 365 * 24 * 3600
# What Streamlit is told about whoever opens a websocket (server.trustedUserHeaders in .streamlit/config.toml). It
# resumes a session, after a lost connection, for the same user alone; else for everybody who names its id.
VISITOR_HEADER = b"x-tll-visitor"
VisitorIn = Callable[[Mapping[str, str]], str | None]  # reads the visitor out of cookies
_VISITOR = re.compile(r"[0-9a-f]{32}")


def new_visitor() -> str:
    """Draw an unguessable visitor id: 128 random bits as hex."""
    return secrets.token_hex(16)


def is_visitor(value: str) -> bool:
    """Whether ``value`` has the form of a visitor id."""
    return _VISITOR.fullmatch(value) is not None


def visitor_in(cookies: Mapping[str, str]) -> str | None:
    """Read the visitor's id out of cookies; None where there is none of ours."""
    value = cookies.get(COOKIE, "")
    return value if is_visitor(value) else None


class VisitorCookie:
    """Give every browser an unguessable id in a cookie that no script can read.

    The page's websocket carries it back, so a visitor's runs stay listed after a closed tab; it holds
    nothing but the id and is sent to nobody else.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the cookie to the answer for a page that came without one."""
        if scope["type"] == "websocket":
            scope = _with_visitor(scope)
        elif scope["type"] == "http" and wants_page(scope):
            # Read as Streamlit reads it: the standard library stumbles over cookies that others have set.
            known = visitor_in(HTTPConnection(scope).cookies)
            send = _with_cookie(send, secure=_is_https(scope)) if known is None else send
        await self.app(scope, receive, send)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def wants_page(scope: Scope) -> bool:
    """Whether an HTTP request is a browser's for a page, not for one of its parts."""
    asks = scope["method"] == "GET" and "/_stcore/" not in scope["path"]
    return asks and "text/html" in _header(scope, b"accept")


def _is_https(scope: Scope) -> bool:
    return "https" in (scope.get("scheme"), _header(scope, b"x-forwarded-proto"))


def _with_visitor(scope: Scope) -> Scope:
    """Say in a header who opens a websocket, whatever the browser has written there itself."""
    headers = [(name, value) for name, value in scope["headers"] if name != VISITOR_HEADER]
    known = visitor_in(HTTPConnection(scope).cookies)
    if known is not None:
        headers.append((VISITOR_HEADER, known.encode()))
    return {**scope, "headers": headers}


def _with_cookie(send: Send, *, secure: bool) -> Callable[[Message], Any]:
    value = f"{COOKIE}={new_visitor()}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax"
    header = (b"set-cookie", (value + ("; Secure" if secure else "")).encode())

    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await send(message)

    return send_with_cookie

"""Pages of other addresses can neither open this lab's websockets nor change anything here.

Streamlit compares an ``Origin`` that is not its own with this machine's addresses as well: on any port, and it asks a
host outside, synchronously, what its address there is. Here one rule answers before that, from the request alone: a
page may do what the address may do that its browser asked for, host and port, and so may those in
``server.corsAllowedOrigins``. Everything else gets 403.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config, net_util

_READING = ("GET", "HEAD")  # what these answer, a browser shows to no page of another address
_PORTS = {"http": 80, "https": 443}
_FOREIGN = "This page belongs to another address; open the lab at its own."

# Streamlit asks outside where it does not know yet, on other ways than this as well; an empty one is none of anybody.
net_util._external_ip = ""


class OriginGate:
    """ASGI middleware: 403 for a websocket and for every change that a page of another address asks for.

    A request without an ``Origin`` passes: browsers send it with each of these, and only programs leave it out, whose
    requests carry nobody's cookies but their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        asks = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in _READING)
        if asks and is_foreign(scope, config.get_option("server.corsAllowedOrigins")):
            await PlainTextResponse(_FOREIGN, 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def is_foreign(scope: Scope, allowed: Iterable[str] = ()) -> bool:
    """Whether a request comes from a page of another host or port than it was addressed to, and none of ``allowed``.

    What cannot be read ("null", two of them, no host) is foreign.
    """
    origins, hosts = _all(scope, b"origin"), _all(scope, b"host")
    if not origins:
        return False
    origin = _place(origins[0]) if len(origins) == 1 else None
    if origin is None:
        return True
    if origin in (_place(one.strip()) for one in allowed):
        return False
    # Behind a proxy that says nothing of its TLS, a request looks like http while its page is https; never otherwise.
    secure = scope.get("scheme") in ("https", "wss")
    if len(hosts) != 1 or (secure and origin[0] != "https"):
        return True
    return origin != _place(f"{origin[0]}://{hosts[0]}")


def _all(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _place(text: str) -> tuple[str, str, int] | None:
    """Read scheme, host and port of an origin; None where it is none."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    whole = not (parts.path or parts.query or parts.fragment) and "@" not in parts.netloc
    if parts.scheme not in _PORTS or not parts.hostname or not whole:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port

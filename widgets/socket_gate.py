"""How many pages may be open at once: of one visitor, from one address, and in all.

Every open page costs the server memory, and anybody can open as many as they like, each under a cookie of its own
invention. Who comes too late reads one sentence: instead of the page, or, where the page is there already, in the
window in which Streamlit shows what the server answers to its question for ``host-config`` before each try to connect.
"""

import asyncio
import functools
import ipaddress
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import errors
from widgets.visitor_cookie import wants_page

_HOST_CONFIG = "/_stcore/host-config"
_RETRY = {"Retry-After": "30", "Cache-Control": "no-store"}
_VISITOR_FULL = "Too many pages of this lab are open in this browser; close some tabs, and this page goes on."
_ADDRESS_FULL = (
    "Too many pages of this lab are open in this network; close what nobody looks at, and this page goes on. "
    "Should it stay so, tell whoever runs this lab."
)
_ALL_FULL = "Too many people are here at once; this page goes on by itself as soon as there is room."
_SILENT = 1008  # the websocket's code for "against the rules"; a browser asks for its page at once
FIRST_WORD_SECONDS = 30.0
_VARIABLE = "TLL_PAGES_PER_ADDRESS"
_USUAL = 400  # a class of 35 behind one router, each with ten pages; as nginx.conf
_FEWEST, _MOST = 10, 100_000

VisitorIn = Callable[[Mapping[str, str]], str | None]


@dataclass(frozen=True, kw_only=True)
class Places:
    """How many pages may be open: of one visitor (or of all without a cookie at one address), of an address, in all."""

    visitor: int = 40
    address: int = _USUAL
    everybody: int = 1_000


def places() -> Places:
    """Read ``TLL_PAGES_PER_ADDRESS``; a `SettingsError` where that is no sensible number."""
    text = os.environ.get(_VARIABLE, "") or str(_USUAL)
    if not text.isascii() or not text.isdigit():
        raise errors.SettingsError(f"{_VARIABLE} must be a whole number; it is {text!r}.")
    errors.within(_VARIABLE, int(text), _FEWEST, _MOST)
    return Places(address=int(text), everybody=max(Places.everybody, 2 * int(text)))


class SocketGate:
    """ASGI middleware before every websocket, and before what a browser asks for to open one.

    ``visitor_in`` reads the visitor out of cookies; ``most`` None: `places`.
    """

    def __init__(self, app: ASGIApp, *, visitor_in: VisitorIn, most: Places | None = None) -> None:
        self.app = app
        self._visitor_in = visitor_in
        self._most = most or places()
        self._open: Counter[tuple[str, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with one sentence."""
        begins = scope["type"] == "websocket" or (
            scope["type"] == "http" and (wants_page(scope) or scope["path"].endswith(_HOST_CONFIG))
        )
        full = self._full(scope) if begins else None
        if full is not None:
            again = {"Refresh": "30"} if scope["type"] == "http" and wants_page(scope) else {}
            await PlainTextResponse(full, 503, headers=_RETRY | again)(scope, receive, send)
        elif scope["type"] == "websocket":
            with self._counted(scope):
                await self.app(scope, _soon(receive), send)
        else:
            await self.app(scope, receive, send)

    def _keys(self, scope: Scope) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
        address = network((scope.get("client") or ("", 0))[0])
        visitor = self._visitor_in(HTTPConnection(scope).cookies)
        whose = ("without a cookie", address) if visitor is None else ("visitor", visitor)
        return whose, ("address", address), ("all", "")

    def _full(self, scope: Scope) -> str | None:
        """Say which limit is reached, in the sentence for whoever asks; None where there is room."""
        most = (self._most.visitor, self._most.address, self._most.everybody)
        says = (_VISITOR_FULL, _ADDRESS_FULL, _ALL_FULL)
        for key, limit, sentence in zip(self._keys(scope), most, says, strict=True):
            if self._open[key] >= limit:
                return sentence
        return None

    @contextmanager
    def _counted(self, scope: Scope) -> Iterator[None]:
        keys = self._keys(scope)
        self._open.update(keys)
        try:
            yield
        finally:
            self._open.subtract(keys)
            for key in keys:
                if not self._open[key]:
                    del self._open[key]


@functools.lru_cache(maxsize=4096)
def network(host: str) -> str:
    """Name whose address this is: one of the older kind, or of the newer kind all that one connection gets (/64)."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _soon(receive: Receive) -> Receive:
    """End a websocket on which nothing is said after its beginning."""
    spoken = False

    async def received() -> Message:
        nonlocal spoken
        if spoken:
            return await receive()
        try:
            async with asyncio.timeout(FIRST_WORD_SECONDS):
                message = await receive()
        except TimeoutError:
            return {"type": "websocket.disconnect", "code": _SILENT}
        spoken = message["type"] != "websocket.connect"
        return message

    return received

"""How many pages may be open at once: of one visitor, from one address, and in all.

Every open page costs the server memory, and anybody can open as many as they like, each under a cookie of its own
invention. Who comes too late reads one sentence: instead of the page, or, where the page is there already, in the
window in which Streamlit shows what the server answers to its question for ``host-config`` before each try to connect.
And a page is read no faster than people click: ten that asked for the front page as fast as they could kept everybody
else out (benchmarks/strangers.py). Nor does it say what no page of this lab says (`messages`).
"""

import asyncio
import logging
import math
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import environment, errors
from core.runs.store.places import network_of
from widgets import messages
from widgets.operations import ROUTES
from widgets.visitor_cookie import VisitorIn, wants_page

_HOST_CONFIG = "/_stcore/host-config"
_OPERATORS = {route.path for route in ROUTES if isinstance(route, Route)}  # answer whatever happens
_RETRY = {"Retry-After": "30", "Cache-Control": "no-store"}
_VISITOR_FULL = "Too many pages of this lab are open in this browser; close some tabs, and this page goes on."
_ADDRESS_FULL = (
    "Too many pages of this lab are open in this network; close what nobody looks at, and this page goes on. "
    "Should it stay so, tell whoever runs this lab."
)
_ALL_FULL = "Too many people are here at once; this page goes on by itself as soon as there is room."
TELL_SECONDS = 60.0
_PHONE_COLUMNS = 32
_ENDED: Message = {"type": "websocket.disconnect", "code": 1008}  # "against the rules"
FIRST_WORD_SECONDS = 30.0  # a browser asks for its page at once
BURST, RATE = 4_000_000, 500_000  # bytes, and bytes a second, of one page; its largest message is 2 MB
MESSAGE = 100_000  # bytes that every message counts besides: five a second on the whole, forty at once
MOST_SAID = (
    64_000_000  # bytes in the last messages of all pages of one address; honest ones have some thousand
)
_FEWEST, _MOST = 10, 100_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Places:
    """How many pages may be open: of one visitor (or of all without a cookie at one address), of an address, in all."""

    visitor: int = 40
    address: int = int(environment.PAGES_PER_ADDRESS.default)
    everybody: int = 1_000


def places() -> Places:
    """Read ``TLL_PAGES_PER_ADDRESS``; a `SettingsError` where that is no sensible number."""
    address = environment.PAGES_PER_ADDRESS.whole_number()
    errors.within(environment.PAGES_PER_ADDRESS.name, address, _FEWEST, _MOST)
    return Places(address=address, everybody=max(Places.everybody, 2 * address))


class SocketGate:
    """ASGI middleware before every websocket, and before what a browser asks for to open one.

    ``visitor_in`` reads the visitor out of cookies; ``most`` None: `places`.
    """

    def __init__(self, app: ASGIApp, *, visitor_in: VisitorIn, most: Places | None = None) -> None:
        self.app = app
        self._visitor_in = visitor_in
        self._most = most or places()
        self._open: Counter[tuple[str, str]] = Counter()
        self._said: Counter[str] = Counter()  # bytes, by address
        self._told: dict[str, float] = {}
        self._dropped: Counter[str] = Counter()  # messages, by kind, since the log last told of them

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with one sentence."""
        full = self._full(scope) if _begins(scope) else None
        if full is not None:
            await _refusal(scope, full)(scope, receive, send)
        elif scope["type"] == "websocket":
            with self._counted(scope) as page:
                await self.app(scope, self._heard(receive, send, page), send)
        else:
            await self.app(scope, receive, send)

    def _keys(self, scope: Scope) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
        address = network_of((scope.get("client") or ("", 0))[0])
        visitor = self._visitor_in(HTTPConnection(scope).cookies)
        whose = ("without a cookie", address) if visitor is None else ("visitor", visitor)
        return whose, ("address", address), ("all", "")

    def _full(self, scope: Scope) -> str | None:
        """Say which limit is reached, in the sentence for whoever asks; None where there is room."""
        most = (self._most.visitor, self._most.address, self._most.everybody)
        says = (_VISITOR_FULL, _ADDRESS_FULL, _ALL_FULL)
        for key, limit, sentence in zip(self._keys(scope), most, says, strict=True):
            if self._open[key] >= limit:
                self._tell(key[0], limit)
                return sentence
        return None

    def _tell(self, whose: str, limit: int) -> None:
        """Say in the log, now and then, that a limit is reached."""
        if self._is_news(whose):
            _log.warning("Pages are refused: %d are open already (limit by: %s).", limit, whose)

    def _drop(self, kind: str) -> None:
        """Count a message that nobody reads; say in the log, now and then, how many there were."""
        self._dropped[kind] += 1
        if self._is_news(f"dropped {kind}"):
            _log.warning("Messages that no page sends were dropped: %d (%s).", self._dropped.pop(kind), kind)

    def _is_news(self, what: str) -> bool:
        """Whether the log has not told of it for a while."""
        now = time.monotonic()
        if now - self._told.get(what, -math.inf) <= TELL_SECONDS:
            return False
        self._told[what] = now
        return True

    @contextmanager
    def _counted(self, scope: Scope) -> Iterator["_Page"]:
        keys = self._keys(scope)
        page = _Page(address=keys[1][1])
        self._open.update(keys)
        try:
            yield page
        finally:
            self._open.subtract(keys)
            self._said[page.address] -= page.said
            self._open += Counter()  # forgets whoever has none left
            self._said += Counter()

    def _heard(self, receive: Receive, send: Send, page: "_Page") -> Receive:
        """Read a page's messages: the first one soon, none too fast, none that no page of this lab sends.

        And not too much from one address: what a page has said last, Streamlit keeps, whether it makes sense or not.
        """

        async def heard() -> Message:
            while True:
                try:
                    async with asyncio.timeout(None if page.spoken else FIRST_WORD_SECONDS):
                        message = await receive()
                except TimeoutError:
                    return _ENDED
                if message["type"] != "websocket.receive":
                    return message
                raw = message.get("bytes")
                if raw is None:
                    self._drop("text")
                    return _ENDED
                self._said[page.address] += len(raw) - page.said
                page.spoken, page.said = True, len(raw)
                if self._said[page.address] > MOST_SAID:
                    return _ENDED
                await page.its_turn(len(raw))
                try:
                    said = messages.read(raw)
                except messages.Unreadable:
                    self._drop("unreadable")
                    return _ENDED
                if said.allowed:
                    if said.costs:
                        await page.its_turn(said.costs)
                    return message
                self._drop(said.kind)
                if said.answer is not None:
                    await send({"type": "websocket.send", "bytes": said.answer})
                del message, raw  # a page may be silent for long now

        return heard


def _begins(scope: Scope) -> bool:
    """Whether a page is about to be opened."""
    if scope["type"] != "http":
        return bool(scope["type"] == "websocket")
    wanted = wants_page(scope) and scope["path"] not in _OPERATORS
    return wanted or bool(scope["path"].endswith(_HOST_CONFIG))


def _refusal(scope: Scope, says: str) -> Response:
    if scope["type"] == "http" and not wants_page(scope):
        # Streamlit's window shows nothing else, and breaks no lines of it.
        return JSONResponse(textwrap.fill(says, _PHONE_COLUMNS), 503, headers=_RETRY)
    return PlainTextResponse(says, 503, headers=_RETRY | {"Refresh": "30"})


@dataclass(kw_only=True)
class _Page:
    """One open websocket: how much it has said, and how fast it may go on.

    In bursts, as people click, and on the whole no faster than any page has to.
    """

    address: str
    spoken: bool = False
    said: int = 0  # bytes of its last message
    _left: float = float(BURST)
    _since: float = field(default_factory=time.monotonic)

    async def its_turn(self, size: int) -> None:
        """Wait until a message of so many bytes is due; uvicorn reads no further meanwhile."""
        now = time.monotonic()
        self._left = min(BURST, self._left + RATE * (now - self._since)) - size - MESSAGE
        self._since = now
        if self._left < 0:
            await asyncio.sleep(-self._left / RATE)

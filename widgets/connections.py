"""What a connection may take of the server before and besides any request: how many, and for how long.

uvicorn waits without end for the rest of a request's headers, and for a reader that does not read; it takes as many
connections as there are; it reads requests ahead while it answers one, and answers pings as fast as they come. Its
protocols get bounds here. Proxies that it trusts (``FORWARDED_ALLOW_IPS``) bring many visitors from one address and
bound them themselves: only the number of all connections holds for them.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from typing import Any

from streamlit.runtime.runtime_util import get_max_widget_state_size_bytes
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from core.runs.store.places import network_of
from widgets import socket_gate
from widgets.safe_headers import headers
from widgets.shutdown import uvicorn_behind

REQUEST_SECONDS = (
    15.0  # for a whole request's headers, counted from the connection's beginning or the last answer
)
STALLED_SECONDS = 30.0  # in which a reader has to take something of what waits for it
LEAST_BYTES = 30_000  # of it, or all; the slowest phones take that
READ_AHEAD = 128_000  # bytes of the next requests, while one is answered; browsers send none
FRAMES = 400  # of one websocket at once; browsers send few besides messages
FRAMES_A_SECOND = 10  # on the whole
PIECE = 4096  # bytes of a websocket that are taken apart at once: a quarter of a megabyte of pings took half a second
PER_PAGE = 2  # connections: a page's websocket, and what it loads
_NO_ROOM = "Too many connections are open; close what nobody looks at, and try again in a minute."
_log = logging.getLogger(__name__)


def bound() -> None:
    """Put bounds on the connections of the uvicorn that is starting; to be called before it listens.

    And before `shutdown.on_sigterm`, which puts another handler in the place where it is found.
    """
    server = uvicorn_behind(signal.getsignal(signal.SIGTERM))
    if server is None:
        _log.warning("This server is not uvicorn: connections have no bounds of ours here.")
        return
    config = server.config
    most = socket_gate.places()
    doors = _Doors(
        server.server_state.connections,
        address=PER_PAGE * most.address,
        everybody=PER_PAGE * most.everybody,
        trusts=ProxyHeadersMiddleware(config.app, config.forwarded_allow_ips).trusted_hosts.__contains__,
    )
    config.http_protocol_class = _bounded(_Requests, doors)
    config.ws_protocol_class = _bounded(_Frames, None)
    # Otherwise as large as what the server may send: a browser sends no more than its widgets' state.
    config.ws_max_size = get_max_widget_state_size_bytes()


class _Doors:
    """Whether there is room for one more connection."""

    def __init__(
        self, connections: set[Any], *, address: int, everybody: int, trusts: Callable[[str], bool]
    ) -> None:
        self._connections = connections
        self._address, self._everybody, self._trusts = address, everybody, trusts

    def room_for(self, host: str) -> bool:
        """Look at all connections that there are."""
        if len(self._connections) > self._everybody:
            return False
        if self._trusts(host):
            return True
        mine = network_of(host)
        return sum(_network(one) == mine for one in self._connections) <= self._address


def _network(connection: Any) -> str:
    client = getattr(connection, "client", None)
    return network_of(client[0]) if client else ""


def _refusal() -> bytes:
    answer = headers() | {
        "Content-Type": "text/plain; charset=utf-8",
        "Retry-After": "30",
        "Connection": "close",
    }
    lines = ("HTTP/1.1 503 Service Unavailable", *(f"{name}: {value}" for name, value in answer.items()))
    return "\r\n".join([*lines, "", _NO_ROOM]).encode()


class _Requests(H11Protocol):
    """Ends a connection that goes on asking without waiting for its answers: h11 keeps all that it has read."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if len(self.conn.trailing_data[0]) > READ_AHEAD:
            self.transport.abort()


class _Frames(WebSocketsSansIOProtocol):
    """Ends a connection of too many frames, whether they make messages or not: pings, empty parts of a message."""

    _left: float = float(FRAMES)
    _since: float = 0.0

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + PIECE])

    def handle_events(self) -> None:
        now = time.monotonic()
        self._left = min(FRAMES, self._left + FRAMES_A_SECOND * (now - self._since)) - len(self.conn.events)
        self._since = now
        if self._left < 0:
            self.transport.abort()
        else:
            super().handle_events()


def _bounded(protocol: type[Any], doors: _Doors | None) -> type[Any]:
    """Make a protocol class with bounds; ``doors`` for the one that a connection begins with."""

    class Bounded(protocol):  # type: ignore[misc]
        _asking: asyncio.TimerHandle | None = None
        _stalled: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if doors is None:
                return
            if doors.room_for(self.client[0] if self.client else ""):
                self._wait_for_request()
            else:
                transport.write(_refusal())
                transport.close()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._wait_for_request()

        def connection_lost(self, exc: Exception | None) -> None:
            for timer in (self._asking, self._stalled):
                if timer is not None:
                    timer.cancel()
            super().connection_lost(exc)

        # A request that does not come

        def _wait_for_request(self) -> None:
            if self._asking is not None:
                self._asking.cancel()
            self._asking = self.loop.call_later(REQUEST_SECONDS, self._too_late)

        def _too_late(self) -> None:
            upgraded = self.transport.get_protocol() is not self
            answering = self.cycle is not None and not self.cycle.response_complete
            if not upgraded and not answering:  # after an answer it is asked for again
                self.transport.abort()

        # An answer that is not read

        def pause_writing(self) -> None:
            super().pause_writing()
            self._look_again(self.transport.get_write_buffer_size())

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._stalled is not None:
                self._stalled.cancel()

        def _look_again(self, before: int) -> None:
            self._stalled = self.loop.call_later(STALLED_SECONDS, self._has_read, before)

        def _has_read(self, before: int) -> None:
            waiting = self.transport.get_write_buffer_size()
            if before - waiting < min(LEAST_BYTES, before):
                self.transport.abort()
            else:
                self._look_again(waiting)

    return Bounded

"""The way out: SIGTERM lets what is in work be kept before the server closes its doors.

Without this, uvicorn closes the doors at once, waits for every connection without limit, and ends by the signal
itself. With it: readiness turns 503, nothing new is accepted, runs in work go back into the queue with their
checkpoints, pages can still be read meanwhile; then the doors close, and the exit status is 0.
"""

import asyncio
import atexit
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from starlette.concurrency import run_in_threadpool

CONNECTIONS_SECONDS = 2  # that open downloads and sockets get once everything is kept
FAREWELL_SECONDS = 1  # that the interpreter then gets to end by itself

_kept = threading.Event()  # everything is, after a SIGTERM
_log = logging.getLogger(__name__)


def on_sigterm(drain: Callable[[], None]) -> None:
    """Call ``drain`` in a thread when SIGTERM comes, then end the server; to be called in its event loop.

    A second SIGTERM ends it at once. Where no such handler is possible (Windows, another thread), nothing changes.
    """
    atexit.register(_end_now)  # now, so that it comes after what libraries register
    before = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()
    leaving: list[asyncio.Task[None]] = []

    def asked() -> None:
        if leaving:
            _end(before)
        else:
            _log.info("SIGTERM: no further runs are accepted, and those in work are put back.")
            leaving.append(loop.create_task(_leave(drain, before)))

    try:
        loop.add_signal_handler(signal.SIGTERM, asked)
    except (NotImplementedError, RuntimeError, ValueError):
        _log.warning("SIGTERM cannot be caught here; runs in work go on from their last checkpoints.")


def uvicorn_behind(handler: object) -> Any | None:
    """Find the uvicorn server that has set this signal handler; None where it is somebody else's."""
    server = getattr(handler, "__self__", None)
    config = getattr(server, "config", None)
    known = ("timeout_graceful_shutdown", "http_protocol_class", "ws_protocol_class", "ws_max_size")
    return server if hasattr(server, "should_exit") and all(hasattr(config, one) for one in known) else None


async def _leave(drain: Callable[[], None], before: Any) -> None:
    began = time.monotonic()
    try:
        await run_in_threadpool(drain)
        _log.info("Everything is kept, after %.1f s; the doors close.", time.monotonic() - began)
    except Exception:
        _log.exception("Not everything could be put back; it is found again at the next start.")
    _kept.set()
    # A page in the middle of something long may hold up whoever waits for its thread.
    threading.Thread(target=_end_anyway, name="end", daemon=True).start()
    _end(before)


def _end_anyway() -> None:
    time.sleep(CONNECTIONS_SECONDS + FAREWELL_SECONDS)
    os._exit(0)


def _end_now() -> None:
    """Skip the rest of the interpreter's end.

    It takes the processor from threads wherever they are, and then waits for locks that they held: a server that
    was told to end while it imported torch was seen to hang there, with no thread left that could have ended it.
    """
    if _kept.is_set():
        logging.shutdown()
        os._exit(0)


def _end(before: Callable[[int, FrameType | None], Any] | int | None) -> None:
    """Tell the server, which has set the handler ``before`` ours, to close its doors.

    Its own handler would raise the signal again after a clean end, and so spoil the exit status.
    """
    server = uvicorn_behind(before)
    if server is not None:
        config = server.config
        config.timeout_graceful_shutdown = config.timeout_graceful_shutdown or CONNECTIONS_SECONDS
        server.should_exit = True
    elif callable(before):
        before(signal.SIGTERM, None)
    else:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)

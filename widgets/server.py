"""What the server does besides drawing pages: heavy imports in the background, and the visitor's cookie."""

import gc
import re
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import errors, live, logs
from core.jobs import api
from widgets import allocator, media_gate, operations, shutdown, upload_gate

COOKIE = "tll_visitor"
COOKIE_SECONDS = 365 * 24 * 3600
# What Streamlit is told about whoever opens a websocket (server.trustedUserHeaders in .streamlit/config.toml). It
# resumes a session, after a lost connection, for the same user alone; else for everybody who names its id.
VISITOR_HEADER = b"x-tll-visitor"
_VISITOR = re.compile(r"[0-9a-f]{32}")

# Torch takes seconds to import, here and in the worker, and would slow the first page down: both wait for that
# page and a moment longer, until the browser has painted it. Where nobody comes, they start by themselves; where runs
# wait from before a restart, at once.
PRELOAD_AFTER_SECONDS = 15.0
PAINT_SECONDS = 1.0
MOST_THREADS = 4  # of torch in this process, on machines with many cores; workers have their own number

_first_page = threading.Event()
_loaded = threading.Event()
_closing = threading.Event()


def new_visitor() -> str:
    """Draw an unguessable visitor id: 128 random bits as hex."""
    return secrets.token_hex(16)


def is_visitor(value: str) -> bool:
    """Whether ``value`` has the form of a visitor id."""
    return _VISITOR.fullmatch(value) is not None


def page_was_drawn() -> None:
    """Tell the preloader that somebody has a page in front of them, so that it may use the processor."""
    _first_page.set()


def heavy_imports_done() -> bool:
    """Whether torch and its company are imported, so that a page may use them without waiting."""
    return _loaded.is_set()


def _runs_wait() -> bool:
    try:
        return bool(api.active())
    except errors.StoreError:  # a database that is locked now may answer later
        return False


def _preload() -> None:
    if not _runs_wait() and _first_page.wait(PRELOAD_AFTER_SECONDS):
        time.sleep(PAINT_SECONDS)
    if _closing.is_set():
        return
    api.start()
    from widgets import data_picker

    data_picker.warm_up()
    import plotly.graph_objects
    import torch

    # Explanations of several visitors run beside each other and beside the worker. Threads that wait for each other
    # at every layer then mostly wait: on two cores with 30 visitors the 95th percentile of all clicks was 1.3 s with
    # two threads and 0.3 s with one (benchmarks/classroom.py).
    torch.set_num_threads(max(1, min(MOST_THREADS, torch.get_num_threads() // 4)))

    from core.interpretation import attribution, early_and_late, filters
    from core.vision import torchvision

    # The imported modules hold hundreds of thousands of objects that never die: the collector need not
    # look at them again.
    del plotly, torch, torchvision, attribution, early_and_late, filters
    logs.adopt_libraries()
    gc.collect()
    gc.freeze()
    _loaded.set()


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Start preloading and the run queue with the server; on the way out a run in work is put back."""
    allocator.few_heaps()
    logs.configure()
    shutdown.on_sigterm(_drain)
    media_gate.install(visitor_in)
    threading.Thread(target=_preload, name="preload", daemon=True).start()
    try:
        yield {}
    finally:
        await run_in_threadpool(_drain)


def _drain() -> None:
    _closing.set()
    live.close()
    api.leave()


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
        elif scope["type"] == "http" and scope["method"] == "GET" and _wants_page(scope):
            # Read as Streamlit reads it: the standard library stumbles over cookies that others have set.
            known = visitor_in(HTTPConnection(scope).cookies)
            send = _with_cookie(send, secure=_is_https(scope)) if known is None else send
        await self.app(scope, receive, send)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _wants_page(scope: Scope) -> bool:
    return "text/html" in _header(scope, b"accept") and "/_stcore/" not in scope["path"]


def _is_https(scope: Scope) -> bool:
    return "https" in (scope.get("scheme"), _header(scope, b"x-forwarded-proto"))


def visitor_in(cookies: Mapping[str, str]) -> str | None:
    """Read the visitor's id out of cookies; None where there is none of ours."""
    value = cookies.get(COOKIE, "")
    return value if is_visitor(value) else None


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


MIDDLEWARE = [
    Middleware(operations.OwnFigures),
    Middleware(VisitorCookie),
    Middleware(upload_gate.UploadGate, visitor_in=visitor_in),
    Middleware(media_gate.MediaGate, visitor_in=visitor_in),
]

"""What the server does besides drawing pages: heavy imports in the background, gates before pages, the end."""

import asyncio
import contextlib
import gc
import logging
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from core import errors, logs
from core.datasets import foreign
from core.images import decoding
from core.runs import service
from widgets import allocator, connections, frame, media_gate, operations, shutdown, upload_gate
from widgets.origin_gate import OriginGate
from widgets.safe_headers import SafeHeaders
from widgets.socket_gate import SocketGate
from widgets.visitor_cookie import VisitorCookie, visitor_in

# Torch takes seconds to import, here and in the worker, and would slow the first page down: both wait for that
# page and a moment longer, until the browser has painted it. Where nobody comes, they start by themselves; where runs
# wait from before a restart, at once.
PRELOAD_AFTER_SECONDS = 15.0
PAINT_SECONDS = 1.0
MOST_THREADS = 4  # of torch in this process, on machines with many cores; workers have their own number

RETRY_SECONDS = 5.0
THREADS = 64  # for what must not hold up the event loop

_closing = threading.Event()
_log = logging.getLogger(__name__)


def _runs_wait() -> bool:
    try:
        return bool(service.active())
    except errors.StoreError:  # a database that is locked now may answer later
        return False


def _queue_served() -> bool:
    try:
        service.start()
    except errors.StoreError as error:
        _log.error("Nobody serves the queue, which is tried again: %s", error)
        return False
    return True


def _preload() -> None:
    if not _runs_wait() and frame.page_drawn.wait(PRELOAD_AFTER_SECONDS):
        time.sleep(PAINT_SECONDS)
    if _closing.is_set():
        return
    while not _queue_served() and not _closing.wait(RETRY_SECONDS):
        pass
    with contextlib.suppress(OSError):  # no room for a process now: the first picture tries again
        decoding.warm_up()
        foreign.warm_up()
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


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Start preloading and the run queue with the server; on the way out a run in work is put back."""
    allocator.few_heaps()
    # Downloads that wait for their turn take a thread each, and must not take all.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "server"))
    logs.configure()
    connections.bound()
    shutdown.on_sigterm(_drain)
    media_gate.install(visitor_in)
    allocator.give_back(_closing)
    threading.Thread(target=_preload, name="preload", daemon=True).start()
    try:
        yield {}
    finally:
        await run_in_threadpool(_drain)


def _drain() -> None:
    _closing.set()
    service.leave()


MIDDLEWARE = [
    Middleware(SafeHeaders),
    Middleware(OriginGate),
    Middleware(operations.OwnFigures),
    Middleware(SocketGate, visitor_in=visitor_in),
    Middleware(VisitorCookie),
    Middleware(upload_gate.UploadGate, visitor_in=visitor_in),
    Middleware(media_gate.MediaGate, visitor_in=visitor_in),
]

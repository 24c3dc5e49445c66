"""Addresses for whoever runs the host: is the server alive, is it ready for visitors, and its figures.

``/health`` and ``/ready`` may be seen by anybody; ``/metrics`` and Streamlit's own figures only by a program on this
machine that came without a proxy, or by one that knows ``TLL_METRICS_TOKEN``. No figure tells of a single visitor.
"""

import contextlib
import hmac
import ipaddress
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.stats import ACTIVE_SESSIONS_FAMILY

from core import environment, errors
from core.runs import health, service
from core.runs.executors import devices
from core.runs.home import home
from core.runs.store import census

STREAMLITS_OWN = "/_stcore/metrics"
CHECKED_FOR_SECONDS = 1.0  # one look at the disk and the database serves all who ask meanwhile
RERUN_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
_FROM_A_PROXY = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_NO_CACHE = {"Cache-Control": "no-store"}

_log = logging.getLogger(__name__)
_registry = prometheus_client.CollectorRegistry()
_reruns = prometheus_client.Histogram(
    "tll_page_rerun_seconds",
    "Time to run a page's script once, from its first line to its last; fragments by themselves not counted.",
    ["page"],
    buckets=RERUN_BUCKETS,
    registry=_registry,
)
_page_errors = prometheus_client.Counter(
    "tll_page_errors", "Page scripts that ended with an error of ours.", ["page"], registry=_registry
)


@contextmanager
def timed(page: str) -> Iterator[None]:
    """Measure one run of a page's script; ``page`` is one of the table of pages, so there are few of them."""
    began = time.perf_counter()
    try:
        yield
    except Exception:  # st.stop() and st.rerun() are none of these
        _page_errors.labels(page).inc()
        raise
    finally:
        _reruns.labels(page).observe(time.perf_counter() - began)


async def alive(_request: Request) -> Response:
    """Answer at once, without a look at anything: the process lives and its event loop turns."""
    return JSONResponse({"status": "alive"}, headers=_NO_CACHE)


def ready(_request: Request) -> Response:
    """Say whether visitors may come: 200, or 503 with the part that is in the way."""
    checks = _checks.now()
    fine = all(check.ok for check in checks)
    parts = {check.part: {"ok": check.ok, "says": check.says} for check in checks}
    return JSONResponse(
        {"status": "ready" if fine else "not ready", "parts": parts},
        status_code=200 if fine else 503,
        headers=_NO_CACHE,
    )


def metrics(request: Request) -> Response:
    """Write all figures in Prometheus' text format; 404 for whoever they are not meant for."""
    if not may_see_figures(request):
        return PlainTextResponse("Not Found", status_code=404)
    return Response(
        prometheus_client.generate_latest(_registry),
        media_type=prometheus_client.CONTENT_TYPE_LATEST,
        headers=_NO_CACHE,
    )


def may_see_figures(asks: HTTPConnection) -> bool:
    """Whether the request comes from this very machine and from no proxy on it, or shows the token."""
    wanted = environment.METRICS_TOKEN.text()
    scheme, _, shown = asks.headers.get("authorization", "").partition(" ")
    if wanted and scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), wanted.encode()):
        return True
    through_proxy = any(name in asks.headers for name in _FROM_A_PROXY)
    return not through_proxy and asks.client is not None and _is_this_machine(asks.client.host)


class OwnFigures:
    """Keep Streamlit's own figures, which it shows to everybody, to those who may see ours."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404 in Streamlit's place, or pass the request on."""
        # Wherever it stands: routes take more for this address than looks like it, as with a line's end behind it.
        its = scope["type"] == "http" and STREAMLITS_OWN in scope["path"]
        if its and not may_see_figures(HTTPConnection(scope)):
            await PlainTextResponse("Not Found", status_code=404)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class _Checks:
    """The newest readiness, looked at again when it is older than a moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._found: tuple[health.Check, ...] = ()

    def now(self) -> tuple[health.Check, ...]:
        with self._lock:
            if time.monotonic() >= self._until or service.leaving():
                try:
                    self._found = health.readiness(home(), service.dispatcher(), leaving=service.leaving())
                except errors.StoreError as error:
                    self._found = (health.Check(part="store", ok=False, says=str(error)),)
                self._until = time.monotonic() + CHECKED_FOR_SECONDS
            return self._found


class _Lab(Collector):
    """The figures that are read when they are asked for; what cannot be read is left out, not made up."""

    def collect(self) -> Iterator[Metric]:
        """Read the store, the workers, the devices and this process."""
        up = GaugeMetricFamily("tll_store_up", "Whether the run store answered.")
        try:
            found = census.census(home())
        except errors.StoreError:
            _log.warning("The run store did not answer to a request for figures.")
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
            yield from _of_store(found)
        yield up
        with contextlib.suppress(errors.StoreError):
            yield from _of_workers()
        with contextlib.suppress(errors.StoreError):
            yield _gauge(
                "tll_disk_free_bytes", "Room on the data directory's disk.", health.disk_free(home())
            )
        yield from _of_server()
        yield from _of_gpus()


def _of_store(found: census.Census) -> Iterator[Metric]:
    yield _gauges("tll_runs", "Runs in the store.", "state", found.runs)
    yield _gauge("tll_queue_length", "Runs that wait.", found.runs["queued"])
    yield _gauge(
        "tll_queue_oldest_wait_seconds",
        "For how long the longest waiting run has waited, of those that have not begun before.",
        found.oldest_wait,
    )
    yield _gauge("tll_queue_paused", "Whether the queue is held.", found.paused)
    if found.heartbeat_age is not None:
        yield _gauge(
            "tll_worker_heartbeat_age_seconds",
            "Age of the oldest heartbeat among the runs being worked on.",
            found.heartbeat_age,
        )
    durations = HistogramMetricFamily(
        "tll_run_duration_seconds",
        "From the last start to the end, of the finished runs in the store; it shrinks when runs are deleted.",
        labels=["kind"],
    )
    for kind, one in found.durations.items():
        buckets = [
            (str(bucket), below) for bucket, below in zip(census.DURATION_BUCKETS, one.below, strict=True)
        ]
        durations.add_metric([kind], [*buckets, ("+Inf", one.count)], one.seconds)
    yield durations
    yield _gauge("tll_uploads", "Stored archives of visitors' pictures.", found.uploads)
    yield _gauge("tll_upload_bytes", "Bytes of stored archives.", found.upload_bytes)
    yield _gauge("tll_run_bytes", "Bytes of the files of runs that have ended.", found.run_bytes)


def _of_workers() -> Iterator[Metric]:
    found = health.workers(service.dispatcher())
    yield _gauge("tll_workers_up", "Worker processes.", len(found))
    memory = GaugeMetricFamily(
        "tll_worker_resident_memory_bytes", "Resident memory of a worker.", labels=["worker"]
    )
    seconds = CounterMetricFamily(
        "tll_worker_cpu_seconds", "Processor time of a worker process so far.", labels=["worker"]
    )
    for number, one in enumerate(found):
        memory.add_metric([str(number)], one.memory)
        seconds.add_metric([str(number)], one.processor)
    yield from (memory, seconds)


def _of_server() -> Iterator[Metric]:
    yield _gauge("tll_shutting_down", "Whether the server is about to end.", service.leaving())
    if not runtime.exists():
        return
    streamlits = runtime.get_instance()
    for one in streamlits.stats_mgr.get_stats([ACTIVE_SESSIONS_FAMILY]).get(ACTIVE_SESSIONS_FAMILY, ()):
        yield _gauge("tll_sessions", "Browser tabs that are connected.", getattr(one, "value", 0))
    held = streamlits.uploaded_file_mgr
    families = held.get_stats(None) if hasattr(held, "get_stats") else {}
    in_memory = sum(getattr(one, "byte_length", 0) for stats in families.values() for one in stats)
    yield _gauge(
        "tll_upload_memory_bytes", "Bytes of uploaded files that sessions hold in memory.", in_memory
    )


def _of_gpus() -> Iterator[Metric]:
    names = {
        "memory_used": GaugeMetricFamily("tll_gpu_memory_used_bytes", "GPU memory in use.", labels=["gpu"]),
        "memory": GaugeMetricFamily("tll_gpu_memory_bytes", "GPU memory.", labels=["gpu"]),
        "busy": GaugeMetricFamily(
            "tll_gpu_utilisation_percent", "Share of the last moments that the GPU worked.", labels=["gpu"]
        ),
    }
    for number, gpu in enumerate(devices.gpus()):
        for field, family in names.items():
            family.add_metric([str(number)], getattr(gpu, field))
    yield from (family for family in names.values() if family.samples)


def _gauge(name: str, what: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, what)
    family.add_metric([], float(value))
    return family


def _gauges(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, what, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _is_this_machine(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # A server that listens on both kinds of address sees IPv4 in an IPv6 form.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


_checks = _Checks()
_registry.register(_Lab())
# Of this process: resident memory, processor time, open files, start time.
prometheus_client.ProcessCollector(registry=_registry)

ROUTES: tuple[BaseRoute, ...] = (
    Route("/health", alive),
    Route("/ready", ready),
    Route("/metrics", metrics),
)

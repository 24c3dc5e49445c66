"""A real server as its operator sees it: addresses, who may read figures, and the way out with a run in work."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import HTTPConnection
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

import streamlit_app
from core import errors
from core.runs import service
from core.runs.executors import devices
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds.lanes import TRAINING
from core.runs.spec import RunSpec
from core.runs.store.runs import Store
from core.training.config import FinetuneConfig
from widgets import operations

PROJECT = Path(__file__).resolve().parents[2]
TOKEN = "a token for figures"
SPEC = RunSpec(
    config=FinetuneConfig(
        backbone="tiny_resnet18",
        strategy="freeze_to_depth",
        freeze_depth=3,
        epochs=6,
        image_size=32,
        views=2,
        batch_size=16,
        seed=3,
    ),
    data="lfw-faces",
    title="A run",
)


class Server:
    """``streamlit run`` in a process of its own."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = home.parent / f"server-{self.port}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "streamlit", "run", "streamlit_app.py"),
                    *(f"--server.port={self.port}", "--server.address=127.0.0.1"),
                ],
                cwd=PROJECT,
                env=os.environ
                | {"TLL_HOME": str(home), "OMP_NUM_THREADS": "1", "TLL_METRICS_TOKEN": TOKEN}
                | {"PYTHONWARNINGS": "default"},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        until(lambda: self.process.poll() is not None or self.get("/health")[0] == 200)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Ask from this machine; status 0 where nobody answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def tab(self) -> Any:
        """Open the websocket of a page, as a browser tab does."""
        return connect(f"ws://127.0.0.1:{self.port}/_stcore/stream", subprotocols=["streamlit"])

    def visit(self) -> None:
        """Have the front page drawn, so that the server need not wait for somebody before it starts its worker."""
        asks = BackMsg()
        asks.rerun_script.query_string = ""
        with self.tab() as opened:
            opened.send(asks.SerializeToString())
            until(lambda: self.figures().get("tll_page_rerun_seconds_count{page=home}", 0) >= 1)

    def errors_on(self, page: str) -> list[str]:
        """Have a page drawn: the errors that it shows, as sentences; a defect fails the test."""
        asks = BackMsg()
        asks.rerun_script.page_name = page
        found = []
        with self.tab() as opened:
            opened.send(asks.SerializeToString())
            while (message := ForwardMsg.FromString(opened.recv(timeout=60))).WhichOneof(
                "type"
            ) != "script_finished":
                element = message.delta.new_element
                assert not element.HasField("exception"), element.exception
                if element.HasField("alert") and element.alert.format == element.alert.ERROR:
                    found.append(element.alert.body)
        return found

    def figures(self) -> dict[str, float]:
        """All samples, ``name`` or ``name{label=value}`` -> value, read by Prometheus' own parser."""
        status, text = self.get("/metrics")
        assert status == 200
        return {
            sample.name + "".join(f"{{{key}={value}}}" for key, value in sample.labels.items()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


def until(condition: Callable[[], object], seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@contextmanager
def _served(home: Path) -> Iterator[Server]:
    server = Server(home)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    home = tmp_path_factory.mktemp("lab") / "home"
    home.mkdir(mode=0o700)
    Store(home).close()
    with _served(home) as server:
        yield home, server


@pytest.fixture
def tab(lab: tuple[Path, Server]) -> Iterator[Any]:
    """A browser tab: the websocket of a page, open and silent."""
    with lab[1].tab() as opened:
        yield opened


def test_addresses_are_ours_and_not_the_page_that_streamlit_shows_for_any(lab: tuple[Path, Server]) -> None:
    server = lab[1]
    assert server.get("/health") == (200, '{"status":"alive"}')
    status, text = server.get("/ready")
    assert status == 200
    assert {part: one["ok"] for part, one in json.loads(text)["parts"].items()} == {
        "server": True,
        "store": True,
        "disk": True,
        "worker": True,
    }
    assert "<!doctype html>" in server.get("/anything-else")[1].lower()


def test_readiness_follows_the_store(lab: tuple[Path, Server]) -> None:
    home, server = lab
    database, aside = home / "runs.sqlite3", home / "aside.sqlite3"
    database.rename(aside)
    try:
        until(lambda: server.get("/ready")[0] == 503)
        parts = json.loads(server.get("/ready")[1])["parts"]
        assert [part for part, one in parts.items() if not one["ok"]] == ["store"]
        assert server.get("/health")[0] == 200
        assert server.figures()["tll_store_up"] == 0
    finally:
        aside.rename(database)
    until(lambda: server.get("/ready")[0] == 200)


def test_a_data_folder_that_goes_is_one_sentence_and_all_goes_on_when_it_is_back(
    lab: tuple[Path, Server],
) -> None:
    home, server = lab
    away = home.with_name("away")
    with closing(Store(home)) as store:
        store.pause(True)  # no worker takes it before it is stopped
        run = store.add(SPEC, "ann")
        store.stop(run)
        store.pause(False)
    for instead in ("nothing", "a file", "an empty folder"):
        home.rename(away)
        try:
            if instead == "a file":
                home.touch()
            elif instead == "an empty folder":
                home.mkdir()
            until(lambda: server.get("/ready")[0] == 503)
            parts = json.loads(server.get("/ready")[1])["parts"]
            assert not parts["store"]["ok"], instead
            assert str(home) not in str(parts)
            assert server.get("/health")[0] == 200
            assert server.figures()["tll_store_up"] == 0
            told = server.errors_on("runs")
            assert [one for one in told if "tell whoever runs this lab" in one] == told
            assert told
            assert not home.is_dir() or not list(home.iterdir()), "nothing is made in its place"
        finally:
            if instead != "nothing":
                home.unlink() if home.is_file() else home.rmdir()
            away.rename(home)
        until(lambda: server.get("/ready")[0] == 200)
        assert not server.errors_on("runs")
    with closing(Store(home)) as store:
        store.delete(run)
    assert not [line for line in server.log.read_text().splitlines() if line and not line.startswith("{")]


@pytest.mark.parametrize(
    "path",
    # A route takes an address with a line's end behind it for its own.
    ["/metrics", "/metrics%0A", "/_stcore/metrics", "/_stcore/metrics%0A", "/_stcore/metrics?families="],
)
def test_figures_are_for_this_machine_without_a_proxy_or_for_the_token(
    lab: tuple[Path, Server], path: str
) -> None:
    server = lab[1]
    assert server.get(path)[0] == 200
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Proto"):
        assert server.get(path, **{header: "127.0.0.1"})[0] == 404, header
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    assert server.get(path, Authorization=f"Bearer {TOKEN}", **proxied)[0] == 200
    for wrong in ("Bearer wrong", "Bearer ", TOKEN, f"Basic {TOKEN}"):
        assert server.get(path, Authorization=wrong, **proxied)[0] == 404, wrong


@pytest.mark.parametrize(
    ("host", "may"),
    [
        *((host, True) for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.0.1")),
        *((host, False) for host in ("10.0.0.5", "::ffff:10.0.0.5", "2001:db8::1", "testclient")),
    ],
)
def test_only_this_machine_may_see_figures(host: str, may: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TLL_METRICS_TOKEN", raising=False)
    scope: dict[str, Any] = {"type": "http", "client": (host, 1234), "headers": []}
    assert operations.may_see_figures(HTTPConnection(scope)) is may
    # Without a token set, an empty one opens nothing.
    empty: dict[str, Any] = {
        "type": "http",
        "client": ("10.0.0.5", 1),
        "headers": [(b"authorization", b"Bearer ")],
    }
    assert not operations.may_see_figures(HTTPConnection(empty))


def test_figures_tell_of_the_lab_and_of_nobody(lab: tuple[Path, Server], tab: Any) -> None:
    home, server = lab
    visitor = secrets.token_hex(16)
    with closing(Store(home)) as store:
        store.pause(True)
        run = store.add(SPEC, visitor)
        store.keeping.measured(run, 98_765)
        store.uploads.add("token-of-ann", visitor, "anna.zip", "digest", 4321)
    try:
        # Tabs of tests before are still being closed, and this one's session begins after its handshake.
        until(lambda: server.figures()["tll_sessions"] == 1)
        figures = server.figures()
        assert figures["tll_runs{state=queued}"] == 1
        assert figures["tll_queue_length"] == 1
        assert figures["tll_queue_paused"] == 1
        assert 0 < figures["tll_queue_oldest_wait_seconds"] < 60
        assert figures["tll_upload_bytes"] == 4321
        assert figures["tll_run_bytes"] == 98_765
        assert figures["tll_store_up"] == 1
        assert figures["tll_disk_free_bytes"] > 0
        assert 5e7 < figures["process_resident_memory_bytes"] < 5e9
        assert figures["process_cpu_seconds_total"] > 0
        text = server.get("/metrics")[1] + server.get("/_stcore/metrics")[1]
        for secret in (visitor, run, "anna.zip", "token-of-ann", str(home)):
            assert secret not in text
        assert not re.search(r"[0-9a-f]{32}", text)
    finally:
        with closing(Store(home)) as store:
            store.stop(run)
            store.delete(run)
            store.pause(False)


def test_gpus_are_numbered_and_told_in_bytes_and_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none on most machines that run tests, so the driver's answer is put in place."""
    assert not [family for family in operations._of_gpus() if not family.samples]
    two = [
        devices.Gpu(uuid=f"GPU-{number}", name="Card", memory=80 * 10**9, memory_used=number * 10**9, busy=50)
        for number in range(2)
    ]
    monkeypatch.setattr(devices, "gpus", lambda: two)
    told = {
        (sample.name, sample.labels["gpu"]): sample.value
        for family in operations._of_gpus()
        for sample in family.samples
    }
    assert told["tll_gpu_memory_used_bytes", "1"] == 1e9
    assert told["tll_gpu_memory_bytes", "0"] == 8e10
    assert told["tll_gpu_utilisation_percent", "0"] == 50
    assert "GPU-1" not in str(told)


def test_pages_are_timed_by_their_addresses_and_errors_counted() -> None:
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(PROJECT / "widgets" / "session.py"), default_timeout=60)
    before = _samples()
    app.run()
    after = _samples()
    assert after["home", "_count"] == before.get(("home", "_count"), 0) + 1
    assert after["home", "_sum"] > before.get(("home", "_sum"), 0)
    addresses = {address or "home" for *_, address in streamlit_app.PAGES}
    with pytest.raises(ZeroDivisionError), operations.timed("riding"):
        _ = 1 / 0
    assert _samples()["riding", "_total"] >= 1
    assert {page for page, _ in _samples()} <= addresses


def _samples() -> dict[tuple[str, str], float]:
    return {
        (sample.labels["page"], sample.name[sample.name.rindex("_") :]): sample.value
        for metric in (operations._reruns, operations._page_errors)
        for family in metric.collect()
        for sample in family.samples
        if "le" not in sample.labels
    }


def test_while_leaving_nothing_new_is_accepted_and_everything_can_be_read(own_home: Path) -> None:
    service.pause(True)
    run = service.submit(SPEC, "ann", control=False)
    service.leave()
    try:
        assert service.leaving()
        assert service.run(run).state == "queued"
        for attempt in (
            lambda: service.submit(SPEC, "bob"),
            lambda: service.resume(run),
            lambda: service.extend(run, 1),
        ):
            with pytest.raises(errors.RunError):
                attempt()
        with pytest.raises(errors.RunError, match="about to restart"):
            service.submit(SPEC, "bob")
        service.start()
        assert not service.dispatcher().alive
    finally:
        service.shutdown()


def test_sigterm_puts_a_run_back_and_a_restart_ends_it_as_if_nothing_had_happened(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("leaving") / "home"
    home.mkdir(mode=0o700)
    with closing(Store(home)) as store:
        undisturbed, disturbed = store.add(SPEC, "ann"), store.add(SPEC, "ann")
        log = run_directory(home, disturbed) / artefacts.EVENTS
        with _served(home) as server:  # which starts its worker at once, since runs wait
            until(lambda: any(one["event"] == "checkpoint" for one in artefacts.whole_log(log)))
            # It goes on once the server was seen to leave: not so far meanwhile that it would be over.
            worker = _training_worker(server)
            worker.suspend()
            with (
                server.tab(),
                socket.create_connection(("127.0.0.1", server.port)) as silent,
            ):
                silent.sendall(_upgrade(server.port))  # a browser that never answers to a goodbye
                assert b"101" in silent.recv(100)
                server.process.send_signal(signal.SIGTERM)
                seen, end = [], time.monotonic() + 60  # eight are enough on a machine that does nothing else
                while server.process.poll() is None and time.monotonic() < end:
                    seen.append(server.get("/ready")[0])
                    if seen[-1] == 503:
                        with suppress(psutil.NoSuchProcess):
                            worker.resume()
                    time.sleep(0.02)
            assert server.process.returncode == 0, server.log.read_text()
            # A question that is on its way when the signal comes may still be answered with 200.
            assert 503 in seen, "readiness tells of the end before the doors close"
            assert set(seen[seen.index(503) :]) <= {503, 0}
            lines = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
            assert any("SIGTERM" in json.loads(line)["message"] for line in lines)
            assert not [line for line in lines if json.loads(line)["level"] == "error"]
        assert store.run(undisturbed).state == "finished"
        assert store.run(disturbed).state == "queued"
        kept = [one["epoch"] for one in artefacts.whole_log(log) if one["event"] == "checkpoint"]
        assert 1 <= kept[-1] < SPEC.finetune.epochs
        with _served(home) as server:
            until(lambda: not store.run(disturbed).active)
            durations = server.figures()
            assert durations["tll_run_duration_seconds_count{kind=finetune}"] == 2
            assert durations["tll_workers_up"] == 1
            assert 5e7 < durations["tll_worker_resident_memory_bytes{worker=0}"] < 5e9
        resumed = [one["epoch"] for one in artefacts.whole_log(log) if one["event"] == "resumed"]
        assert resumed == [kept[-1]]
    assert _result(home, disturbed) == _result(home, undisturbed)


def _training_worker(server: Server) -> psutil.Process:
    children = psutil.Process(server.process.pid).children()
    (worker,) = [one for one in children if one.cmdline()[2:] == ["core.runs.executors.worker", TRAINING]]
    return worker


def _upgrade(port: int) -> bytes:
    return (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def _result(home: Path, run: str) -> dict[str, Any]:
    """What a run found, without what depends on the clock and on the number of parts that it ran in."""
    found = json.loads((run_directory(home, run) / artefacts.RESULT).read_bytes())
    for name in list(found):
        if "second" in name or "memory" in name or name == "segments":
            del found[name]
    for epoch in found["epochs"]:
        for name in [name for name in epoch if "second" in name]:
            del epoch[name]
    return found

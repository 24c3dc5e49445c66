"""A real server among strangers: too many pages, what no page says, empty or endless connections, others, its log."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from core import errors
from widgets import connections, messages, safe_headers, socket_gate
from widgets.visitor_cookie import COOKIE, new_visitor

PROJECT = Path(__file__).resolve().parents[2]
STRANGER = ("127.0.0.2", 0)  # no proxy's address, unlike 127.0.0.1
VISITOR, ADDRESS, CONNECTIONS = 3, 6, 12
SECONDS = 3.0  # that the server waits for a request, a reader, and a page's first word; tests are quicker
APP = f"""
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from core import logs
from widgets import connections, frame, safe_headers, socket_gate, visitor_cookie
from widgets.origin_gate import OriginGate

connections.REQUEST_SECONDS = connections.STALLED_SECONDS = socket_gate.FIRST_WORD_SECONDS = {SECONDS}
socket_gate.MOST_SAID = 5_000_000
places = socket_gate.Places(visitor={VISITOR}, address={ADDRESS}, everybody=9)
socket_gate.places = lambda: places

@asynccontextmanager
async def lifespan(app):
    logs.configure()
    connections.bound()
    yield {{}}

def large(request):
    return PlainTextResponse("x" * 30_000_000)

async def echo(request):
    return PlainTextResponse(str(len(await request.body())))

def broken(request):
    raise ZeroDivisionError(request.query_params["name"])

app = st.App("page.py", lifespan=lifespan, routes=[
    Route("/large", large), Route("/echo", echo, methods=["POST"]), Route("/broken", broken),
], middleware=[
    Middleware(safe_headers.SafeHeaders),
    Middleware(OriginGate),
    Middleware(socket_gate.SocketGate, visitor_in=visitor_cookie.visitor_in),
    Middleware(visitor_cookie.VisitorCookie),
], exception_handlers={{500: safe_headers.broken}}, on_script_error=frame.show)
"""
PAGE = """
import errno
import streamlit as st
from core import errors
from widgets import frame

what = st.query_params.get("what")
st.title("A page")
if what == "defect":
    raise KeyError(st.query_params["name"])
with frame.shown_errors():
    if what == "disk":
        raise OSError(errno.EROFS, "Read-only file system", "/var/lib/lab/runs/1")
if what == "store":
    raise errors.StoreError("The data folder is away; tell whoever runs this lab.")
"""


class Server:
    """The server of `APP`."""

    def __init__(self, port: int, log: Path, process: int) -> None:
        self.port, self.log, self.process = port, log, process
        self.address = f"http://127.0.0.1:{port}"

    def tab(self, visitor: str | None = None, *, host: str = STRANGER[0], **headers: str) -> ClientConnection:
        cookie = {"Cookie": f"{COOKIE}={visitor or new_visitor()}"} if visitor != "" else {}
        return connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            additional_headers=cookie | {name.replace("_", "-"): value for name, value in headers.items()},
            source_address=(host, 0),
            max_size=None,
            max_queue=None,
            proxy=None,
            legacy=True,
        )

    def refused(self, **more: str) -> tuple[int, str]:
        """Try to open a page's websocket: the answer's status and text."""
        with pytest.raises(InvalidStatus) as refused, self.tab(**more):  # type: ignore[arg-type]
            pass
        return refused.value.response.status_code, (refused.value.response.body or b"").decode()

    def raw(self, text: str = "", *, host: str = STRANGER[0], buffer: int | None = None) -> socket.socket:
        one = socket.socket()
        if buffer is not None:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        one.settimeout(60)
        one.bind((host, 0))
        one.connect(("127.0.0.1", self.port))
        one.sendall(text.replace("HOST", f"127.0.0.1:{self.port}").encode())
        return one

    def raw_tab(self) -> socket.socket:
        """Open a page's websocket whose frames are the test's own."""
        one = self.raw(
            "GET /_stcore/stream HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
            f"Cookie: {COOKIE}={new_visitor()}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b" 101 " in one.recv(1000)
        return one

    def logged(self, word: str) -> list[dict[str, str]]:
        """The log's lines with this word; every line is JSON."""
        whole = self.log.read_text().rpartition("\n")[0]  # the last line may be half written
        lines = [json.loads(line) for line in whole.splitlines() if line.strip()]
        return [line for line in lines if word in json.dumps(line)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("strangers")
    (folder / "page.py").write_text(PAGE)
    (folder / "app.py").write_text(APP)
    shutil.copytree(PROJECT / ".streamlit", folder / ".streamlit")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*command, "--server.address=127.0.0.1"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    made = Server(port, folder / "log", process.pid)
    try:
        _until(lambda: process.poll() is not None or _answers(made))
        yield made
    finally:
        process.terminate()
        process.wait(60)


def _answers(server: Server) -> bool:
    try:
        return requests.get(f"{server.address}/_stcore/health", timeout=5).ok
    except requests.RequestException:
        return False


def _until(condition: Callable[[], object], seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def _asks(*sizes: int, query: str = "") -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = query
    for number, size in enumerate(sizes):
        message.rerun_script.widget_states.widgets.add(id=f"unknown-{number}", bytes_value=bytes(size))
    return message.SerializeToString()


def _drawn(tab: ClientConnection) -> list[ForwardMsg]:
    """All messages until the script has ended."""
    found: list[ForwardMsg] = []
    while not found or found[-1].WhichOneof("type") != "script_finished":
        found.append(ForwardMsg.FromString(tab.recv(timeout=60)))  # type: ignore[arg-type]
    return found


def _answer(tab: ClientConnection, kind: str) -> ForwardMsg:
    """Read on until a message of this kind."""
    while (one := ForwardMsg.FromString(tab.recv(timeout=60))).WhichOneof("type") != kind:  # type: ignore[arg-type]
        pass
    return one


def _is_over(tab: ClientConnection) -> bool:
    return tab.protocol.state is State.CLOSED


def _ended(tab: ClientConnection, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    with contextlib.suppress(ConnectionClosed):
        while tab.recv(timeout=end - time.monotonic()):
            pass
    assert _is_over(tab)


# --- pages ----------------------------------------------------------------------------------------------


def test_a_page_of_another_address_opens_no_websocket_and_sends_nothing(server: Server) -> None:
    for origin in ("https://evil.example", f"http://127.0.0.1:{server.port + 1}", "null"):
        status, says = server.refused(Origin=origin)
        assert status == 403
        assert "another address" in says
        url = f"{server.address}/_stcore/upload_file/s/f"
        for ask in (requests.put, requests.delete, requests.options):
            answer = ask(url, headers={"Origin": origin}, timeout=60)
            assert answer.status_code == 403
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    with server.tab(Origin=server.address) as own:
        own.send(_asks())
        assert _drawn(own)


def test_one_visitor_opens_a_few_pages_and_is_told_why_no_more(server: Server) -> None:
    visitor = new_visitor()
    open_now = [_staying(lambda: server.tab(visitor)) for _ in range(VISITOR)]
    status, says = server.refused(visitor=visitor)
    assert status == 503
    assert "close some tabs" in says
    cookie = {"Cookie": f"{COOKIE}={visitor}"}
    page = requests.get(server.address, headers=cookie | {"Accept": "text/html"}, timeout=60)
    assert (page.status_code, page.text) == (503, says)
    assert page.headers["Refresh"] == "30", "the page tries again by itself"
    # What Streamlit's own window shows before each try to connect, line by line.
    shown = requests.get(f"{server.address}/_stcore/host-config", headers=cookie, timeout=60)
    assert shown.status_code == 503
    assert " ".join(shown.json().split()) == says
    assert max(map(len, shown.json().splitlines())) <= 32
    assert requests.get(f"{server.address}/_stcore/health", headers=cookie, timeout=60).ok
    assert server.logged("Pages are refused")
    assert not server.logged(visitor)
    assert requests.get(server.address, headers={"Accept": "text/html"}, timeout=60).ok
    open_now.pop().close()
    _until(lambda: requests.get(f"{server.address}/_stcore/host-config", headers=cookie, timeout=60).ok)
    for tab in [*open_now, server.tab(visitor)]:
        tab.close()


def test_invented_cookies_do_not_help_and_other_addresses_keep_their_places(server: Server) -> None:
    strangers = [_staying(server.tab) for _ in range(ADDRESS)]
    status, says = server.refused()
    assert status == 503
    assert "in this network" in says
    others = [_staying(lambda: server.tab(host="127.0.0.3")) for _ in range(9 - ADDRESS)]
    assert "Too many people" in server.refused(host="127.0.0.3")[1]
    for tab in strangers + others:
        tab.close()
    without = [_staying(lambda: server.tab("")) for _ in range(VISITOR)]
    assert "close some tabs" in server.refused(visitor="")[1]
    for tab in without:
        tab.close()


def _opened(attempt: Callable[[], ClientConnection]) -> ClientConnection:
    """Open a tab as soon as those that were closed have been forgotten."""
    end = time.monotonic() + 60
    while True:
        try:
            return attempt()
        except InvalidStatus:
            assert time.monotonic() < end
            time.sleep(0.1)


def _staying(attempt: Callable[[], ClientConnection]) -> ClientConnection:
    """Open a tab that has asked for its page: a silent one is soon ended."""
    tab = _opened(attempt)
    tab.send(_asks())
    return tab


def test_state_of_unknown_widgets_is_not_taken_and_costs_nothing(server: Server) -> None:
    process = psutil.Process(server.process)
    before = process.memory_info().rss
    for _ in range(8):
        tab = _opened(server.tab)
        with contextlib.suppress(ConnectionClosed):
            tab.send(_asks(24_000_000))
        _ended(tab)
    assert process.memory_info().rss - before < 40e6
    tab = _opened(server.tab)
    tab.send(_asks(*[300_000] * 5))  # more than any page has
    assert _drawn(tab)
    tab.close()


def test_one_address_says_only_so_much_at_once(server: Server) -> None:
    def open_tab() -> ClientConnection:
        return _opened(lambda: server.tab(host="127.0.0.6"))  # from which nobody else has said anything

    visitors = [open_tab() for _ in range(3)]
    for tab in visitors:
        tab.send(_asks(1_900_000))
    _until(lambda: any(_is_over(tab) for tab in visitors))  # 5.7 MB of 5: whichever was read last
    others = [tab for tab in visitors if not _is_over(tab)]
    assert len(others) == 2
    for tab in others:
        assert _drawn(tab)
        tab.close()

    def is_heard() -> bool:
        with open_tab() as tab:
            try:
                tab.send(_asks(1_900_000))
                return bool(_drawn(tab))
            except ConnectionClosed:
                return False

    _until(is_heard)  # what was closed counts no more, once the server has seen that it was


def test_a_flood_of_messages_is_read_at_the_pace_of_people(server: Server) -> None:
    tab = _opened(server.tab)
    began = time.monotonic()
    for _ in range(9):
        tab.send(_asks(900_000))
    assert tab.ping().wait(120)  # answered once all before it has been read
    # 4 MB at once, and half a megabyte a second from then on.
    assert time.monotonic() - began > 2
    tab.close()


def test_quick_clicks_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(socket_gate, "asyncio", SimpleNamespace(sleep=sleep))
    page = socket_gate._Page(address="somewhere")
    for _ in range(30):
        with pytest.raises(StopIteration):  # how it ends without an event loop
            page.its_turn(2_000).send(None)
    assert not waited
    with pytest.raises(StopIteration):
        page.its_turn(socket_gate.BURST).send(None)
    assert waited


def test_a_websocket_on_which_nothing_is_said_ends(server: Server) -> None:
    began = time.monotonic()
    tab = _opened(server.tab)
    _ended(tab)
    assert time.monotonic() - began >= SECONDS
    tab = _staying(server.tab)
    _drawn(tab)
    time.sleep(SECONDS + 1)  # whoever has asked for a page may look at it for as long as they like
    tab.send(_asks())
    assert _drawn(tab)
    tab.close()


# --- what no page says ----------------------------------------------------------------------------------


def _files(count: int, name: str = "", request: str = "files") -> BackMsg:
    message = BackMsg()
    message.file_urls_request.request_id = request
    message.file_urls_request.file_names.extend([name] * count)
    return message


def _operation(request: str = "operation", **payload: dict[str, str]) -> BackMsg:
    return BackMsg(backend_operation_request={"request_id": request, "session_id": "wrong", **payload})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        BackMsg(),
        BackMsg(load_git_info=True),
        BackMsg(clear_cache=True),
        BackMsg(set_run_on_save=True),
        BackMsg(debug_disconnect_websocket=True),
        BackMsg(debug_shutdown_runtime=True),
        BackMsg.FromString(_asks(*[0] * 2_001)),
        BackMsg(rerun_script={"query_string": "", "cached_message_hashes": ["x"] * 10_001}),  # type: ignore[arg-type]
        _files(1, request="x" * 100_000),
        _operation(request="x" * 1_000_000, deferred_file={"file_id": "f"}),
        _operation(deferred_file={"file_id": "x" * 100_000}),
        _operation(install_skills={}),
        _operation(dismiss_skills_nudge={}),
        _operation(dataframe_chunk={"source_id": "s"}),
        _operation(),
    ],
    ids=lambda message: f"{message.WhichOneof('type')} {message.ByteSize()}",
)
def test_what_no_page_sends_is_not_read_and_the_page_goes_on(server: Server, message: BackMsg) -> None:
    before = len(server.log.read_bytes())
    with _opened(server.tab) as tab:
        for _ in range(3):
            tab.send(message.SerializeToString())
        tab.send(_asks())
        kinds = {one.WhichOneof("type") for one in _drawn(tab)}
    assert "delta" in kinds
    assert not kinds & {"git_info_changed", "file_urls_response", "backend_operation_response"}
    _until(lambda: server.logged(f"({message.WhichOneof('type') or 'nothing'})"))
    assert len(server.log.read_bytes()) - before < 1000


@pytest.mark.parametrize("count", [1, messages.MOST_FILES])
def test_files_to_upload_get_their_addresses(server: Server, count: int) -> None:
    with _opened(server.tab) as tab:
        tab.send(_asks())
        _drawn(tab)
        tab.send(_files(count, "a picture.jpg").SerializeToString())
        answer = _answer(tab, "file_urls_response").file_urls_response
    assert len({one.upload_url for one in answer.file_urls}) == count


def test_too_many_files_to_upload_are_answered_with_one_sentence(server: Server) -> None:
    process = psutil.Process(server.process)
    before = process.memory_info().rss
    with _opened(server.tab) as tab:
        tab.send(_files(800_000).SerializeToString())
        tab.send(_asks())
        answer = _answer(tab, "file_urls_response").file_urls_response
        assert answer.response_id == "files"
        assert not answer.file_urls
        assert "choose fewer" in answer.error_msg
        assert _drawn(tab)
    assert process.memory_info().rss - before < 60e6


def test_a_download_that_is_asked_for_is_answered(server: Server) -> None:
    with _opened(server.tab) as tab:
        tab.send(_asks())
        session = next(one.new_session for one in _drawn(tab) if one.WhichOneof("type") == "new_session")
        ask = _operation(deferred_file={"file_id": "unknown"})
        ask.backend_operation_request.session_id = session.initialize.session_id
        tab.send(ask.SerializeToString())
        answer = _answer(tab, "backend_operation_response").backend_operation_response
    assert answer.request_id == "operation"


@pytest.mark.parametrize("said", ["a text", b"\xff\xff\xff"])
def test_what_is_no_message_ends_the_page_without_a_traceback(server: Server, said: str | bytes) -> None:
    tab = _opened(server.tab)
    tab.send(said)
    _ended(tab)
    _until(lambda: server.logged("(text)" if isinstance(said, str) else "(unreadable)"))
    assert not server.logged("TypeError")
    assert not server.logged("DecodeError")


_MASK = b"\x80\0\0\0\0"  # of a frame without content


@pytest.mark.parametrize("frame", [b"\x89", b"\x8a", b"\x00"], ids=["ping", "pong", "part"])
def test_frames_that_say_nothing_end_the_page(server: Server, frame: bytes) -> None:
    with _opened(server.raw_tab) as one:
        asks = _asks()
        one.sendall(b"\x82" + bytes([0x80 + len(asks)]) + bytes(4) + asks)  # so that silence does not end it
        one.sendall(b"\x02" + _MASK)  # a message of many parts begins
        with contextlib.suppress(OSError):
            one.sendall((frame + _MASK) * 40_000)
        with contextlib.suppress(ConnectionError):
            while one.recv(65536):
                pass
    assert requests.get(f"{server.address}/_stcore/health", timeout=60).ok


def test_a_message_in_some_parts_and_a_ping_now_and_then_are_taken(server: Server) -> None:
    with _opened(server.tab) as tab:
        whole = _asks(1_500_000)
        tab.send(whole[at : at + 16_384] for at in range(0, len(whole), 16_384))
        assert _drawn(tab)
        for _ in range(100):
            tab.ping()
        assert tab.ping().wait(60)


@pytest.mark.parametrize(
    ("text", "fine"), [("10", True), ("400", True), ("5", False), ("many", False), ("-1", False)]
)
def test_places_of_an_address_are_the_operators(
    text: str, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLL_PAGES_PER_ADDRESS", text)
    if fine:
        assert socket_gate.places().address == int(text)
        assert socket_gate.places().everybody >= 2 * int(text)
    else:
        with pytest.raises(errors.SettingsError, match="TLL_PAGES_PER_ADDRESS"):
            socket_gate.places()


# --- connections ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("drip", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET / HTT",
        "GET / HTTP/1.1\r\nHost: HOST\r\nX-A: ",
        "GET /_stcore/health HTTP/1.1\r\nHost: HOST\r\n\r\nGET",
    ],
)
def test_half_of_a_request_is_not_waited_for(server: Server, text: str, drip: bool) -> None:
    began = time.monotonic()
    with server.raw(text) as one:
        one.settimeout(0.2)
        ended = False
        while not ended and time.monotonic() - began < 60:
            try:
                if drip:
                    one.send(b"a")
                ended = one.recv(4096) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
        assert ended
        assert time.monotonic() - began >= SECONDS


def test_whoever_asks_again_and_again_is_answered(server: Server) -> None:
    with requests.Session() as browser:
        for _ in range(5):
            assert browser.get(f"{server.address}/_stcore/health", timeout=60).ok
            time.sleep(0.7)


def test_who_asks_on_and_on_without_waiting_for_answers_is_cut_off(server: Server) -> None:
    process = psutil.Process(server.process)
    before = process.memory_info().rss
    asks = b"GET /static/x HTTP/1.1\r\nHost: x\r\n\r\n" * 3_000
    with server.raw() as asking:

        def read_on() -> None:
            with contextlib.suppress(OSError):
                while asking.recv(1 << 20):
                    pass

        reader = threading.Thread(target=read_on, daemon=True)
        reader.start()
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 100 * connections.READ_AHEAD:
                sent += asking.send(asks)
        assert sent < 100 * connections.READ_AHEAD
        reader.join(60)
    assert process.memory_info().rss - before < 40e6


def test_a_few_requests_at_once_and_a_large_one_are_answered(server: Server) -> None:
    ask = "GET /_stcore/health HTTP/1.1\r\nHost: HOST\r\n\r\n"
    with server.raw(ask * 20) as one:
        answers = b""
        while answers.count(b"200 OK") < 20:
            answers += one.recv(65536)
    with requests.Session() as browser:
        for _ in range(2):  # on one connection
            answer = browser.post(f"{server.address}/echo", data=bytes(5_000_000), timeout=60)
            assert answer.text == "5000000"


def test_a_reader_that_does_not_read_is_cut_off_and_a_slow_one_is_not(server: Server) -> None:
    ask = "GET /large HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"
    with server.raw(ask, buffer=4096) as never, server.raw(ask, buffer=4096) as slow:
        end = time.monotonic() + 60
        port = never.getsockname()[1]
        open_now = psutil.Process(server.process).net_connections
        while port in [one.raddr.port for one in open_now() if one.raddr]:
            assert time.monotonic() < end
            assert slow.recv(65536)
            time.sleep(0.05)
        assert slow.recv(65536)


def test_one_address_opens_only_so_many_connections_and_a_proxy_as_many_as_it_needs(server: Server) -> None:
    end = time.monotonic() + 60
    while True:
        began = time.monotonic()
        held = [server.raw(host="127.0.0.4") for _ in range(CONNECTIONS)]
        answer = b""
        with server.raw(host="127.0.0.4") as refused, contextlib.suppress(ConnectionError):
            answer = refused.recv(1000)
        if b"Too many connections" in answer:
            break
        for one in held:
            one.close()
        # The first ones may have been ended, for they ask for nothing, before the last one came.
        assert time.monotonic() - began >= SECONDS
        assert time.monotonic() < end
    with server.raw("GET /_stcore/health HTTP/1.1\r\nHost: HOST\r\n\r\n", host="127.0.0.5") as other:
        assert b"200 OK" in other.recv(1000)
    assert requests.get(f"{server.address}/_stcore/health", timeout=60).ok, "the proxy's own address"
    for one in held:
        one.close()


# --- answers and the log --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/static/nothing.js", "/media/nothing", "/_stcore/health", "/_stcore/host-config", "/large"),
        *(
            "/_stcore/bidi-components/x/y",
            "/_stcore/agent/openapi.json",
            "/component/x/y",
            "/broken",
            "//evil",
        ),
    ],
)
def test_every_answer_says_that_nothing_comes_from_elsewhere(server: Server, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        answer = requests.request(method, server.address + path, timeout=60)
        for name, value in safe_headers.headers(f"127.0.0.1:{server.port}").items():
            assert answer.raw.headers.getlist(name) == [value], (method, path)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"https?:|\*", answer.headers["Content-Security-Policy"])


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("lab.example.org", True),
        ("lab.example.org:8501", True),
        ("[::1]:8501", True),
        *(
            (bad, False)
            for bad in ("", "a b", "a; script-src *", "*.example.org", "a,b", "a/b", "ä.example", "a:b")
        ),
    ],
)
def test_the_policy_names_its_own_host_for_websockets_and_nothing_that_is_none(
    host: str, named: bool
) -> None:
    policy = safe_headers.headers(host)["Content-Security-Policy"]
    assert (f" ws://{host} wss://{host};" in policy) is named
    assert policy.count(";") == 12


def test_no_page_of_other_hosts_may_send_messages_to_this_one(server: Server) -> None:
    assert requests.get(f"{server.address}/_stcore/host-config", timeout=60).json()["allowedOrigins"] == []


def test_a_defect_is_told_once_and_as_json_without_what_visitors_gave(server: Server) -> None:
    tab = _opened(server.tab)
    before = len(server.logged("KeyError"))
    tab.send(_asks(query="what=defect&name=Anna"))
    kinds = [one.delta.new_element.WhichOneof("type") for one in _drawn(tab)]
    assert "exception" in kinds
    tab.close()
    _until(lambda: len(server.logged("KeyError")) == before + 1)
    line = server.logged("KeyError")[-1]
    assert line["level"] == "error"
    assert "page.py" in line["exception"]
    answer = requests.get(f"{server.address}/broken?name=Anna", timeout=60)
    assert answer.status_code == 500
    assert "reload the page" in answer.text
    _until(lambda: server.logged("ZeroDivisionError"))
    assert not server.logged("Anna")


@pytest.mark.parametrize(
    ("what", "says"),
    [("disk", "data folder cannot be used (read-only file system)"), ("store", "tell whoever runs this lab")],
)
def test_what_the_disk_refuses_is_one_sentence_on_the_page(server: Server, what: str, says: str) -> None:
    tab = _opened(server.tab)
    tab.send(_asks(query=f"what={what}"))
    elements = [one.delta.new_element for one in _drawn(tab) if one.WhichOneof("type") == "delta"]
    assert [
        one.alert.body for one in elements if one.WhichOneof("type") == "alert" and says in one.alert.body
    ]
    assert not [one for one in elements if one.WhichOneof("type") == "exception"]
    tab.close()

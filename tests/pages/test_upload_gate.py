"""The upload address of a real server, used the way a page's uploader never would."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import requests
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from widgets import upload_gate
from widgets.visitor_cookie import COOKIE, new_visitor

PROJECT = Path(__file__).resolve().parents[2]
MB = 1_000_000
APP = """
import streamlit as st
from starlette.middleware import Middleware
from widgets import upload_gate, visitor_cookie

room = upload_gate.Room(request=2_100_000, visitor=5_000_000, everybody=9_000_000)
app = st.App("page.py", middleware=[
    Middleware(visitor_cookie.VisitorCookie),
    Middleware(upload_gate.UploadGate, visitor_in=visitor_cookie.visitor_in, room=room),
])
"""


@dataclass(kw_only=True)
class Tab:
    """A page in a visitor's browser: its websocket, its session's id, the browser's cookies."""

    address: str
    browser: requests.Session
    socket: ClientConnection
    session: str
    sent: set[str] = field(default_factory=set)

    def put(self, name: str, size: int, *, to: str | None = None, **more: object) -> requests.Response:
        """Send a file of zeros to this session, or to another one."""
        self.sent.add(name)
        url = f"{self.address}/_stcore/upload_file/{to or self.session}/{name}"
        return self.browser.put(url, files={"file": (name, bytes(size))}, timeout=60, **more)  # type: ignore[arg-type]

    def leave(self) -> None:
        """Delete all that was sent, and close the page."""
        for name in self.sent:
            self.delete(name)
        self.socket.close()

    def delete(self, name: str, *, of: str | None = None) -> int:
        """Ask to delete a file of this session, or of another one."""
        url = f"{self.address}/_stcore/upload_file/{of or self.session}/{name}"
        return self.browser.delete(url, timeout=60).status_code


def visit(
    address: str,
    visitor: str | None = None,
    *,
    resume: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Tab:
    """Open a page as a browser does, or come back to session ``resume``, and wait until its session has a name."""
    browser = requests.Session()
    if visitor is not None:
        browser.cookies.set(COOKIE, visitor)
    else:
        browser.get(address, headers={"Accept": "text/html"}, timeout=60)
    browser.get(f"{address}/_stcore/health", timeout=60)
    browser.headers["X-Xsrftoken"] = browser.cookies["_streamlit_xsrf"]
    protocols = ["streamlit"] if resume is None else ["streamlit", "-", resume]
    socket = connect(
        address.replace("http", "ws", 1) + "/_stcore/stream",
        subprotocols=[Subprotocol(one) for one in protocols],
        additional_headers={"Cookie": "; ".join(f"{one.name}={one.value}" for one in browser.cookies)}
        | dict(headers or {}),
        max_size=None,
        max_queue=None,  # what the page draws is not read, and must not hold up the pings
        legacy=True,
    )
    rerun = BackMsg()
    rerun.rerun_script.query_string = ""
    socket.send(rerun.SerializeToString())
    while True:
        message = ForwardMsg()
        message.ParseFromString(socket.recv(timeout=60))  # type: ignore[arg-type]
        if message.WhichOneof("type") == "new_session":
            session = message.new_session.initialize.session_id
            return Tab(address=address, browser=browser, socket=socket, session=session)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A blank page behind the gate, with little room: its address and process."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "page.py").write_text("import streamlit as st\nst.title('No uploader here')\n")
    (folder / "app.py").write_text(APP)
    shutil.copytree(PROJECT / ".streamlit", folder / ".streamlit")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    command += ["--server.address=127.0.0.1"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": str(PROJECT)}, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                requests.get(f"{address}/_stcore/health", timeout=5).raise_for_status()
                break
            except requests.RequestException:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def address(server: tuple[str, int]) -> str:
    return server[0]


@pytest.fixture
def tab(address: str) -> Iterator[Tab]:
    opened = visit(address)
    yield opened
    opened.leave()


def test_a_visitor_without_an_uploader_fills_their_room_and_no_more(
    server: tuple[str, int], tab: Tab
) -> None:
    tab.put("0", 1000).raise_for_status()
    process = psutil.Process(server[1])
    before = process.memory_info().rss
    answers = [tab.put(str(number), 2 * MB) for number in range(20)]
    codes = [one.status_code for one in answers]
    assert codes[:2] == [204, 204]
    assert set(codes[2:]) == {413}
    assert "Too many of your files" in answers[-1].text
    assert process.memory_info().rss - before < 20 * MB
    other_tab = visit(tab.address, tab.browser.cookies[COOKIE])
    assert other_tab.put("x", 2 * MB).status_code == 413  # another tab is no other visitor
    other_tab.socket.close()


def test_a_deleted_file_makes_room_again(tab: Tab) -> None:
    assert [tab.put(name, 2 * MB).status_code for name in ("0", "1", "2")] == [204, 204, 413]
    assert tab.delete("1") == 204
    assert tab.put("2", 2 * MB).status_code == 204


def test_all_visitors_together_stay_below_the_memory_there_is(address: str) -> None:
    tabs = [visit(address) for _ in range(4)]
    answers = [tab.put(name, 2 * MB) for tab in tabs for name in ("0", "1")]
    assert [one.status_code for one in answers] == [204] * 4 + [503] * 4
    assert "wait a minute" in answers[-1].text
    for tab in tabs:
        tab.leave()


def test_too_large_a_file_is_refused_by_its_announcement_and_by_what_comes(tab: Tab) -> None:
    assert tab.put("0", 3 * MB).status_code == 413

    def chunks() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        for _ in range(50):
            yield bytes(100_000)
        yield b"\r\n--x--\r\n"

    url = f"{tab.address}/_stcore/upload_file/{tab.session}/0"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    unannounced = tab.browser.put(url, data=chunks(), headers=headers, timeout=60)
    assert unannounced.status_code == 413
    assert "too large" in unannounced.text
    assert tab.put("0", 2 * MB).status_code == 204  # what was refused takes no room


def test_many_empty_files_take_room_too(tab: Tab) -> None:
    codes = [tab.put(f"{number}", 2 * MB - 1).status_code for number in range(2)]
    assert codes == [204, 204]
    refused = 0
    for number in range(2, 100):
        if tab.put(str(number), 0).status_code == 413:
            refused = number
            break
    assert 20 < refused < 80


def test_nobody_writes_to_or_deletes_from_another_visitors_session(address: str, tab: Tab) -> None:
    stranger = visit(address)
    assert tab.put("0", 2 * MB).status_code == 204
    answer = stranger.put("1", 1000, to=tab.session)
    assert answer.status_code == 403
    assert "reload the page" in answer.text
    assert stranger.delete("0", of=tab.session) == 403
    bare = requests.put(f"{address}/_stcore/upload_file/{tab.session}/1", files={"f": b"x"}, timeout=60)
    assert bare.status_code == 403
    forged = requests.Session()  # the right cookie without the token that only the page can read
    forged.cookies.set(COOKIE, tab.browser.cookies[COOKIE])
    url = f"{address}/_stcore/upload_file/{tab.session}/1"
    assert forged.put(url, files={"f": b"x"}, timeout=60).status_code == 403
    assert tab.put("1", 2 * MB).status_code == 204
    assert tab.put("2", 2 * MB).status_code == 413  # the first file is still there
    stranger.socket.close()


def test_a_closed_session_takes_nothing(address: str) -> None:
    tab = visit(address)
    tab.socket.close()
    end = time.monotonic() + 60
    while tab.put("0", 10).status_code != 403 and time.monotonic() < end:
        time.sleep(0.05)
    assert tab.put("0", 10).status_code == 403
    assert tab.put("0", 10, to="no-such-session").status_code == 403


def test_files_sent_at_once_share_the_room_that_there_is(tab: Tab) -> None:
    codes: list[int] = []
    senders = [
        threading.Thread(target=lambda name=str(number): codes.append(tab.put(name, MB).status_code))
        for number in range(12)
    ]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert sorted(codes) == [204] * 4 + [413] * 8


class Looks(upload_gate.UploadGate):
    """A gate by itself, without a server, that counts how often it looks at all files."""

    def __init__(self) -> None:
        room = upload_gate.Room(request=500 * MB, visitor=600 * MB, everybody=900 * MB)
        super().__init__(PlainTextResponse("the upload address"), visitor_in=lambda _: None, room=room)
        self.looks = 0

    def _owner(self, scope: object) -> str:
        return "somebody"

    def _held(self, owner: str) -> tuple[int, int]:
        self.looks += 1
        return 0, 0

    def answers(self, receive: Receive, length: int | None = None) -> tuple[int, float]:
        """Read a whole request; its status, and after how many seconds."""
        length_header = [] if length is None else [(b"content-length", str(length).encode())]
        scope = {
            "type": "http",
            "method": "PUT",
            "path": "/_stcore/upload_file/s/f",
            "headers": length_header,
        }
        sent: list[Message] = []

        async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
            while (await receive()).get("more_body"):
                pass
            await PlainTextResponse("stored", 204)(scope, receive, send)

        async def send(message: Message) -> None:
            sent.append(message)

        self.app = read_all
        began = time.monotonic()
        # In a thread of its own: Playwright keeps an event loop running in this one.
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(asyncio.run, self(scope, receive, send)).result(timeout=100)
        return sent[0]["status"], time.monotonic() - began


def test_room_for_a_file_that_is_announced_and_never_comes_is_soon_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upload_gate, "_PATIENCE_SECONDS", 0.3)

    async def silent() -> Message:
        await asyncio.sleep(90)
        return {"type": "http.disconnect"}

    status, seconds = Looks().answers(silent, length=400 * MB)
    assert status == 408
    assert seconds < 60


def test_crumbs_without_an_announcement_do_not_make_the_gate_look_at_all_files_each_time() -> None:
    gate, crumbs = Looks(), iter([True] * 5000 + [False])

    async def crumb() -> Message:
        return {"type": "http.request", "body": bytes(200), "more_body": next(crumbs)}

    assert gate.answers(crumb)[0] == 204
    assert gate.looks < 20


def test_a_session_without_any_cookie_has_room_of_its_own(address: str) -> None:
    tab = visit(address, visitor="")
    assert tab.put("0", 1000).status_code == 204
    assert tab.delete("0") == 204
    tab.browser.cookies.set(COOKIE, new_visitor())
    assert tab.put("1", 1000).status_code == 403
    tab.socket.close()


# --- whose session it is --------------------------------------------------------------------------------


@pytest.mark.parametrize("connected", [True, False])
def test_a_session_is_resumed_for_its_own_visitor_and_for_nobody_else(address: str, connected: bool) -> None:
    owner = new_visitor()
    tab = visit(address, owner)
    if not connected:
        tab.socket.close()
    stranger = visit(address, new_visitor(), resume=tab.session)
    assert stranger.session != tab.session
    nobody = visit(address, "not a visitor", resume=tab.session)
    assert nobody.session != tab.session
    again = visit(address, owner, resume=tab.session)
    assert again.session == tab.session, "a connection that was lost comes back to its page"
    for one in (stranger, nobody, again):
        one.leave()


def test_a_browser_cannot_say_in_a_header_who_it_is(address: str) -> None:
    owner = new_visitor()
    tab = visit(address, owner)
    liar = visit(address, new_visitor(), resume=tab.session, headers={"X-Tll-Visitor": owner})
    assert liar.session != tab.session
    liar.leave()
    tab.leave()

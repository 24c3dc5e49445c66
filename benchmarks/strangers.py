"""What strangers on the network can do to everybody else, attack by attack, against a real server of this tree.

    python -m benchmarks.strangers                          # all attacks, a fresh server for each
    python -m benchmarks.strangers state half-sent --json strangers.json

While an attack goes on, one visitor after the other opens the front page: seconds to its first element, and errors.
Memory is the server process's resident size: before, at its largest, and after all attackers have left and Streamlit
has forgotten their sessions. "Got through" counts what an attack got accepted, in its own unit. Attackers come from
127.0.0.2, which Linux lets everybody do, visitors from 127.0.0.1. Addresses outside lead nowhere, as on a network that
drops them: a proxy that takes what it is told and never answers stands in for them, and counts who asks.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import WebSocketException
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.classroom import MB, PROJECT, Memory, served
from benchmarks.classroom_browser import Browser, NoAnswer
from benchmarks.page_memory import KEPT, settled

STRANGER = ("127.0.0.2", 0)
AFTERWARDS = 65.0  # seconds after a visit, at which Streamlit forgets closed sessions, until memory is read
STATE_SOCKETS, STATE_BYTES = 25, 24_000_000
FLOODERS = 10
SOCKETS = 600
CONNECTIONS = 800
READERS = 60
LISTENS = 0.1  # seconds between two looks at memory


@dataclass(kw_only=True)
class Found:
    """One attack's figures; memory in MB, paints in seconds."""

    attack: str
    tried: int = 0
    got_through: int = 0
    unit: str = ""
    before: float = 0.0
    largest: float = 0.0
    after: float = 0.0
    paints: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    note: str = ""

    def row(self) -> str:
        """One line of the table."""
        worst = (
            f"{sorted(self.paints)[len(self.paints) // 2]:.2f} / {max(self.paints):.2f}"
            if self.paints
            else ""
        )
        return (
            f"| {self.attack} | {self.got_through} of {self.tried} {self.unit} | {self.before:.0f} | "
            f"{self.largest:.0f} | {self.after:.0f} | {worst} ({len(self.paints)}) | {len(self.errors)} | {self.note} |"
        )


@dataclass(kw_only=True)
class Lab:
    """A running server under attack."""

    port: int
    process: psutil.Process
    outside: "Outside"
    deadline: float = 0.0

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def raw(self, text: str = "", buffer: int | None = None) -> socket.socket:
        """Open a connection as a stranger and send ``text``; ``buffer``: bytes that it takes before it is full."""
        one = socket.socket()
        one.settimeout(10)
        if buffer is not None:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        one.bind(STRANGER)
        one.connect(("127.0.0.1", self.port))
        one.sendall(text.encode())
        return one

    def tab(self, **headers: str) -> ClientConnection:
        """Open a page's websocket as a stranger with a cookie of its own invention."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            additional_headers={"Cookie": f"tll_visitor={secrets.token_hex(16)}"} | named,
            source_address=STRANGER,
            open_timeout=30,
            close_timeout=1,
            proxy=None,
            max_size=None,
            max_queue=None,
            legacy=True,
        )


class Outside:
    """The world outside, where every packet is dropped: how many times the server has asked it for something."""

    def __init__(self) -> None:
        self.asked = 0
        self._door = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._held: list[socket.socket] = []
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            one, _ = self._door.accept()
            self.asked += 1
            self._held.append(one)


# --- attacks ------------------------------------------------------------------------------------------------


def foreign_origin(lab: Lab, found: Found) -> None:
    """Three pages of somebody else's open websockets again and again."""
    found.unit = "sockets opened"
    end, lock = time.monotonic() + 20, threading.Lock()

    def again(origin: str) -> None:
        while time.monotonic() < end:
            opened = 0
            with contextlib.suppress(OSError, WebSocketException, TimeoutError), lab.tab(Origin=origin):
                opened = 1
            with lock:
                found.tried += 1
                found.got_through += opened
            time.sleep(0.05)

    port = 8000 if lab.port != 8000 else 8001
    origins = ("https://elsewhere.example", f"http://127.0.0.1:{port}", "http://elsewhere.example:8501")
    threads = [threading.Thread(target=again, args=(origin,)) for origin in origins]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found.note = f"requests to the outside: {lab.outside.asked}"


def state(lab: Lab, found: Found) -> None:
    """Tabs that send the state of widgets which no page has."""
    found.tried, found.unit = STATE_SOCKETS, "messages taken"
    tabs = [lab.tab() for _ in range(STATE_SOCKETS)]
    dice = random.Random(1)
    for tab in tabs:
        message = BackMsg()
        message.rerun_script.query_string = ""
        for number in range(24):
            one = message.rerun_script.widget_states.widgets.add(id=f"unknown-{number}")
            one.bytes_value = dice.randbytes(STATE_BYTES // 24)
        with contextlib.suppress(WebSocketException, OSError):
            tab.send(message.SerializeToString())
    time.sleep(8)
    found.got_through = sum(_still_open(tab) for tab in tabs)
    for tab in tabs:
        tab.close()


def _still_open(tab: ClientConnection) -> bool:
    with contextlib.suppress(WebSocketException, OSError, TimeoutError):
        while tab.recv(timeout=0.3):
            pass
    return tab.protocol.state is State.OPEN


def small_state(lab: Lab, found: Found) -> None:
    """The same with many messages of just under a megabyte each, one after the other, as triggers that add up."""
    found.unit = "messages taken"
    tabs = [lab.tab() for _ in range(STATE_SOCKETS)]
    dice = random.Random(2)
    for number in range(STATE_SOCKETS):
        for tab in tabs:
            message = BackMsg()
            message.rerun_script.query_string = ""
            one = message.rerun_script.widget_states.widgets.add(id=f"unknown-{number}-{dice.random()}")
            one.json_trigger_value = dice.randbytes(450_000).hex()
            with contextlib.suppress(WebSocketException, OSError):
                tab.send(message.SerializeToString())
            found.tried += 1
    time.sleep(8)
    for tab in tabs:
        found.got_through += STATE_SOCKETS if _still_open(tab) else 0
        tab.close()


def flood(lab: Lab, found: Found) -> None:
    """Ten tabs that ask for their page again and again, as fast as the server reads it, for 20 seconds."""
    found.unit = "requests sent"
    rerun = BackMsg()
    rerun.rerun_script.query_string = ""
    asks, end, lock = rerun.SerializeToString(), time.monotonic() + 20, threading.Lock()

    def again() -> None:
        sent = 0
        with contextlib.suppress(WebSocketException, OSError, TimeoutError), lab.tab() as tab:
            while time.monotonic() < end:
                tab.send(asks)
                sent += 1
        with lock:
            found.tried += sent
            found.got_through += sent

    threads = [threading.Thread(target=again) for _ in range(FLOODERS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def sockets(lab: Lab, found: Found) -> None:
    """As many tabs as the server takes, each with a page drawn and a cookie of its own invention."""
    found.tried, found.unit = SOCKETS, "sockets opened"
    rerun = BackMsg()
    rerun.rerun_script.query_string = ""
    tabs = []
    for _ in range(SOCKETS):
        with contextlib.suppress(WebSocketException, OSError, TimeoutError):
            tab = lab.tab()
            tab.send(rerun.SerializeToString())
            tabs.append(tab)
    found.got_through = len(tabs)
    time.sleep(5)
    for tab in tabs:
        tab.close()


def half_sent(lab: Lab, found: Found) -> None:
    """Connections that send half a request and then a header's byte now and then; those open after 40 seconds."""
    _held_open(lab, found, "GET / HTTP/1.1\r\nHost: lab\r\nX-A", drip=True)


def silent_sockets(lab: Lab, found: Found) -> None:
    """Websockets that shake hands and then neither send nor answer; those open after 80 seconds (two pings)."""
    _held_open(lab, found, _upgrade(lab), seconds=80)


def _upgrade(lab: Lab) -> str:
    return (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1:{lab.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )


def slow_readers(lab: Lab, found: Found) -> None:
    """Browsers that ask for the largest script and never read it; those open after 80 seconds."""
    import streamlit

    static = Path(streamlit.__file__).parent / "static"
    largest = max(static.rglob("*.js"), key=lambda one: one.stat().st_size).relative_to(static)
    ask = f"GET /{largest} HTTP/1.1\r\nHost: 127.0.0.1:{lab.port}\r\n\r\n"
    _held_open(lab, found, ask, count=READERS, seconds=80, buffer=2048)


def _held_open(
    lab: Lab,
    found: Found,
    text: str,
    *,
    count: int = CONNECTIONS,
    seconds: float = 40,
    drip: bool = False,
    buffer: int | None = None,
) -> None:
    found.tried, found.unit = count, "connections held open"
    held = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            held.append(lab.raw(text, buffer))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(2)
        for one in held if drip else ():
            with contextlib.suppress(OSError):
                one.send(b"a")
    ours = {one.getsockname()[1] for one in held}
    open_now = psutil.Process(lab.process.pid).net_connections("tcp")
    found.got_through = sum(
        one.status == psutil.CONN_ESTABLISHED and bool(one.raddr) and one.raddr.port in ours
        for one in open_now
    )
    for one in held:
        one.close()


def _said_again(lab: Lab, found: Found, message: BackMsg, *, rate: float, pages: int = 40) -> None:
    """Pages that send one message ``rate`` times a second each, for 20 seconds; "through": what was not refused."""
    found.unit = "messages sent"
    raw, end = message.SerializeToString(), time.monotonic() + 20
    tabs = [lab.tab() for _ in range(pages)]
    while time.monotonic() < end:
        for tab in tabs:
            found.tried += 1
            with contextlib.suppress(WebSocketException, OSError):
                tab.send(raw)
                found.got_through += 1
        time.sleep(1 / rate)
    for tab in tabs:
        tab.close()


def files(lab: Lab, found: Found) -> None:
    """Eight pages that ask for addresses of 800,000 files to upload, again and again."""
    message = BackMsg()
    message.file_urls_request.file_names.extend([""] * 800_000)
    _said_again(lab, found, message, rate=0.1, pages=8)


def git(lab: Lab, found: Found) -> None:
    """Pages that ask what the lab's git repository looks like, five times a second."""
    _said_again(lab, found, BackMsg(load_git_info=True), rate=5)


def pipelining(lab: Lab, found: Found) -> None:
    """Connections that ask for small files on and on, and read the answers, without waiting for them."""
    ask = f"GET /static/x HTTP/1.1\r\nHost: 127.0.0.1:{lab.port}\r\n\r\n".encode()
    _poured(found, [lab.raw() for _ in range(4)], ask, "bytes of requests")


def pings(lab: Lab, found: Found) -> None:
    """One page that sends pings and nothing else."""
    page = lab.raw(_upgrade(lab))
    _poured(found, [page], b"\x89\x80\0\0\0\0", "bytes of pings")


def _poured(found: Found, connections: list[socket.socket], one: bytes, unit: str) -> None:
    """Send ``one`` as fast as it is taken, for 12 seconds."""
    found.unit, much, lock = unit, one * (60_000 // len(one)), threading.Lock()
    end = time.monotonic() + 12

    def read(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while connection.recv(1 << 20):
                pass

    def pour(connection: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while time.monotonic() < end:
                connection.sendall(much)
                sent += len(much)
        with lock:
            found.tried += sent
            found.got_through += sent

    threads = [threading.Thread(target=pour, args=(each,)) for each in connections]
    readers = [threading.Thread(target=read, args=(each,), daemon=True) for each in connections]
    for thread in readers + threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(max(0.0, end - time.monotonic()))  # cut off early: the others come all the same
    for each in connections:
        each.close()


ATTACKS: dict[str, Callable[[Lab, Found], None]] = {
    "foreign-origin": foreign_origin,
    "state": state,
    "small-state": small_state,
    "flood": flood,
    "sockets": sockets,
    "half-sent": half_sent,
    "silent-sockets": silent_sockets,
    "slow-readers": slow_readers,
    "files": files,
    "git": git,
    "pipelining": pipelining,
    "pings": pings,
}


# --- everybody else, and the server's memory ----------------------------------------------------------------


@contextmanager
def watched(lab: Lab, found: Found) -> Iterator[None]:
    """Let visitors come, and look at the memory, meanwhile."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(LISTENS):
            with contextlib.suppress(psutil.Error):
                found.largest = max(found.largest, lab.process.memory_info().rss / MB)

    def tell(event: dict[str, Any]) -> None:
        if event.get("kind") == "open":
            found.paints.append(event["first"])
        elif "error" in event and event["error"] != "disconnect":
            found.errors.append(f"{event['error']}: {event['text']}")

    async def come() -> None:
        while not over.is_set():
            visitor = Browser(address=lab.address, tell=tell, page="home")
            try:
                await visitor.open()
            except NoAnswer as error:
                found.errors.append(str(error))
            with contextlib.suppress(Exception):
                await visitor.close()
            await asyncio.sleep(1)

    threads = [threading.Thread(target=look), threading.Thread(target=lambda: asyncio.run(come()))]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        over.set()
        for one in threads:
            one.join()


def measure(name: str, outside: Outside, kept: float, logs: Path) -> Found:
    """Start a server, attack it, look at what stays."""
    found = Found(attack=name)
    with (
        tempfile.TemporaryDirectory() as home,
        served(PROJECT / "streamlit_app.py", home, logs / f"{name}.log") as (address, process),
    ):
        lab = Lab(port=int(address.rsplit(":", 1)[1]), process=process, outside=outside)
        asyncio.run(settled(address, Memory(process=process)))
        found.before = process.memory_info().rss / MB
        outside.asked = 0
        with watched(lab, found):
            ATTACKS[name](lab, found)
        time.sleep(kept)
        asyncio.run(_first_visit(address))
        time.sleep(AFTERWARDS)
        found.after = process.memory_info().rss / MB
    return found


async def _first_visit(address: str) -> None:
    visitor = Browser(address=address, tell=lambda _: None, page="home")
    with contextlib.suppress(NoAnswer):
        await visitor.open()
    await visitor.close()


def main() -> None:
    """Attack and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "attacks", nargs="*", choices=[*ATTACKS, []], metavar="ATTACK", help=", ".join(ATTACKS)
    )
    parser.add_argument(
        "--kept", type=float, default=KEPT, help="seconds after an attack until memory is read"
    )
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--logs", type=Path, help="folder for the servers' logs")
    chosen = parser.parse_args()
    outside = Outside()
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # it reports connections that are cut off
    os.environ |= dict.fromkeys(("http_proxy", "https_proxy"), outside.address)
    os.environ |= {
        "no_proxy": "127.0.0.1,localhost",
        "NO_PROXY": "127.0.0.1,localhost",
        "OMP_NUM_THREADS": "1",
    }
    print(
        "| attack | got through | MB before | largest | after | first paint: median / longest, s (visits) | errors | |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as own:
        logs = chosen.logs or Path(own)
        logs.mkdir(parents=True, exist_ok=True)
        for name in chosen.attacks or ATTACKS:
            rows.append(measure(name, outside, chosen.kept, logs))
            print(rows[-1].row(), flush=True)
            for text, times in _counted(rows[-1].errors):
                print(f"    {times} × {text}", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) for one in rows], indent=1), encoding="utf-8")


def _counted(texts: list[str]) -> list[tuple[str, int]]:
    return [(text, texts.count(text)) for text in dict.fromkeys(texts)][:5]


if __name__ == "__main__":
    main()

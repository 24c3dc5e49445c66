"""A browser without a screen: it speaks Streamlit 1.67's protocol to a real server, as the real one would.

It keeps the page as the server's messages build it, so that a visitor can look for a widget by its key; sends widgets'
values, honours automatic reruns of fragments, reports which large messages it still holds (the server then sends a
reference), and fetches pictures by their addresses. It runs no JavaScript and paints nothing.
"""

import asyncio
import contextlib
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Literal

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PATIENCE = 60.0  # seconds for a script to end; after that it counts as a timeout
CACHED_RUNS = (
    2  # a large message that no run has used for so many is forgotten, unless the server says otherwise
)
_SUBPROTOCOLS = (Subprotocol("streamlit"), Subprotocol("PLACEHOLDER_AUTH_TOKEN"))
_EARLY = ForwardMsg.FINISHED_EARLY_FOR_RERUN
_MEDIA = re.compile(r'"(/media/[^"]+)"')
_ASSET = re.compile(r'(?:src|href)="\./(static/[^"]+\.(?:js|css))"')

# What `Browser` tells whoever listens: one flat record an event, ready for JSON.
Tell = Callable[[dict[str, Any]], None]
_fetchers = ThreadPoolExecutor(max_workers=24, thread_name_prefix="fetch")


class NoWidget(LookupError):
    """The page has no such widget now."""


class NoAnswer(RuntimeError):
    """The server gave no end of the script in time, or the connection broke."""


@dataclass(kw_only=True)
class _Wait:
    """A rerun that was asked for, until its script has finished."""

    started: float
    fragment: str  # empty: the whole page
    ended: asyncio.Future[None]
    run: str | None = None
    any_run: bool = False  # the script asked for another run of itself: that one is the answer, too
    first: float | None = None  # seconds to the first element
    size: int = 0
    messages: int = 0


@dataclass(kw_only=True)
class _Node:
    """An element or block on the page."""

    what: Any  # the message of its kind
    kind: str
    run: str
    fragment: str


@dataclass(kw_only=True)
class Browser:
    """One visitor's browser; ``page`` is only a name for the records."""

    address: str  # http://host:port
    tell: Tell
    page: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    query: str = ""
    pages: dict[str, str] = field(default_factory=dict)  # address on the server -> page_script_hash
    _socket: ClientConnection | None = None
    _reader: asyncio.Task[None] | None = None
    _page_hash: str = ""
    _run: str = ""
    _fragments: tuple[str, ...] = ()
    _nodes: dict[tuple[int, ...], _Node] = field(default_factory=dict)
    _values: dict[str, WidgetState] = field(default_factory=dict)
    _held: dict[str, list[Any]] = field(default_factory=dict)  # hash -> [message, runs since it was used]
    _cached_runs: int = CACHED_RUNS
    _waits: list[_Wait] = field(default_factory=list)
    _ticking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _ticks_open: set[str] = field(default_factory=set)
    _pictures: set[str] = field(default_factory=set)
    _background: set[asyncio.Task[None]] = field(default_factory=set)

    # --- opening and leaving ------------------------------------------------------------------------------

    async def open(self, path: str = "", query: str = "", *, cold: bool = False) -> None:
        """Load the page at ``path``; ``cold``: with the scripts and styles that the first HTML page names."""
        await self.close()
        started = time.perf_counter()
        html = await self._get(f"/{path}", accept="text/html")
        if html is None:
            raise NoAnswer("no HTML")
        if cold:
            names = set(_ASSET.findall(html.decode("utf-8", "replace")))
            await asyncio.gather(*(self._get(f"/{name}") for name in sorted(names)))
        await asyncio.gather(self._get("/_stcore/health"), self._get("/_stcore/host-config"))
        url = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        headers = {"Origin": self.address, "Cookie": self._cookie}
        try:
            self._socket = await asyncio.wait_for(
                connect(
                    url,
                    subprotocols=_SUBPROTOCOLS,
                    additional_headers=headers,
                    max_size=None,
                    open_timeout=None,
                ),
                PATIENCE,
            )
        except (OSError, TimeoutError, ConnectionClosed) as error:
            raise NoAnswer(f"no websocket: {error!r}") from error
        self.query = query
        self._page_hash = ""
        self._reader = asyncio.create_task(self._read(self._socket))
        await self._ask(what="open", page_name=path, started=started)

    async def close(self) -> None:
        """Close the tab."""
        for task in [*self._ticking.values(), *([self._reader] if self._reader else [])]:
            task.cancel()
        self._ticking.clear()
        socket, self._socket, self._reader = self._socket, None, None
        if socket is not None:
            await socket.close()
        self._nodes.clear()
        self._values.clear()
        self._held.clear()
        self._ticks_open.clear()

    @property
    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    async def _get(self, path: str, accept: str = "*/*") -> bytes | None:
        request = urllib.request.Request(
            self.address + path, headers={"Accept": accept, "Cookie": self._cookie}
        )
        started = time.perf_counter()

        def load() -> bytes:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                for line in answer.headers.get_all("Set-Cookie") or ():
                    for name, morsel in SimpleCookie(line).items():
                        self.cookies[name] = morsel.value
                body: bytes = answer.read()
                return body

        try:
            found = await asyncio.get_running_loop().run_in_executor(_fetchers, load)
        except (OSError, urllib.error.URLError) as error:
            self.tell({"error": "http", "page": self.page, "text": f"{path[:60]}: {error}"})
            return None
        seconds = time.perf_counter() - started
        self.tell({"kind": "get", "page": self.page, "what": "get", "done": seconds, "size": len(found)})
        return found

    # --- what a visitor does ------------------------------------------------------------------------------

    async def go(self, path: str, query: str = "") -> None:
        """Follow a link of the navigation or of the page to another page of the app."""
        if path not in self.pages:
            raise NoWidget(f"page {path}")
        self.query = query
        self._values.clear()
        self._page_hash = self.pages[path]
        await self._ask(what="open")

    async def press(self, key: str) -> None:
        """Press a button."""
        node = self.find(key)
        await self._ask(
            what=key, fragment=node.fragment, once=WidgetState(id=node.what.id, trigger_value=True)
        )

    async def choose(self, key: str, number: int) -> str:
        """Choose an option of a selectbox or segmented control; its label comes back."""
        node = self.find(key)
        options = list(node.what.options)
        state = WidgetState(id=node.what.id)
        if node.kind == "button_group":
            label = options[number % len(options)].content
            state.string_array_value.data.append(label)
        else:
            label = options[number % len(options)]
            state.string_value = label
        await self._set(node, key, state)
        return str(label)

    async def enter(self, key: str, value: float) -> None:
        """Type a number."""
        node = self.find(key)
        await self._set(node, key, WidgetState(id=node.what.id, double_value=value))

    async def toggle(self, key: str, on: bool = True) -> None:
        """Switch a checkbox, or open an expander."""
        node = self.find(key)
        await self._set(node, key, WidgetState(id=node.what.id, bool_value=on))

    async def send(self, key: str, event: str, value: Any) -> None:
        """Let a component of ours send an event, as its JavaScript does."""
        node = self.find(key)
        state = WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{node.what.id}__events")
        state.json_trigger_value = json.dumps([{"event": event, "value": value}])
        await self._ask(what=key, fragment=node.fragment, once=state)

    def find(self, key: str) -> _Node:
        """Find a widget by the key that the page gave it."""
        for node in self._nodes.values():
            if getattr(node.what, "id", "").endswith(f"-{key}"):
                return node
        raise NoWidget(key)

    def has(self, key: str) -> bool:
        """Whether the page has this widget, and it can be used."""
        with contextlib.suppress(NoWidget):
            return not getattr(self.find(key).what, "disabled", False)
        return False

    def keys(self, beginning: str) -> list[str]:
        """List the keys of all buttons whose key has this beginning."""
        found = (node.what.id.split("-", 2)[-1] for node in self._nodes.values() if node.kind == "button")
        return [key for key in found if key.startswith(beginning)]

    def data_of(self, key: str) -> Any:
        """Read what Python gave a component of ours."""
        component = self.find(key).what
        return json.loads(component.mixed.json if component.WhichOneof("data") == "mixed" else component.json)

    async def _set(self, node: _Node, what: str, state: WidgetState) -> None:
        self._values[state.id] = state
        await self._ask(what=what, fragment=node.fragment)

    # --- asking -------------------------------------------------------------------------------------------

    async def _ask(
        self,
        *,
        what: str,
        fragment: str = "",
        once: WidgetState | None = None,
        page_name: str = "",
        started: float | None = None,
        kind: Literal["click", "tick"] = "click",
    ) -> None:
        """Have the script run and wait for its end; what it took goes to `tell`."""
        if self._socket is None:
            raise NoAnswer("the tab is closed")
        wait = _Wait(
            started=time.perf_counter() if started is None else started,
            fragment=fragment,
            ended=asyncio.get_running_loop().create_future(),
        )
        self._waits.append(wait)
        state = ClientState(
            query_string=self.query,
            page_script_hash=self._page_hash,
            page_name=page_name,
            fragment_id=fragment,
            is_auto_rerun=kind == "tick",
            cached_message_hashes=list(self._held),
        )
        state.widget_states.widgets.extend([*self._values.values(), *([once] if once else [])])
        state.context_info.timezone, state.context_info.locale = "Etc/UTC", "en-GB"
        state.context_info.url, state.context_info.color_scheme = f"{self.address}/", "light"
        try:
            await self._socket.send(BackMsg(rerun_script=state).SerializeToString())
            await asyncio.wait_for(wait.ended, PATIENCE)
        except TimeoutError as error:
            if kind == "click":
                raise NoAnswer(f"{what}: no end of the script after {PATIENCE:.0f} s") from error
            return  # its fragment may be gone from the page; then nobody answers
        except ConnectionClosed as error:
            raise NoAnswer(f"{what}: disconnected ({error})") from error
        finally:
            if wait in self._waits:
                self._waits.remove(wait)
        done = time.perf_counter() - wait.started
        self.tell(
            {
                "kind": kind if what != "open" else "open",
                "page": self.page,
                "what": what,
                "first": done if wait.first is None else wait.first,
                "done": done,
                "size": wait.size,
                "messages": wait.messages,
            }
        )

    async def _tick(self, fragment: str, seconds: float) -> None:
        """Ask for a fragment again and again, as the server wished."""
        while True:
            await asyncio.sleep(seconds)
            if fragment in self._ticks_open:
                continue  # the last one is not answered yet: the server would merge the two
            self._ticks_open.add(fragment)
            try:
                await self._ask(what="tick", fragment=fragment, kind="tick")
            except NoAnswer:
                return
            finally:
                self._ticks_open.discard(fragment)

    # --- reading ------------------------------------------------------------------------------------------

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for frame in socket:
                assert isinstance(frame, bytes)
                self._take(ForwardMsg.FromString(frame), len(frame))
            error: BaseException = NoAnswer("the server closed the connection")
        except ConnectionClosed as closed:
            error = NoAnswer(f"disconnected: {closed}")
        for wait in self._waits:
            if not wait.ended.done():
                wait.ended.set_exception(error)
        self.tell({"error": "disconnect", "page": self.page, "text": str(error)})

    def _take(self, message: ForwardMsg, size: int) -> None:  # noqa: PLR0912 - one branch a kind of message
        kind = message.WhichOneof("type")
        for wait in self._waits:
            if wait.run == self._run and kind != "new_session":
                wait.size, wait.messages = wait.size + size, wait.messages + 1
        if kind == "new_session":
            self._begin(message)
        elif kind == "delta":
            self._draw(message, message.delta)
        elif kind == "ref_hash":
            held = self._held.get(message.ref_hash)
            if held is None:
                self.tell(
                    {"error": "protocol", "page": self.page, "text": "a reference to a forgotten message"}
                )
            else:
                held[1] = 0
                self._draw(message, held[0])
        elif kind == "navigation":
            self.pages = {one.url_pathname: one.page_script_hash for one in message.navigation.app_pages}
            for one in message.navigation.app_pages:
                if one.is_default:
                    self.pages[""] = one.page_script_hash
            self._page_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            one = message.auto_rerun
            self._stop_ticking(one.fragment_id)
            self._ticking[one.fragment_id] = asyncio.create_task(self._tick(one.fragment_id, one.interval))
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop_ticking(fragment)
        elif kind == "script_finished":
            self._end(message)
        elif kind == "session_event" and message.session_event.HasField("script_compilation_exception"):
            self.tell({"error": "exception", "page": self.page, "text": "the script does not compile"})

    @property
    def ticking(self) -> bool:
        """Whether the page runs a part of itself again and again."""
        return bool(self._ticking)

    def _stop_ticking(self, fragment: str) -> None:
        task = self._ticking.pop(fragment, None)
        if task is not None and task is not asyncio.current_task():
            # A tick under way is still answered; only the next one is not asked for.
            if fragment in self._ticks_open:
                self._ticks_open.discard(fragment)
            task.cancel()

    def _begin(self, message: ForwardMsg) -> None:
        run = message.metadata.run
        self._run, self._fragments = run.script_run_id, tuple(run.fragment_ids)
        if not self._fragments:
            for fragment in list(self._ticking):
                self._stop_ticking(fragment)
            self._page_hash = message.new_session.page_script_hash
            self._cached_runs = message.new_session.config.max_cached_message_age or CACHED_RUNS
            for key, held in list(self._held.items()):
                held[1] += 1
                if held[1] > self._cached_runs:
                    del self._held[key]
        for wait in self._waits:
            asked = wait.fragment in self._fragments if wait.fragment else not self._fragments
            if asked or wait.any_run:
                wait.run, wait.any_run = self._run, False

    def _draw(self, message: ForwardMsg, delta: Any) -> None:
        if message.metadata.cacheable and message.hash:
            self._held[message.hash] = [delta, 0]
        for wait in self._waits:
            if wait.first is None and wait.run == self._run:
                wait.first = time.perf_counter() - wait.started
        place = tuple(message.metadata.delta_path)
        which = delta.WhichOneof("type")
        if which == "new_element":
            kind = delta.new_element.WhichOneof("type")
            what = getattr(delta.new_element, kind) if kind else None
        elif which == "add_block":
            kind = delta.add_block.WhichOneof("type")
            what = delta.add_block.expandable if kind == "expandable" else delta.add_block
        else:
            return  # a spinner, for a moment
        self._nodes[place] = _Node(what=what, kind=kind or "", run=self._run, fragment=delta.fragment_id)
        if getattr(what, "set_value", False):
            self._values.pop(what.id, None)  # the server has just said what its value is
        if kind == "exception":
            self.tell({"error": "exception", "page": self.page, "text": f"{what.type}: {what.message}"[:300]})
        elif kind == "alert" and what.format == what.ERROR:
            self.tell({"error": "refused", "page": self.page, "text": what.body[:200]})
        elif kind == "imgs":
            self._fetch([one.url for one in what.imgs])
        elif kind == "bidi_component":
            self._fetch(_MEDIA.findall(what.mixed.json if what.WhichOneof("data") == "mixed" else what.json))

    def _fetch(self, urls: list[str]) -> None:
        """Load what is new of the server's own pictures."""
        for url in urls:
            if url.startswith("/media") and url not in self._pictures:
                self._pictures.add(url)
                task = asyncio.create_task(self._load(url))
                self._background.add(task)
                task.add_done_callback(self._background.discard)

    async def _load(self, url: str) -> None:
        await self._get(url)

    def _end(self, message: ForwardMsg) -> None:
        if message.script_finished != _EARLY:
            for place, node in list(self._nodes.items()):
                if node.run != self._run and (not self._fragments or node.fragment in self._fragments):
                    del self._nodes[place]
                    if getattr(node.what, "id", ""):
                        self._forget(node.what.id)
        for wait in list(self._waits):
            if wait.run != self._run or wait.run is None:
                continue
            if message.script_finished == _EARLY:
                wait.run, wait.any_run = None, True
            elif not wait.ended.done():
                wait.ended.set_result(None)

    def _forget(self, identity: str) -> None:
        """A widget that is gone from the page has no value any more."""
        if all(getattr(node.what, "id", "") != identity for node in self.nodes()):
            self._values.pop(identity, None)

    def nodes(self) -> Iterator[_Node]:
        """Everything on the page."""
        return iter(self._nodes.values())

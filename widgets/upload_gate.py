"""What may be sent to the server's memory: a limit on every request, every visitor, and all together.

Streamlit takes any file that a session sends to its upload address, whether or not a page shows an uploader, and
keeps it in memory until the session ends; its own limit is on each file alone. This gate stands before that address.
It asks Streamlit what is really held, so that a file that was deleted and a session that ended make room again, adds
what is still on its way, and refuses a file before its bytes are read.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.runs.limits import machine_memory
from core.words import megabytes

_ADDRESS = "/_stcore/upload_file/"
_FILE = re.compile(re.escape(_ADDRESS) + r"([^/]+)/([^/]+)$")
_FRAME = 1_048_576  # bytes that a form puts around its file, at most; as Streamlit allows
_RECORD = 20_000  # bytes that every file counts beside its own: records of empty files fill memory, too

_SHARE_OF_MEMORY = 0.25  # of the machine's, for all files in memory: pages and the worker need the rest
_VISITOR_FILES = 1.2  # what one visitor's files may be, in largest files: one, and some of the next
_AT_ONCE = 6  # files of one visitor that are read at the same time, as many as a browser sends; others wait
_MOST_WAITING = 200
_PATIENCE_SECONDS = 30.0  # and as long as a slow network takes:
_SLOWEST = 50_000  # bytes a second
_STEP = 262_144  # bytes that are reserved ahead where a request does not announce its size

_NOT_YOURS = "This file is not for a page of this browser; reload the page and choose the file again."
_TOO_LARGE = "The file is too large: at most {} can be sent."
_VISITOR_FULL = "Too many of your files are open at once; remove some, or close other tabs of this page."
_ALL_FULL = "Too many files are being sent at once; wait a minute, then choose yours again."
_TOO_MANY = "Too many files are being sent at once; send fewer at a time."
_TOO_SLOW = "The file came too slowly; check the network, then choose it again."
_NO_SUCH = "There is nothing at this address."


@dataclass(frozen=True, kw_only=True)
class Room:
    """How many bytes may lie in memory: one request's, one visitor's, everybody's."""

    request: int
    visitor: int
    everybody: int


def usual_room() -> Room:
    """Choose limits by the largest file that Streamlit is set to take, and by this machine's memory."""
    largest = int(config.get_option("server.maxUploadSize")) * 1_048_576 + _FRAME
    return Room(
        request=largest,
        visitor=int(_VISITOR_FILES * largest),
        everybody=max(int(_VISITOR_FILES * largest), int(_SHARE_OF_MEMORY * machine_memory())),
    )


def release(*files: UploadedFile) -> None:
    """Let go of the copy in Streamlit's memory of files that this session has uploaded and the lab has stored."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


@dataclass(kw_only=True)
class _Sending:
    """One file on its way."""

    owner: str
    reserved: int  # what is announced, or what has come where that is more


class UploadGate:
    """ASGI middleware before Streamlit's upload address; everything else passes untouched.

    A file is taken from the browser alone whose cookie the page's session has, and so is the wish to delete one.
    ``visitor_in`` reads the visitor out of cookies; ``room`` None: `usual_room`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        visitor_in: Callable[[Mapping[str, str]], str | None],
        room: Room | None = None,
    ) -> None:
        self.app = app
        self._visitor_in = visitor_in
        self._room = room
        self._sending: list[_Sending] = []
        self._requests: Counter[str] = Counter()
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._owners: dict[str, str] = {}  # by session: who it belonged to is not known once it is closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with one sentence."""
        if (
            scope["type"] != "http"
            or _ADDRESS not in scope["path"]
            or scope["method"] not in ("PUT", "DELETE")
        ):
            await self.app(scope, receive, send)
            return
        try:
            owner = self._owner(scope)
            if scope["method"] == "DELETE":
                await self.app(scope, receive, send)
                return
            async with self._its_turn(owner):
                with self._reserved(owner, _announced(scope)) as sending:
                    await self.app(scope, self._counted(receive, sending), send)
        except HTTPException as refused:
            await PlainTextResponse(refused.detail, refused.status_code)(scope, receive, send)

    def _owner(self, scope: Scope) -> str:
        """Name whose file this is: the visitor, or the session where the browser takes no cookies."""
        address = _FILE.search(scope["path"])
        if address is None or not runtime.exists():
            raise HTTPException(404, _NO_SUCH)
        session = address[1]
        client = runtime.get_instance().get_client(session)
        page = client.client_context if client is not None else None
        asking = self._visitor_in(HTTPConnection(scope).cookies)
        if page is None or asking != self._visitor_in(page.cookies):
            raise HTTPException(403, _NOT_YOURS)
        return self._owners.setdefault(session, asking or session)

    def _held(self, owner: str) -> tuple[int, int]:
        """Add up the owner's bytes and everybody's: what Streamlit holds, and what is on its way."""
        manager = runtime.get_instance().uploaded_file_mgr
        assert isinstance(manager, MemoryUploadedFileManager)
        held = {
            session: sum(len(file.data) + _RECORD for file in list(files.values()))
            for session, files in manager.file_storage.copy().items()
        }
        self._owners = {
            session: whose
            for session, whose in self._owners.items()
            if session in held or whose in self._requests  # on its way, or waiting for its turn
        }
        coming = sum(one.reserved for one in self._sending)
        return (
            sum(size for session, size in held.items() if self._owners.get(session) == owner)
            + sum(one.reserved for one in self._sending if one.owner == owner),
            sum(held.values()) + coming,
        )

    def _reserve(self, sending: _Sending, size: int, *, ahead: int = 0) -> None:
        """Make room for ``size`` bytes of a file on its way, and for what comes next; or refuse."""
        room = self._room = self._room or usual_room()
        if size > room.request:
            raise HTTPException(413, _TOO_LARGE.format(megabytes(room.request - _FRAME, 0)))
        size = min(size + ahead, room.request)
        of_owner, of_all = self._held(sending.owner)
        if of_owner + size - sending.reserved > room.visitor:
            raise HTTPException(413, _VISITOR_FULL)
        if of_all + size - sending.reserved > room.everybody:
            raise HTTPException(503, _ALL_FULL)
        sending.reserved = size

    @contextmanager
    def _reserved(self, owner: str, size: int) -> Iterator[_Sending]:
        sending = _Sending(owner=owner, reserved=0)
        self._sending.append(sending)
        try:
            self._reserve(sending, size + _RECORD)
            yield sending
        finally:
            self._sending.remove(sending)

    @asynccontextmanager
    async def _its_turn(self, owner: str) -> AsyncIterator[None]:
        """Let an owner's files in a few at a time; the others wait unread."""
        if self._requests[owner] >= _MOST_WAITING:
            raise HTTPException(429, _TOO_MANY)
        self._requests[owner] += 1
        turn = self._turns.setdefault(owner, asyncio.Semaphore(_AT_ONCE))
        try:
            async with turn:
                yield
        finally:
            self._requests[owner] -= 1
            if not self._requests[owner]:
                del self._requests[owner]

    def _counted(self, receive: Receive, sending: _Sending) -> Receive:
        """Count what really comes: more than there is room for, or too little for too long, ends the request."""
        loop = asyncio.get_running_loop()
        began, received, complete = loop.time(), 0, False

        async def counted() -> Message:
            nonlocal received, complete
            if complete:  # what is waited for now is the end of the connection
                return await receive()
            try:
                # By what has come, not by what was announced: room for a file that never comes is soon free again.
                async with asyncio.timeout_at(began + _PATIENCE_SECONDS + received / _SLOWEST):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, _TOO_SLOW) from None
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                complete = not message.get("more_body", False)
                if received > sending.reserved:
                    # In steps, not at every message: each is a look at all files.
                    self._reserve(sending, received, ahead=_STEP)
            return message

        return counted


def _announced(scope: Scope) -> int:
    """Read how many bytes are to come; 0 where the request does not say."""
    text = Headers(scope=scope).get("content-length", "0")
    if not text.isascii() or not text.isdigit():
        raise HTTPException(400, _NO_SUCH)
    return int(text[:20])

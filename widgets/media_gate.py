"""Pictures and downloads go to the browser that they were made for, and to no other.

Streamlit names every file of a page after its content alone (of a large one, after parts of it) and gives it to
whoever asks by that name, as long as any session shows it: so one could find out whether others look at a certain
picture, and two large files that differ little could be taken for each other. Here the name is drawn with a key from
the whole content and the visitor, carries a mark of that visitor, and is answered to nobody else.
"""

import hashlib
import hmac
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import MethodType

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryFile, MemoryMediaFileStorage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.turns import Owner, Ticket, Turns
from widgets import turns
from widgets.visitor_cookie import VisitorIn

_MARK = 32  # hexadecimal digits at the end of a name that say whose file it is
_KEY = secrets.token_bytes(32)  # names live no longer than this process
_NOBODYS = ""  # whose files are that were made for a browser without cookies: their names alone guard them

_readers: list[
    VisitorIn
] = []  # how the running server reads a visitor out of cookies; none in tests of a page alone
_downloading = threading.local()

MAKING_AT_ONCE = 2  # downloads; some are packed anew for seconds
MAKING_EACH = 4  # of one visitor, those that wait included
_making = Turns(MAKING_AT_ONCE)
_asked: Counter[Owner] = Counter()
_asking = threading.Lock()


def own(read: Callable[[], bytes]) -> Callable[[], bytes]:
    """Make what ``read`` returns this visitor's own; Streamlit calls it outside a page, where nobody is known.

    Visitors take turns, and what nobody waits for any more is not made.
    """
    owner, whose, context = _owner(), turns.owner(), get_script_run_ctx()
    session = context.session_id if context is not None else ""

    def reading() -> bytes:
        with _few(whose), _making.turn(Ticket(owner=whose), given_up=lambda: _gone(session)) as mine:
            if not mine:
                raise MediaFileStorageError("The page that asked for this download is closed.")
            content = read()
        _downloading.owner = owner  # Streamlit stores it next, in this very thread
        return content

    return reading


@contextmanager
def _few(whose: Owner) -> Iterator[None]:
    """Count what a visitor waits for: each takes a thread of the server's while it does."""
    with _asking:
        if _asked[whose] >= MAKING_EACH:
            raise MediaFileStorageError("Other downloads of this visitor are still being made.")
        _asked[whose] += 1
    try:
        yield
    finally:
        with _asking:
            _asked[whose] -= 1
            if not _asked[whose]:
                del _asked[whose]


def _gone(session: str) -> bool:
    return runtime.exists() and not runtime.get_instance().is_active_session(session)


def install(visitor_in: VisitorIn) -> None:
    """Let the running server name its files this way; to be called once it is there, before pages are drawn."""
    _readers[:] = [visitor_in]
    storage = runtime.get_instance().media_file_mgr._storage
    assert isinstance(storage, MemoryMediaFileStorage)

    def load_and_get_id(
        its: MemoryMediaFileStorage,
        path_or_data: str | bytes,
        mimetype: str,
        kind: MediaFileKind,
        filename: str | None = None,
    ) -> str:
        content = _read(path_or_data)
        owner = _owner()
        parts = (
            hashlib.sha256(content).digest(),
            mimetype.encode(),
            (filename or "").encode(),
            owner.encode(),
        )
        # Each part with its length: so that no two lists of parts read alike.
        drawn = hmac.new(_KEY, digestmod=hashlib.sha256)
        for part in parts:
            drawn.update(len(part).to_bytes(8, "big") + part)
        name = drawn.hexdigest() + _mark(owner)
        its._files_by_id.setdefault(
            name, MemoryFile(content=content, mimetype=mimetype, kind=kind, filename=filename)
        )
        return name

    storage.load_and_get_id = MethodType(load_and_get_id, storage)  # type: ignore[method-assign]


class MediaGate:
    """ASGI middleware before Streamlit's address of pictures and downloads; everything else passes untouched."""

    def __init__(self, app: ASGIApp, *, visitor_in: VisitorIn) -> None:
        self.app = app
        self._visitor_in = visitor_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the owner's request on; anybody else's is answered as if there were no such file."""
        if scope["type"] != "http" or not scope["path"].startswith(_address()):
            await self.app(scope, receive, send)
            return
        mark = PurePosixPath(scope["path"]).stem[-_MARK:]
        asking = self._visitor_in(HTTPConnection(scope).cookies)
        owners = {_NOBODYS} if asking is None else {asking, _NOBODYS}
        if not any(hmac.compare_digest(mark.encode(), _mark(one).encode()) for one in owners):
            await PlainTextResponse("File not found", 404)(scope, receive, send)
            return

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A cache on the way would give it to others past this gate.
                MutableHeaders(scope=message)["Cache-Control"] = "private"
            await send(message)

        # Pictures and archives are packed already: to pack 20 MB once more took two seconds and saved a fifteenth.
        plain = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, send_private)


def _address() -> str:
    base = str(config.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}/media/" if base else "/media/"


def _read(path_or_data: str | bytes) -> bytes:
    if isinstance(path_or_data, bytes):
        return path_or_data
    try:
        return Path(path_or_data).read_bytes()
    except OSError as error:
        raise MediaFileStorageError(f"Error opening '{path_or_data}'") from error


def _owner() -> str:
    """Name the visitor whose page is being drawn, or whose download has just been read."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        cookies = st.context.cookies.to_dict()
        return next((found for reader in _readers if (found := reader(cookies)) is not None), _NOBODYS)
    owner: str = getattr(_downloading, "owner", _NOBODYS)
    _downloading.owner = _NOBODYS
    return owner


def _mark(owner: str) -> str:
    return hmac.digest(_KEY, b"whose " + owner.encode(), hashlib.sha256).hex()[:_MARK]

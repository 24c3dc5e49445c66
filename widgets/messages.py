"""Which of Streamlit's messages a page may send: those that this lab's pages do send, and no larger than theirs.

Streamlit takes more from every page: to run git, to empty the caches of everybody, to list a million files to upload.
"""

from dataclasses import dataclass

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

MOST_FILES = 1_000  # that are chosen at once
FILE = 2_000  # bytes that each of them counts: what the answer takes, several times over
_MOST_WIDGETS = 2_000  # on a page; each costs more than its bytes, however short
_MOST_REMEMBERED = 10_000  # large messages that a browser says it has still
_SMALL = 1_000  # bytes of a message that only names something
_ID = 100  # characters; a browser's have 36
_OPERATIONS = ("deferred_file",)  # a download that is made when it is asked for
_TOO_MANY_FILES = (
    f"At most {MOST_FILES:,} files can be chosen at once; choose fewer, or put them into a ZIP archive."
)


class Unreadable(Exception):
    """What came is no message."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What is to be known of a page's message; not the message itself, which takes many times its bytes."""

    kind: str
    allowed: bool  # whether this lab's pages send such messages
    costs: int  # bytes that it counts besides its own
    answer: bytes | None  # to one that is not allowed, where somebody waits for it


def read(raw: bytes) -> Said:
    """Look at a page's message; `Unreadable` for anything else."""
    try:
        message = BackMsg.FromString(raw)
    except DecodeError:
        raise Unreadable from None
    allowed = _allowed(message)
    return Said(
        kind=message.WhichOneof("type") or "nothing",
        allowed=allowed,
        costs=FILE * len(message.file_urls_request.file_names) if allowed else 0,
        answer=None if allowed else _answer(message),
    )


def _allowed(message: BackMsg) -> bool:
    match message.WhichOneof("type"):
        case "rerun_script":
            page = message.rerun_script
            return (
                len(page.widget_states.widgets) <= _MOST_WIDGETS
                and len(page.cached_message_hashes) <= _MOST_REMEMBERED
            )
        case "file_urls_request":
            asks = message.file_urls_request
            return len(asks.request_id) <= _ID and len(asks.file_names) <= MOST_FILES
        case "backend_operation_request":
            operation = message.backend_operation_request.WhichOneof("payload")
            return operation in _OPERATIONS and bool(message.ByteSize() <= _SMALL)
        case "stop_script" | "app_heartbeat":
            return bool(message.ByteSize() <= _SMALL)
    return False


def _answer(message: BackMsg) -> bytes | None:
    asks = message.file_urls_request
    if len(asks.file_names) <= MOST_FILES or len(asks.request_id) > _ID:
        return None
    answer = ForwardMsg()
    answer.file_urls_response.response_id = asks.request_id
    answer.file_urls_response.error_msg = _TOO_MANY_FILES
    return bytes(answer.SerializeToString())

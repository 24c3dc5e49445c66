"""Files of a run: written whole or not at all, and the event log, which is only ever appended to. Torch-free."""

import contextlib
import hashlib
import json
import math
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

EVENTS = "events.jsonl"
CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.safetensors"
RESULT = "result.json"
TEST = "test.npz"
TRACEBACK = "traceback.txt"
SNAPSHOTS = "snapshots"  # a folder: weights over the epochs

_BINARY = getattr(os, "O_BINARY", 0)  # Windows
_SEAL_BYTES = 32  # of a SHA-256
_READ_AT_ONCE = 4_000_000  # bytes of the log that one poll reads: a page that comes late catches up in steps


def write_atomically(path: Path, write: Callable[[BinaryIO], object], *, private: bool = True) -> None:
    """Call ``write`` on a fresh file beside ``path`` and move it into place once it is on disk.

    It is its owner's alone, unless it leaves the data directory: then the umask decides, as for every other file.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = str(path.with_name(f".{path.name}.{secrets.token_hex(8)}"))
    number = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600 if private else 0o666)
    try:
        with os.fdopen(number, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def write_sealed(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """As `write_atomically`, with a SHA-256 of the content behind it: a disk may return what was never written."""

    def sealed(file: BinaryIO) -> None:
        hashing = _Hashing(file)
        write(cast(BinaryIO, hashing))
        file.write(hashing.digest())

    write_atomically(path, sealed)


def read_sealed(path: Path) -> bytes:
    """Read what `write_sealed` wrote; a `ValueError` if it is not that."""
    content = path.read_bytes()
    body, seal = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
    if hashlib.sha256(body).digest() != seal:
        raise ValueError(f"{path.name} is not what was written.")
    return body


class _Hashing:
    """A file to write to that keeps the hash of what went through."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self._hash.update(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()

    def digest(self) -> bytes:
        return self._hash.digest()


def size(directory: Path) -> int:
    """Add up the bytes of all files in a folder and below; 0 where there is none."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                total += os.stat(os.path.join(folder, name)).st_size
    return total


def sweep(directory: Path) -> None:
    """Remove what a killed worker left half written."""
    for name in (CHECKPOINT, WEIGHTS, RESULT, TEST):
        for path in directory.glob(f".{name}.*"):
            path.unlink(missing_ok=True)


def sweep_folder(folder: Path) -> None:
    """Remove everything that a killed worker left half written in ``folder``, which only it writes into."""
    for path in folder.glob(".*"):
        path.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, *, private: bool = True) -> None:
    """Write ``content``, whole or not at all; ``private`` as for `write_atomically`."""
    write_atomically(path, lambda file: file.write(content), private=private)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write ``values`` as strict JSON, whole or not at all."""
    write_atomically(path, lambda file: file.write(json_bytes(values)))


def json_bytes(values: dict[str, Any]) -> bytes:
    """Encode ``values`` as strict JSON that a person can read."""
    text = json.dumps(finite(values), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    return text.encode(
        errors="backslashreplace"
    )  # half a surrogate pair, of a name in no encoding: JSON's own escape


def finite(values: Any) -> Any:
    """Copy plain values with every NaN and infinity as None: JSON has no word for them (a diverged loss)."""
    if isinstance(values, float) and not math.isfinite(values):
        return None
    if isinstance(values, dict):
        return {key: finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [finite(value) for value in values]
    return values


class EventLog:
    """One JSON object a line. Opening it cuts off a last line that a crash left unfinished."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            _cut_torn_line(path)
        # Unbuffered, one write a line: a reader sees whole lines only.
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - lives as long as the object

    def append(self, values: dict[str, Any]) -> None:
        """Write one event."""
        line = json.dumps(finite(values), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self._file.write(line.encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_events(path: Path, after: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Read whole lines from byte ``after`` on; also the offset to ask for next time. No file: nothing yet."""
    try:
        with open(path, "rb") as file:
            file.seek(after)
            content = file.read(_READ_AT_ONCE)
            end = content.rfind(b"\n") + 1
            if not end and len(content) == _READ_AT_ONCE:  # one line longer than a step
                content += file.readline()
                end = len(content) if content.endswith(b"\n") else 0
    except FileNotFoundError:
        return [], after
    return [values for line in content[:end].splitlines() if (values := _values(line))], after + end


def _values(line: bytes) -> dict[str, Any]:
    """Read one line; nothing from one that a disk has damaged: what is after it is worth more than an error."""
    try:
        values = json.loads(line)
    except ValueError:
        return {}
    return values if isinstance(values, dict) and "event" in values else {}


def whole_log(path: Path) -> list[dict[str, Any]]:
    """Read a log to its end."""
    lines: list[dict[str, Any]] = []
    offset = 0
    while True:
        more, offset = read_events(path, offset)
        if not more:
            return lines
        lines += more


def _cut_torn_line(path: Path) -> None:
    """Cut the log behind its last line end."""
    with open(path, "rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 65536)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        file.truncate(end)

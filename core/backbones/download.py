"""One file over https: with progress, hash checked, kept for the next time, and never half a file."""

import hashlib
import os
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import Any

from core import errors
from core.words import megabytes

# torchvision and torch.hub write the first digits of the SHA-256 into the file's name.
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,})\.")
_CHUNK = 1 << 20  # bytes
_PATIENCE = 20.0  # seconds without an answer


def fetch(
    url: str,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    hash_in_name: bool = True,
) -> Path:
    """Return the file of ``url`` in ``folder``, downloading it if it is not there yet.

    Its SHA-256 must begin as its name says; where ``hash_in_name`` is False, it must be the one that the server states
    (as the Hugging Face hub does for large files), and is written into the name of the file that is kept.
    ``progress`` is called with the bytes so far and the bytes in all. Raises `DownloadError` in one sentence when there
    is no network, the transfer breaks, the disk is full, or the hash does not match.
    """
    name = url.rsplit("/", 1)[-1]
    wanted = _hash_in(name)
    kept = here(url, folder, hash_in_name=hash_in_name)
    if kept is not None and _sha256(kept).startswith(_hash_in(kept.name)):
        return kept
    part: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{name}.", suffix=".part", delete=False) as file:
            part = Path(file.name)
            digest = hashlib.sha256()
            noting = _NotingHash()
            with urllib.request.build_opener(noting).open(url, timeout=_PATIENCE) as answer:
                total, done = int(answer.headers.get("Content-Length") or 0), 0
                if not hash_in_name:
                    wanted = noting.hash or _hash_of(answer.headers)
                    if not wanted:
                        raise errors.DownloadError(
                            f"The server does not say which checksum {name} has, so it was not fetched; choose another "
                            "network, or a weights file of your own."
                        )
                _check_room(name, folder, total)
                while block := answer.read(_CHUNK):
                    file.write(block)
                    digest.update(block)
                    done += len(block)
                    if progress is not None:
                        progress(done, total)
        if total and done < total:
            raise errors.DownloadError(f"The download of {name} broke off after {done:,} bytes; try again.")
        if not digest.hexdigest().startswith(wanted):
            whose = "in its name" if hash_in_name else "that the server states"
            raise errors.DownloadError(
                f"The download of {name} does not have the checksum {whose}; it was thrown away, try again."
            )
        target = folder / (name if hash_in_name else _with_hash(name, wanted))
        os.replace(part, target)
    except (urllib.error.URLError, HTTPException, OSError) as error:
        raise errors.DownloadError(_reason(name, url, error)) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return target


def here(url: str, folder: Path, *, hash_in_name: bool = True) -> Path | None:
    """Where the file of ``url`` was kept by `fetch`; None where it was not."""
    name = url.rsplit("/", 1)[-1]
    if hash_in_name:
        return folder / name if (folder / name).is_file() else None
    return next((path for path in sorted(folder.glob(_with_hash(name, "*"))) if path.is_file()), None)


class _NotingHash(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and notes the hash that the first server states: the one behind it may not know it."""

    def __init__(self) -> None:
        self.hash = ""

    def http_error_302(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        self.hash = self.hash or _hash_of(headers)
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _hash_in(name: str) -> str:
    match = _HASH_IN_NAME.search(name)
    return match.group(1) if match else ""


def _hash_of(headers: HTTPMessage) -> str:
    """Read the SHA-256 of a large file off the hub's answer."""
    tag = (headers.get("X-Linked-ETag") or "").strip('"').lower()
    return tag if re.fullmatch(r"[0-9a-f]{64}", tag) else ""


def _with_hash(name: str, digits: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{digits[:16]}{dot}{suffix}"


def _check_room(name: str, folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise errors.DownloadError(
            f"{name} takes {megabytes(size)}, and this disk has {megabytes(free)} left; make room and try again."
        )


def _reason(name: str, url: str, error: Exception) -> str:
    host = url.split("/")[2]
    if isinstance(error, urllib.error.HTTPError):
        error.close()  # it holds the connection
        return f"{host} does not hand out {name} (it answers {error.code}); try again later."
    if isinstance(error, urllib.error.URLError | HTTPException | TimeoutError | ConnectionError):
        return (
            f"{name} cannot be downloaded, since {host} cannot be reached; go online and try again, or choose "
            "the built-in backbone or a weights file of your own."
        )
    return f"{name} cannot be kept on this disk: {error.strerror if isinstance(error, OSError) else error}."


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""One file over https: with progress, hash checked, kept for the next time, and never half a file."""

import hashlib
import os
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from core import errors

# torchvision and torch.hub write the first digits of the SHA-256 into the file's name.
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,})\.")
_CHUNK = 1 << 20  # bytes
_PATIENCE = 20.0  # seconds without an answer


def fetch(url: str, folder: Path, progress: Callable[[int, int], None] | None = None) -> Path:
    """Return the file of ``url`` in ``folder``, downloading it if it is not there yet.

    ``progress`` is called with the bytes so far and the bytes in all. Raises `DownloadError` in one sentence
    when there is no network, the transfer breaks, the disk is full, or the hash in the name does not match.
    """
    name = url.rsplit("/", 1)[-1]
    match = _HASH_IN_NAME.search(name)
    wanted = match.group(1) if match else ""
    target = folder / name
    if target.is_file() and _sha256(target).startswith(wanted):
        return target
    part: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{name}.", suffix=".part", delete=False) as file:
            part = Path(file.name)
            digest = hashlib.sha256()
            with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
                total, done = int(answer.headers.get("Content-Length") or 0), 0
                while block := answer.read(_CHUNK):
                    file.write(block)
                    digest.update(block)
                    done += len(block)
                    if progress is not None:
                        progress(done, total)
        if total and done < total:
            raise errors.DownloadError(f"The download of {name} broke off after {done:,} bytes; try again.")
        if not digest.hexdigest().startswith(wanted):
            raise errors.DownloadError(
                f"The download of {name} does not have the checksum in its name; it was thrown away, try again."
            )
        os.replace(part, target)
    except (urllib.error.URLError, HTTPException, OSError) as error:
        raise errors.DownloadError(_reason(name, url, error)) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return target


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

"""Fetch files over the network with progress and checksums; a failure is one sentence and leaves nothing."""

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import DownloadError

TIMEOUT_SECONDS = 30  # without a single byte
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file: its address, its ``checksum`` ("md5:…" or "sha256:…") and its ``place`` below the data folder.

    Without a checksum, whoever fetches it has to check what it holds.
    """

    url: str
    checksum: str | None
    place: str


class _Bytes:
    """The progress interface that pooch asks for: counts the bytes of one file on top of earlier files."""

    def __init__(self, before: int, total: int, progress: Callable[[int, int], None] | None) -> None:
        self.total = 0
        self._before, self._all, self._progress = before, total, progress
        self._done = 0

    def update(self, count: int) -> None:
        """Count bytes; the last piece may be shorter than told."""
        self._done += count
        if self._progress is not None:
            self._progress(min(self._before + self._done, self._all), self._all)

    def reset(self) -> None:
        """Start over, as pooch does before it reports the file as complete."""
        self._done = 0

    def close(self) -> None:
        """Leave nothing open."""


def fetch(
    files: tuple[RemoteFile, ...],
    into: Path,
    *,
    title: str,
    total_bytes: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Download ``files`` to their places below ``into``; those that are there and intact are kept.

    ``title`` names the data set in the sentence; ``progress(done, total)`` counts bytes. Raises
    `DownloadError`; the file that failed is removed.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)
    done = 0
    for file in files:
        target = into / file.place
        downloader = pooch.HTTPDownloader(
            progressbar=_Bytes(done, total_bytes, progress), chunk_size=_CHUNK_BYTES, timeout=TIMEOUT_SECONDS
        )
        try:
            pooch.retrieve(
                file.url,
                known_hash=file.checksum,
                fname=target.name,
                path=target.parent,
                downloader=downloader,
            )
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else "with an error"
            raise DownloadError(
                f"{title} could not be downloaded: the server answered {status} for {file.url}; try again later."
            ) from error
        except (requests.RequestException, ConnectionError, TimeoutError) as error:
            raise DownloadError(
                f"{title} could not be downloaded, because its server cannot be reached; "
                "check the network and try again, or choose a built-in data set."
            ) from error
        except ValueError as error:  # pooch's word for a wrong hash; it has removed the file
            raise DownloadError(
                f"{title} arrived damaged (the checksum of {target.name} is wrong) and was thrown away; try again."
            ) from error
        except OSError as error:
            raise DownloadError(disk_sentence(title, into, error)) from error
        done += target.stat().st_size


def disk_sentence(title: str, folder: Path, error: OSError) -> str:
    """Say why ``title`` cannot be kept in ``folder``."""
    if error.errno == errno.ENOSPC:
        return f"{title} does not fit on the disk; free some space, or set TLL_DATA_DIR to a larger one."
    return f"{title} cannot be saved in {folder} ({error.strerror or error}); set TLL_DATA_DIR to another folder."

"""A ZIP file from outside, listed and read under limits; nothing is ever unpacked to disk."""

import os
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import DataError
from core.images.decoding import Limits

_END_RECORD = b"PK\x05\x06"  # APPNOTE.TXT 4.3.16, end of central directory
_END_RECORD_BYTES = 22
_LONGEST_COMMENT = 65_535
_LOCATOR = b"PK\x06\x07"  # 4.3.15, ZIP64 end of central directory locator
_LOCATOR_BYTES = 20
_ENTRY_BYTES = 46  # APPNOTE.TXT 4.3.12, the fixed part of a central directory header
_USUAL_NAME_BYTES = 400  # names and extra fields beyond this, for every entry, are no photo collection
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
# What zipfile raises for bytes that only pretend to be a ZIP.
_BROKEN = (
    zipfile.BadZipFile,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
    NotImplementedError,
    struct.error,
)
_SMALL = 1_000_000  # bytes below which a high ratio does no harm


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An open archive whose listing was found harmless: ``paths`` of its files, "/"-separated."""

    paths: tuple[str, ...]
    _members: tuple[zipfile.ZipInfo, ...]
    _source: zipfile.ZipFile
    _limits: Limits
    _lock: threading.Lock

    def read(self, number: int) -> bytes:
        """Unpack file ``number`` in memory; may be called from several threads. Raises `DataError`."""
        member = self._members[number]
        if member.file_size > self._limits.max_bytes:
            raise DataError(
                f"The file is larger than {self._limits.max_bytes / 1e6:.0f} MB; "
                "save the picture at a smaller size."
            )
        try:
            with self._lock:
                return self._source.read(member)
        except (*_BROKEN, zlib.error, RuntimeError, OSError) as error:
            raise DataError("The file is damaged inside the ZIP; make the ZIP again.") from error


@contextmanager
def open_archive(source: str | os.PathLike[str] | BinaryIO, limits: Limits) -> Iterator[Archive]:
    """Open a ZIP file by path or as a seekable stream, and check its listing before anything is read.

    Raises `DataError`, one sentence each: not a ZIP, encrypted, a path that leaves the archive, links,
    a bomb (by ratio or in total), too many entries, a rare compression.
    """
    try:
        if not isinstance(source, str | os.PathLike):
            source.seek(0)
            _refuse_long_listing(source, limits)
        else:
            with Path(source).open("rb") as file:
                _refuse_long_listing(file, limits)
        opened = zipfile.ZipFile(source)
    except _BROKEN as error:
        raise DataError("This is not a ZIP file, or only a part of one; make or upload it again.") from error
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"The ZIP file cannot be opened ({reason}); check its name and place.") from error
    with opened:
        members = tuple(member for member in opened.infolist() if not member.is_dir())
        _refuse_harm(opened.infolist(), limits)
        yield Archive(
            paths=tuple(_path(member) for member in members),
            _members=members,
            _source=opened,
            _limits=limits,
            _lock=threading.Lock(),
        )


def _refuse_long_listing(file: BinaryIO, limits: Limits) -> None:
    """Look at the size of the listing first: reading millions of entries takes memory and minutes by itself."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_RECORD_BYTES - _LONGEST_COMMENT))
    tail = file.read()
    at = tail.rfind(_END_RECORD)
    if at < 0 or len(tail) - at < _END_RECORD_BYTES:
        raise zipfile.BadZipFile("no end record")
    listing_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    locator = tail[max(0, at - _LOCATOR_BYTES) : at]
    if locator.startswith(_LOCATOR):  # ZIP64 keeps the size in a record of its own
        file.seek(int.from_bytes(locator[8:16], "little"))
        listing_bytes = int.from_bytes(file.read(48)[40:48], "little")
    if listing_bytes > limits.max_entries * (_ENTRY_BYTES + _USUAL_NAME_BYTES):
        raise DataError(_too_many(limits))
    file.seek(0)


def _refuse_harm(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(members) > limits.max_entries:
        raise DataError(_too_many(limits))
    if any(member.flag_bits & _ENCRYPTED_FLAG for member in members):
        raise DataError("The ZIP is encrypted; make it again without a password.")
    for member in members:
        path = _path(member)
        if path.startswith("/") or path[1:2] == ":" or ".." in path.split("/"):
            raise DataError(
                f"The ZIP has a path that leaves it ({path[:80]}); make it again from a plain folder."
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(
                f"The ZIP has a link ({path[:80]}) instead of a file; put the file itself into it."
            )
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError("The ZIP uses a rare compression; make it again with the usual one (Deflate).")
        if member.file_size > _SMALL and member.file_size > limits.max_ratio * max(member.compress_size, 1):
            raise DataError(
                f"{path[:80]} would unpack to more than {limits.max_ratio:.0f} times its packed size, "
                "as no photograph does; the ZIP is refused."
            )
    total = sum(member.file_size for member in members)
    if total > limits.max_unpacked_bytes:
        raise DataError(
            f"The ZIP would unpack to {total / 1e9:.1f} GB, and at most "
            f"{limits.max_unpacked_bytes / 1e9:g} GB are read; keep fewer or smaller pictures."
        )


def _too_many(limits: Limits) -> str:
    return f"The ZIP has more than {limits.max_entries:,} entries; keep fewer pictures."


def _path(member: zipfile.ZipInfo) -> str:
    """The member's path; macOS writes UTF-8 without saying so, Windows programs may write backslashes."""
    name = member.filename
    if not member.flag_bits & _UTF8_FLAG:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = member.filename
    return name.replace("\\", "/")

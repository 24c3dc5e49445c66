"""A ZIP file from outside, listed and read under limits; nothing is ever unpacked to disk.

ZIP files inside it that stand in the place of folders (``cats.zip``, ``dogs.zip``) are opened as such, one level deep
and under the same limits, all together.
"""

import io
import os
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.datasets.layout import packed_folders
from core.datasets.member_names import readable
from core.errors import DataError
from core.images.decoding import ReadingLimits
from core.words import megabytes

_END_RECORD = b"PK\x05\x06"  # APPNOTE.TXT 4.3.16, end of central directory
_END_RECORD_BYTES = 22
_LONGEST_COMMENT = 65_535
_LOCATOR = b"PK\x06\x07"  # 4.3.15, ZIP64 end of central directory locator
_LOCATOR_BYTES = 20
_RECORD = b"PK\x06\x06"  # 4.3.14, ZIP64 end of central directory record
_RECORD_BYTES = 56
_ENTRY = b"PK\x01\x02"
_ENTRY_BYTES = 46  # APPNOTE.TXT 4.3.12, the fixed part of a central directory header
_USUAL_NAME_BYTES = 200  # names and extra fields beyond this, for every entry, are no photo collection
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
_FOLDER = 0x10  # the attribute of a folder under MS-DOS


@dataclass(frozen=True, kw_only=True)
class _Member:
    """A file in an opened ZIP; ``lock`` lets one thread at a time read from that ZIP."""

    info: zipfile.ZipInfo
    source: zipfile.ZipFile
    lock: threading.Lock

    def read(self, limit: int) -> bytes:
        if self.info.file_size > limit:
            raise DataError(
                f"The file is larger than {megabytes(limit, 0)}; save the picture at a smaller size."
            )
        try:
            # Asked for "all", zipfile unpacks what is there before it cuts off what was not announced.
            with self.lock, self.source.open(self.info) as file:
                return file.read(self.info.file_size)
        except (*_BROKEN, zlib.error, RuntimeError, OSError) as error:
            raise DataError("The file is damaged inside the ZIP; make the ZIP again.") from error


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An open archive whose listing was found harmless: ``paths`` of its files, "/"-separated.

    ``remarks`` are sentences about how it was read.
    """

    paths: tuple[str, ...]
    remarks: tuple[str, ...]
    _members: tuple[_Member, ...]
    _limits: ReadingLimits

    def read(self, number: int) -> bytes:
        """Unpack file ``number`` in memory; may be called from several threads. Raises `DataError`."""
        return self._members[number].read(self._limits.max_bytes)


@contextmanager
def open_archive(
    source: str | os.PathLike[str] | BinaryIO, limits: ReadingLimits, *, nested: bool = True
) -> Iterator[Archive]:
    """Open a ZIP file by path or as a seekable stream, and check its listing before anything is read.

    ``nested``: open ZIP files that stand in the place of folders, too. Raises `DataError`, one sentence each: not a
    ZIP, encrypted, a path that leaves the archive, links, a bomb (by ratio, in total or of overlapping files), too many
    entries, a rare compression.
    """
    with ExitStack() as opened:
        paths, members, remarks = _listed(source, limits, opened)
        packed = packed_folders(paths) if nested else []
        if sum(members[number].info.file_size for number in packed) > limits.max_nested_bytes:
            raise DataError(
                f"The ZIP files inside the ZIP take more than {megabytes(limits.max_nested_bytes, 0)}; unpack them "
                "into folders, and make one ZIP of those."
            )
        for number in packed:
            try:
                content = members[number].read(limits.max_nested_bytes)
                inner, of_inner, remarked = _listed(io.BytesIO(content), limits, opened)
            except DataError as error:
                raise DataError(f"{paths[number][:80]} inside the ZIP: {error}") from error
            paths += [f"{paths[number][: -len('.zip')]}/{path}" for path in inner]
            members += of_inner
            remarks += [one for one in remarked if one not in remarks]
        for number in reversed(packed):
            del paths[number], members[number]
        if len(members) > limits.max_entries:
            raise DataError(_too_many(limits))
        _refuse_total([member.info for member in members], limits)
        yield Archive(paths=tuple(paths), remarks=tuple(remarks), _members=tuple(members), _limits=limits)


def _listed(
    source: str | os.PathLike[str] | BinaryIO, limits: ReadingLimits, opened: ExitStack
) -> tuple[list[str], list[_Member], list[str]]:
    """Open one ZIP, check its listing, and give its files' paths, the files and remarks; ``opened`` closes it."""
    try:
        if not isinstance(source, str | os.PathLike):
            size = _refuse_long_listing(source, limits)
        else:
            with Path(source).open("rb") as file:
                size = _refuse_long_listing(file, limits)
        archive = opened.enter_context(zipfile.ZipFile(source))
    except UnicodeDecodeError as error:
        raise DataError(
            "The names in the ZIP are marked as UTF-8 and are not; make the ZIP again."
        ) from error
    except _BROKEN as error:
        raise DataError("This is not a ZIP file, or only a part of one; make or upload it again.") from error
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"The ZIP file cannot be opened ({reason}); check its name and place.") from error
    entries = archive.infolist()
    paths, remark = readable(entries)
    _refuse_harm(entries, paths, size, limits)
    lock = threading.Lock()
    files = [
        (path, _Member(info=info, source=archive, lock=lock))
        for path, info in zip(paths, entries, strict=True)
        if not path.endswith("/") and not (info.external_attr & _FOLDER and not info.file_size)
    ]
    return [path for path, _ in files], [member for _, member in files], [remark] if remark else []


def _refuse_long_listing(file: BinaryIO, limits: ReadingLimits) -> int:
    """Walk through the listing first: reading millions of entries takes memory and minutes by itself.

    Returns the archive's size in bytes.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_RECORD_BYTES - _LONGEST_COMMENT))
    tail = file.read()
    at = tail.rfind(_END_RECORD)
    if at < 0 or len(tail) - at < _END_RECORD_BYTES:
        raise zipfile.BadZipFile("no end record")
    listing_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    listing_end = size - len(tail) + at
    if tail[max(0, at - _LOCATOR_BYTES) : at].startswith(
        _LOCATOR
    ):  # ZIP64: the size is in a record before it
        record_at = listing_end - _LOCATOR_BYTES - _RECORD_BYTES
        file.seek(max(0, record_at))
        record = file.read(_RECORD_BYTES)
        # Readers disagree about records elsewhere, so that what was checked here might not be what is read.
        if not record.startswith(_RECORD) or int.from_bytes(tail[at - 12 : at - 4], "little") != record_at:
            raise zipfile.BadZipFile("the ZIP64 record is not where it belongs")
        listing_end, listing_bytes = record_at, int.from_bytes(record[40:48], "little")
    if listing_bytes > limits.max_entries * (_ENTRY_BYTES + _USUAL_NAME_BYTES):
        raise DataError(_too_many(limits))
    file.seek(max(0, listing_end - listing_bytes))
    if _entries(file.read(listing_bytes), limits.max_entries) > limits.max_entries:
        raise DataError(_too_many(limits))
    file.seek(0)
    return size


def _entries(listing: bytes, most: int) -> int:
    """Count the entries as a reader walks through them, no further than one more than ``most``."""
    count = at = 0
    while listing.startswith(_ENTRY, at) and count <= most:
        lengths = (int.from_bytes(listing[at + field : at + field + 2], "little") for field in (28, 30, 32))
        at += _ENTRY_BYTES + sum(lengths)
        count += 1
    return count


def _refuse_harm(
    members: Sequence[zipfile.ZipInfo], paths: Sequence[str], size: int, limits: ReadingLimits
) -> None:
    if len(members) > limits.max_entries:
        raise DataError(_too_many(limits))
    if any(member.flag_bits & _ENCRYPTED_FLAG for member in members):
        raise DataError("The ZIP is encrypted; make it again without a password.")
    for member, path in zip(members, paths, strict=True):
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
    if sum(member.compress_size for member in members) > size:
        raise DataError("The files in the ZIP overlap, as in no honest one; make it again.")
    _refuse_total(members, limits)


def _refuse_total(members: Sequence[zipfile.ZipInfo], limits: ReadingLimits) -> None:
    total = sum(member.file_size for member in members)
    if total > limits.max_unpacked_bytes:
        raise DataError(
            f"The ZIP would unpack to {total / 1e9:.1f} GB, and at most "
            f"{limits.max_unpacked_bytes / 1e9:g} GB are read; keep fewer or smaller pictures."
        )


def _too_many(limits: ReadingLimits) -> str:
    return f"The ZIP has more than {limits.max_entries:,} entries; keep fewer pictures."

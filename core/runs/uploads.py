"""Visitors' own pictures, kept as archives under unguessable names until they expire or are deleted. Torch-free.

Room is shared: what one visitor may store, and all together, and the disk must keep some for everything else.
"""

import io
import os
import secrets
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from core import errors
from core.datasets.layout import class_name
from core.images.decoding import DEFAULT_LIMITS
from core.runs.files import artefacts
from core.runs.home import checked_token, run_directory, upload_path
from core.runs.limits import limits
from core.runs.spec import UPLOAD
from core.runs.store.runs import Store
from core.runs.store.uploads import Upload
from core.words import megabytes

MAX_BYTES = 1_000_000_000  # of one archive; what is inside is limited where it is read
DISK_RESERVE = 1_000_000_000  # bytes that an upload leaves free, for runs and the database
_MAX_NAME = 120  # characters of a file name that are kept, for the list on screen
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say: equal pictures make equal archives
_UNRECORDED_SECONDS = 3600.0  # a file this old without a record was left by a crash between the two
DISK_FULL = "The server's disk is nearly full, so nothing can be stored; ask whoever runs it to make room."


def store(store: Store, visitor: str, name: str, content: bytes) -> str:
    """Keep an archive; the same content again gives the same reference. Returns what `RunSpec.data` takes.

    Raises `DataError`, one sentence, where the file is empty or too large, or there is no room for it.
    """
    name = readable(name)
    if not content:
        raise errors.DataError(
            f"{name or 'The file'} is empty; choose a ZIP archive with a folder per class."
        )
    _refuse_large(name, len(content))
    digest = sha256(content).hexdigest()
    known = store.uploads.same(visitor, digest)
    if known is not None and path_of(store, known).exists():
        store.uploads.renew(known.token)
        return UPLOAD + known.token
    token = secrets.token_urlsafe(16) if known is None else known.token
    if known is None:
        check_room(store, visitor, len(content))
    if shutil.disk_usage(store.home).free - len(content) < DISK_RESERVE:
        raise errors.DataError(DISK_FULL)
    path = upload_path(store.home, token)
    try:
        artefacts.write_atomically(path, lambda file: file.write(content))
    except OSError as error:
        raise errors.DataError(DISK_FULL) from error
    return UPLOAD + (
        token if known is not None else _record(store, visitor, name, digest=digest, token=token)
    )


def store_images(
    store_: Store, visitor: str, name: str, files: Mapping[str, Sequence[tuple[str, bytes]]]
) -> str:
    """Keep single pictures, ``{class name: [(file name, bytes), …]}``, as one archive of class folders."""
    _refuse_large("Your pictures", sum(len(content) for members in files.values() for _, content in members))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for raw, pictures in files.items():
            folder = "".join("_" if letter in "/\\:\0" else letter for letter in raw).strip(" .")
            if not folder:
                raise errors.DataError("Give every class a name before you use its pictures.")
            folder = class_name(folder, DEFAULT_LIMITS)
            for number, (file_name, content) in enumerate(pictures, start=1):
                suffix = readable(Path(file_name).suffix.lower()[:8])
                archive.writestr(zipfile.ZipInfo(f"{folder}/{number:05d}{suffix}", _NO_DATE), content)
    return store(store_, visitor, name, packed.getvalue())


def find(store: Store, visitor: str | None, reference: str) -> Upload:
    """Look up a reference; a `DataError` if it is gone, or not ``visitor``'s (None: whoever's it is)."""
    upload = store.uploads.one(checked_token(reference.removeprefix(UPLOAD)))
    if upload is None or (visitor is not None and upload.visitor != visitor):
        raise errors.DataError("These pictures are no longer stored here; upload them again.")
    return upload


def path_of(store: Store, upload: Upload) -> Path:
    """Name the archive's file."""
    return upload_path(store.home, upload.token)


def room(store: Store, visitor: str) -> tuple[int, int]:
    """Say how many bytes the visitor has stored, and how many they may; less where all together have few left."""
    stored, now = store.uploads.stored(visitor), limits(store)
    left = stored.left(now.upload_megabytes_per_visitor * 1_000_000, now.upload_megabytes_in_all * 1_000_000)
    return stored.visitor, stored.visitor + max(0, int(left))


def delete(store: Store, visitor: str, reference: str) -> None:
    """Delete an upload of ``visitor``, and the small copies of its pictures in finished runs.

    Labels and scores of those runs stay. A `RunError` while a run that is active learns from it.
    """
    if not _delete(store, find(store, visitor, reference)):
        raise errors.RunError("A run still learns from these pictures; stop it first, then delete them.")


def delete_expired(store: Store, now: float) -> int:
    """Delete every upload whose days are over, unless an active run uses it; how many they were.

    Also finishes what a crash may have left half done: files without a record, pictures of deleted uploads.
    """
    deadline = now - limits(store).upload_seconds
    deleted = sum(_delete(store, upload) for upload in store.uploads.before(deadline))
    for path in (store.home / "uploads").glob("*"):
        if _is_left_over(store, path, now):
            path.unlink(missing_ok=True)
    for run in store.runs_without_upload():
        _forget_pictures(run_directory(store.home, run))
    return deleted


def readable(name: str) -> str:
    """Bring a name from outside to one line without control, direction and surrogate characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())[:_MAX_NAME]


def _refuse_large(name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise errors.DataError(
            f"{name or 'The file'}: {megabytes(size, 0)}, and at most {megabytes(MAX_BYTES, 0)} can be used."
        )


def check_room(store: Store, visitor: str, size: int) -> None:
    """Refuse, with a `DataError`, ``size`` further bytes to a visitor who has no room for them."""
    of_visitor, allowed = room(store, visitor)
    if of_visitor + size <= allowed:
        return
    if allowed == limits(store).upload_megabytes_per_visitor * 1_000_000:
        raise errors.DataError(
            f"You have {megabytes(of_visitor, 1)} of pictures and weights here and may store "
            f"{megabytes(allowed, 1)}, so these {megabytes(size, 1)} do not fit; delete what you no "
            "longer need, or bring less."
        )
    raise errors.DataError(
        "The room that everybody shares for pictures and weights is used up, or the half of it that newcomers may "
        "take; delete uploads that you no longer need, finish a run on built-in pictures first, or ask whoever runs "
        "this server."
    )


def _record(store: Store, visitor: str, name: str, *, digest: str, token: str) -> str:
    """Enter a written file into the store and return its token, or the one that knew the content first."""
    now, path = limits(store), upload_path(store.home, token)
    try:
        added = store.uploads.add(
            token,
            visitor,
            name or "My pictures",
            digest,
            path.stat().st_size,
            most_of_visitor=now.upload_megabytes_per_visitor * 1_000_000,
            most_in_all=now.upload_megabytes_in_all * 1_000_000,
        )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if added == "known":  # the same file was sent twice at once
        path.unlink(missing_ok=True)
        first = store.uploads.same(visitor, digest)
        assert first is not None
        return first.token
    if added == "full":  # another upload took the room meanwhile
        size = path.stat().st_size
        path.unlink(missing_ok=True)
        check_room(store, visitor, size)
        raise errors.DataError("Another upload took the room just now; try again.")
    return token


def _delete(store: Store, upload: Upload) -> bool:
    """Delete an upload unless an active run uses it: False."""
    reference = UPLOAD + upload.token
    if not store.uploads.delete(upload.token, reference):
        return False
    path_of(store, upload).unlink(missing_ok=True)
    for run in store.finished_with(reference):
        _forget_pictures(run_directory(store.home, run))
    return True


def _forget_pictures(directory: Path) -> None:
    """Take the pictures out of a run's test file; labels and scores stay, since its figures come from them."""
    path = directory / artefacts.TEST
    if not path.exists():
        return
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            images = file["images"]
            if not len(images):
                return
            labels, scores = file["labels"], file["scores"]
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile):
        path.unlink(missing_ok=True)  # damaged: it shows nothing any more, but pictures may be in it
        return
    artefacts.write_atomically(
        path, lambda file: np.savez(file, images=images[:0], labels=labels, scores=scores)
    )
    result = directory / artefacts.RESULT
    if result.exists():
        os.utime(result)  # caches of what the run shows are kept by the time of this file


def _is_left_over(store: Store, path: Path, now: float) -> bool:
    """Whether a file among the uploads has no record, and is too old for one that is being written now."""
    try:
        old = now - path.stat().st_mtime > _UNRECORDED_SECONDS
    except FileNotFoundError:
        return False
    return old and (path.suffix != ".zip" or path.name[0] == "." or store.uploads.one(path.stem) is None)

"""Visitors' own pictures, kept as archives under unguessable names until they are deleted. Torch-free."""

import hashlib
import io
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from core import errors
from core.jobs import artefacts
from core.jobs.home import checked_token, upload_path
from core.jobs.spec import UPLOAD
from core.jobs.store import Store, Upload

MAX_BYTES = 1_000_000_000  # of one archive; what is inside is limited where it is read
_MAX_NAME = 120  # characters of a file name that are kept, for the list on screen
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say: equal pictures make equal archives


def store(store: Store, visitor: str, name: str, content: bytes) -> str:
    """Keep an archive; the same content again gives the same reference. Returns what `JobSpec.data` takes."""
    if not content:
        raise errors.DataError(
            f"{name or 'The file'} is empty; choose a ZIP archive with a folder per class."
        )
    if len(content) > MAX_BYTES:
        raise errors.DataError(
            f"{name or 'The file'} has {len(content) / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:,.0f} MB can be used."
        )
    digest = hashlib.sha256(content).hexdigest()
    known = store.same_upload(visitor, digest)
    if known is not None:
        return UPLOAD + known.token
    token = secrets.token_urlsafe(16)
    artefacts.write_atomically(upload_path(store.home, token), lambda file: file.write(content))
    store.add_upload(token, visitor, name.strip()[:_MAX_NAME] or "My pictures", digest, len(content))
    return UPLOAD + token


def store_images(
    store_: Store, visitor: str, name: str, files: Mapping[str, Sequence[tuple[str, bytes]]]
) -> str:
    """Keep single pictures, ``{class name: [(file name, bytes), …]}``, as one archive of class folders."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for class_name, pictures in files.items():
            folder = "".join("_" if letter in "/\\:\0" else letter for letter in class_name).strip(" .")
            if not folder:
                raise errors.DataError("Give every class a name before you use its pictures.")
            for number, (file_name, content) in enumerate(pictures, start=1):
                suffix = Path(file_name).suffix.lower()[:8]
                archive.writestr(zipfile.ZipInfo(f"{folder}/{number:05d}{suffix}", _NO_DATE), content)
    return store(store_, visitor, name, packed.getvalue())


def find(store: Store, visitor: str | None, reference: str) -> Upload:
    """Look up a reference; a `DataError` if it is gone, or not ``visitor``'s (None: whoever's it is)."""
    upload = store.upload(checked_token(reference.removeprefix(UPLOAD)))
    if upload is None or (visitor is not None and upload.visitor != visitor):
        raise errors.DataError("These pictures are no longer stored here; upload them again.")
    return upload


def path_of(store: Store, upload: Upload) -> Path:
    """Name the archive's file."""
    return upload_path(store.home, upload.token)


def delete(store: Store, visitor: str, reference: str) -> None:
    """Delete an upload of ``visitor``; what finished runs keep of it (small test pictures) stays with them."""
    upload = find(store, visitor, reference)
    store.delete_upload(upload.token)
    path_of(store, upload).unlink(missing_ok=True)

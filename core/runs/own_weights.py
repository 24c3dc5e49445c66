"""Visitors' own weights files: opened in a process of its own, checked, and kept as plain tensors under their hash."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core import errors
from core.runs import uploads
from core.runs.limits import limits
from core.runs.store.runs import Store
from core.runs.store.weights import FOLDER_DIGITS, OwnWeights
from core.words import megabytes

MAX_BYTES = 700_000_000  # the largest of the catalogue, vgg16, has 528 MiB
FILE = "weights.safetensors"
BEING_READ = ".weights-"  # how the names of folders begin in which a file is being read


def store(store: Store, visitor: str, backbone: str, file_name: str, content: bytes) -> str:
    """Keep a weights file for ``backbone``; returns what `FinetuneConfig.weights` takes.

    It counts in the visitor's room for uploads. Whatever is wrong with it is a `WeightsError`, one sentence, here and
    not after a wait in the queue, and leaves no file.
    """
    from core.backbones import foreign, weights

    label = uploads.readable(file_name) or "The file"
    if len(content) > MAX_BYTES:
        raise errors.WeightsError(
            f"{label} has {megabytes(len(content), 0)}; at most {megabytes(MAX_BYTES, 0)} can be used."
        )
    digest = hashlib.sha256(content).hexdigest()
    path = store.home / "weights" / digest[:FOLDER_DIGITS] / FILE
    if path.exists():
        weights.said(path, backbone, label)
        _record(store, visitor, label, digest, path)
        os.utime(path)  # its days count anew (`housekeeping`)
        return str(path)
    _check_room(store, visitor, len(content))
    try:
        with tempfile.TemporaryDirectory(prefix=BEING_READ, dir=store.home) as folder:
            raw, plain = Path(folder) / "raw", Path(folder) / FILE
            raw.write_bytes(content)
            foreign.convert(raw, plain, label)
            weights.said(plain, backbone, label)
            plain.chmod(0o600)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.replace(plain, path)
    except OSError as error:
        raise errors.WeightsError(uploads.DISK_FULL) from error
    try:
        _record(store, visitor, label, digest, path)
    except BaseException:
        _forget(store, path.parent)
        raise
    return str(path)


def said(path: str, backbone: str) -> tuple[str, ...]:
    """Tell what was done with a kept file, so that it fills ``backbone``: prefixes, tables, heads; sentences."""
    from core.backbones import weights

    return weights.said(Path(path), backbone, Path(path).name)


def delete(store: Store, one: OwnWeights) -> None:
    """Delete a visitor's weights; a `RunError` while a run of theirs needs them to show where it began."""
    if not store.weights.delete(one):
        raise errors.RunError(
            "Runs of yours began with these weights; delete those runs first, then the weights."
        )
    _forget(store, store.home / "weights" / one.folder)


def delete_expired(store: Store, before: float) -> None:
    """Delete the weights older than a time that no run needs, and what a crash has left behind."""
    needed = {Path(file).parent.name for file in store.keeping.weights_in_use()}
    for one in store.weights.before(before):
        if one.folder not in needed:
            store.weights.delete(one)
    recorded = store.weights.folders()
    # Those that were kept before there was a record go by their age.
    for folder in [*(store.home / "weights").glob("*"), *store.home.glob(f"{BEING_READ}*")]:
        newest = max((path.stat().st_mtime for path in folder.glob("*")), default=0.0)
        if newest < before and folder.name not in needed | recorded:
            shutil.rmtree(folder, ignore_errors=True)


def _forget(store: Store, folder: Path) -> None:
    """Remove a folder that no visitor's record and no run names."""
    needed = {Path(file).parent.name for file in store.keeping.weights_in_use()}
    if folder.name not in needed | store.weights.folders():
        shutil.rmtree(folder, ignore_errors=True)


def _check_room(store: Store, visitor: str, size: int) -> None:
    with _as_weights():
        uploads.check_room(store, visitor, size)
    # The file as it came, and as it is kept.
    if shutil.disk_usage(store.home).free - 2 * size < uploads.DISK_RESERVE:
        raise errors.WeightsError(uploads.DISK_FULL)


def _record(store: Store, visitor: str, name: str, digest: str, path: Path) -> None:
    now, size = limits(store), path.stat().st_size
    one = OwnWeights(visitor=visitor, sha256=digest, name=name, bytes=size, created=0.0)
    if not store.weights.add(
        one,
        most_of_visitor=now.upload_megabytes_per_visitor * 1_000_000,
        most_in_all=now.upload_megabytes_in_all * 1_000_000,
    ):
        with _as_weights():
            uploads.check_room(store, visitor, size)
        raise errors.WeightsError("Another upload took the room just now; try again.")


@contextlib.contextmanager
def _as_weights() -> Iterator[None]:
    try:
        yield
    except errors.DataError as error:
        raise errors.WeightsError(str(error)) from error

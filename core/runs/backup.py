"""Backup and restore of the data directory: one tar archive, taken while the server runs. Torch-free.

In it: the database as of one moment, the files of every run and upload that it names, and visitors' own weights.
Files are replaced, never changed (only a run's log grows), so a hard link holds a file as it was: a run's files are
linked in a moment and packed at leisure. Not in it: logs, and downloads, which can be
fetched again.
"""

import contextlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from core import errors
from core.runs.files import artefacts
from core.runs.home import run_directory, upload_path
from core.runs.store import copies, database
from core.runs.store.runs import Store

MANIFEST = "manifest.json"
FORMAT = "transfer-learning-lab backup 1"
SUFFIXES = (".tar", ".tar.gz", ".tgz")
FOLDERS = ("runs", "uploads", "weights")
_STAGING = ".backup-"
_WRITTEN_IN_PLACE = (artefacts.EVENTS, artefacts.TRACEBACK)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What an archive holds."""

    runs: int
    uploads: int
    bytes: int  # unpacked


def backup(home: Path, target: Path) -> Contents:
    """Write the archive, whole or not at all, readable for its owner alone.

    Raises `SettingsError` for a name that is no archive's or a file that exists, `RunError` where nothing is to be
    saved or the disk does not take it.
    """
    if not target.name.endswith(SUFFIXES):
        raise errors.SettingsError(
            f"The archive's name must end in {', '.join(SUFFIXES)}; {target} does not."
        )
    if target.exists():
        raise errors.SettingsError(f"{target} exists already; choose another name.")
    if not (home / database.FILE).exists():
        raise errors.RunError(f"There is nothing to save in {home}: it has no {database.FILE}.")
    for left in home.glob(f"{_STAGING}*"):  # by a backup that was killed, or by one that still works
        if time.time() - left.stat().st_mtime > 24 * 3600:
            shutil.rmtree(left, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=home) as folder:
            staging = Path(folder)
            runs, uploads = _stage(home, staging)
            return _pack(staging, target, home=home, runs=runs, uploads=uploads)
    except OSError as error:
        raise errors.RunError(f"The backup could not be written: {error.strerror or error}.") from error


def restore(archive: Path, home: Path) -> Contents:
    """Unpack an archive into ``home``, which must be empty or absent.

    Runs that were in work when it was taken wait in the queue, to go on from their checkpoints. Raises
    `SettingsError`, one sentence, for a directory with something in it, and for a file that is no such archive.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise errors.SettingsError(
            f"{home} is not empty; set TLL_HOME to an empty or absent folder to restore into."
        )
    if not archive.is_file():
        raise errors.SettingsError(f"There is no file {archive}.")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    home = home.resolve()
    try:
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=home) as folder:
            staging = Path(folder)
            contents, before = _unpack(archive, staging)
            _check(staging)
            copies.move_weights(staging, before, home)
            # The database last: a restore that was cut short leaves nothing that a server would take for whole.
            for path in sorted(staging.iterdir(), key=lambda one: one.name == database.FILE):
                if path.name != MANIFEST:
                    path.replace(home / path.name)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(
            ":."
        )  # tarfile's has a line a format
        raise errors.SettingsError(f"{archive} is not a whole backup of this lab: {why}.") from error
    except OSError as error:
        raise errors.RunError(f"The backup could not be unpacked: {error.strerror or error}.") from error
    return contents


def _stage(home: Path, staging: Path) -> tuple[int, int]:
    """Copy the database, and link what it names meanwhile; count the runs and the uploads."""

    def link(runs: list[str], uploads: list[str]) -> None:
        for run in runs:
            _link_run(run_directory(home, run), run_directory(staging, run))
        for token in uploads:
            _link(upload_path(home, token), upload_path(staging, token))
        for path in (home / "weights").glob("*/*"):
            if not path.name.startswith("."):
                _link(path, staging / path.relative_to(home))

    return copies.copy(home, staging, link)


def _link_run(source: Path, target: Path) -> None:
    """Link one run's files: the checkpoint first, the log last, which tells of every checkpoint before it."""
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(source.rglob("*"), key=_in_order):
            inside = path.relative_to(source)
            hidden = any(part.startswith(".") for part in inside.parts)  # being written
            if path.is_file() and not hidden:
                _link(path, target / inside, changes=inside.name in _WRITTEN_IN_PLACE)


def _in_order(path: Path) -> tuple[bool, bool, str]:
    return path.name == artefacts.EVENTS, path.name != artefacts.CHECKPOINT, path.name


def _link(source: Path, target: Path, *, changes: bool = False) -> None:
    """Hold a file as it is now, by a link where that is possible; nothing where there is none."""
    try:
        if not source.exists():
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not changes:
            try:
                os.link(source, target)
                return
            except FileNotFoundError:
                raise
            except OSError:  # a file system without links
                pass
        shutil.copyfile(source, target)
    except FileNotFoundError:  # deleted at this moment
        return


def _pack(staging: Path, target: Path, *, home: Path, runs: int, uploads: int) -> Contents:
    paths = sorted(path for path in staging.rglob("*") if path.is_file())
    total = sum(path.stat().st_size for path in paths)
    manifest = {
        "format": FORMAT,
        "created": round(time.time(), 3),
        "runs": runs,
        "uploads": uploads,
        "files": len(paths),
        "home": str(home),  # which runs with weights of their own name
    }

    def write(file: IO[bytes]) -> None:
        zipped = not target.name.endswith(".tar")
        # Weights hardly shrink: the quickest level is nearly as small as the best.
        with (
            tarfile.open(fileobj=file, mode="w:gz", compresslevel=1)
            if zipped
            else tarfile.open(fileobj=file, mode="w") as tar
        ):
            content = artefacts.json_bytes(manifest)
            tar.addfile(_member(MANIFEST, len(content), time.time()), io.BytesIO(content))
            for path in paths:
                with open(path, "rb") as opened:
                    status = os.fstat(opened.fileno())
                    name = path.relative_to(staging).as_posix()
                    tar.addfile(_member(name, status.st_size, status.st_mtime), opened)

    artefacts.write_atomically(target, write)
    return Contents(runs=runs, uploads=uploads, bytes=total)


def _member(name: str, size: int, changed: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, int(changed), 0o600
    return member


def _unpack(archive: Path, staging: Path) -> tuple[Contents, str]:
    """Unpack into ``staging``; also the data directory that the backup was taken of."""
    with tarfile.open(archive) as tar:
        first = tar.next()
        told = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
        if told is None:
            raise ValueError("it does not begin with a manifest")
        manifest = json.load(told)
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise ValueError("its manifest is of another kind")
        files, total = 0, 0
        for member in _members(tar):
            files, total = files + 1, total + member.size
            if member.size > shutil.disk_usage(staging).free:
                raise errors.RunError("The disk has too little room for what is in this backup.")
            _write(tar, member, staging / member.name)
        if files != manifest.get("files"):
            raise ValueError("files are missing from it")
    for folder in staging.rglob("*"):
        if folder.is_dir():
            folder.chmod(0o700)
    contents = Contents(runs=int(manifest["runs"]), uploads=int(manifest["uploads"]), bytes=total)
    return contents, str(manifest["home"])


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """Write one file's content, and nothing else of what an archive can say: no links, owners, modes.

    By hand, since the Python of Debian 12 (3.11.2) does not know tarfile's safe filter yet.
    """
    content = tar.extractfile(member)
    if content is None:
        raise ValueError(f"{member.name} has no content")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with content, open(path, "xb", opener=partial(os.open, mode=0o600)) as file:
        shutil.copyfileobj(content, file)


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Go through the files after the manifest; anything that a backup does not hold is refused."""
    while (member := tar.next()) is not None:
        path = PurePosixPath(member.name)
        inside = not path.is_absolute() and ".." not in path.parts
        known = member.name == database.FILE or (len(path.parts) > 1 and path.parts[0] in FOLDERS)
        if not (member.isreg() and inside and known):
            raise ValueError(f"it holds {member.name!r}, which no backup of this lab does")
        yield member


def _check(staging: Path) -> None:
    """Find out whether the database is sound, and bring it to this version's form."""
    if not (staging / database.FILE).exists():
        raise ValueError("it has no database")
    copies.check(staging)
    store = Store(staging)
    try:
        for run in store.ids():
            run_directory(staging, run)  # nothing in it may name a file elsewhere
    except errors.RunError:
        raise ValueError("its database names files that cannot be") from None
    finally:
        store.close()
    for beside in staging.glob(f"{database.FILE}-*"):
        raise ValueError(f"its database could not be closed: {beside.name}")

"""A person's own images: a ZIP of class folders, a folder of class folders, or files per class."""

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import BinaryIO

import numpy as np

from core.datasets.archive import open_archive
from core.datasets.assemble import assemble
from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.folder import NO_FILE, walk
from core.datasets.layout import arrange, class_name, packed_folders
from core.errors import DataError
from core.events import OnProgress
from core.images.decoding import DEFAULT_LIMITS, ReadingLimits, decode_all

_ABOUT = "Your own images, as they came: what they show, and whether their labels are right, only you know."


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file of an archive or folder: its path, "/"-separated and readable, and how to get its bytes."""

    path: str
    read: Callable[[], bytes]


@dataclass(frozen=True, kw_only=True)
class _Picture:
    """One picture before it is read: its class number, the file name to show, and how to get its bytes."""

    label: int
    file: str
    read: Callable[[], bytes]


def from_zip(
    path_or_file: str | os.PathLike[str] | BinaryIO,
    *,
    side: int,
    fit: str = "crop",
    name: str | None = None,
    limits: ReadingLimits = DEFAULT_LIMITS,
    progress: OnProgress | None = None,
) -> ImageDataset:
    """Read a ZIP of class folders, with or without ``train/`` and ``test/`` (or ``val/``) above them.

    ``path_or_file``: a path, or a seekable binary stream such as an upload. ``fit``: how a picture becomes a square
    (`PictureReading`). Pictures that do not decode are listed in the report and left out. Raises `DataError` with one
    sentence where the archive cannot be used.
    """
    given = path_or_file if isinstance(path_or_file, str | os.PathLike) else getattr(path_or_file, "name", "")
    name = name or PurePath(str(given)).stem or "images"
    with open_archive(path_or_file, limits) as archive:
        files = [_File(path=path, read=partial(archive.read, n)) for n, path in enumerate(archive.paths)]
        return _from_listing(
            files, name=name, side=side, fit=fit, limits=limits, progress=progress, remarks=archive.remarks
        )


def from_folder(
    path: str | os.PathLike[str],
    *,
    side: int,
    fit: str = "crop",
    name: str | None = None,
    limits: ReadingLimits = DEFAULT_LIMITS,
    progress: OnProgress | None = None,
) -> ImageDataset:
    """Read a folder that is laid out as `from_zip` describes. Links are listed and not followed.

    Raises `DataError` also for a folder in it that cannot be read: its class would be missing.
    """
    root = Path(path)
    if not root.is_dir():
        raise DataError(f"There is no folder {root}; check its name and place.")
    found = walk(root, limits)
    places = list(found.files)
    with ExitStack() as opened:
        files = [_File(path=found.files[place], read=partial(_read, place, limits)) for place in places]
        remarks = [found.remark] if found.remark else []
        packed = packed_folders([file.path for file in files])
        for number in packed:
            try:
                archive = opened.enter_context(
                    open_archive(os.fsdecode(places[number]), limits, nested=False)
                )
            except DataError as error:
                raise DataError(f"{files[number].path[:80]}: {error}") from error
            inside = files[number].path[: -len(".zip")]
            files += [
                _File(path=f"{inside}/{one}", read=partial(archive.read, n))
                for n, one in enumerate(archive.paths)
            ]
            remarks += archive.remarks
        return _from_listing(
            [file for number, file in enumerate(files) if number not in frozenset(packed)],
            name=name or root.resolve().name or "images",
            side=side,
            fit=fit,
            limits=limits,
            progress=progress,
            skipped=found.skipped,
            remarks=remarks,
        )


def from_files(
    files: dict[str, list[tuple[str, bytes]]],
    *,
    side: int,
    fit: str = "crop",
    name: str = "images",
    limits: ReadingLimits = DEFAULT_LIMITS,
    progress: OnProgress | None = None,
) -> ImageDataset:
    """Take uploaded files or webcam pictures: (file name, content) pairs by class name."""
    by_class: dict[str, list[tuple[str, bytes]]] = {}
    for raw, members in files.items():
        by_class.setdefault(class_name(raw, limits), []).extend(members)
    names = tuple(sorted(by_class))
    if not names:
        raise DataError("There are no classes yet; add at least two, with a few pictures each.")
    if len(names) > limits.max_classes:
        raise DataError(f"There are {len(names):,} classes, and at most {limits.max_classes:,} are read.")
    if sum(map(len, by_class.values())) > limits.max_images:
        raise DataError(f"There are more than {limits.max_images:,} pictures; keep fewer of each class.")

    def reader(content: bytes) -> Callable[[], bytes]:
        return lambda: content

    pictures = [
        _Picture(label=label, file=f"{class_}/{file}", read=reader(content))
        for label, class_ in enumerate(names)
        for file, content in by_class[class_]
    ]
    return _read_all(names, pictures, [], name=name, side=side, fit=fit, limits=limits, progress=progress)


def _read(path: bytes, limits: ReadingLimits) -> bytes:
    try:
        # What is a file when the folder is listed may be a named pipe when it is opened; nobody waits for one.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise DataError(NO_FILE)
            return file.read(limits.max_bytes + 1)  # one more than allowed: decoding then says so
    except OSError as error:
        raise DataError(f"The file cannot be opened ({error.strerror or error}).") from error


def _from_listing(
    files: Sequence[_File],
    *,
    name: str,
    side: int,
    fit: str,
    limits: ReadingLimits,
    progress: OnProgress | None,
    skipped: Iterable[tuple[str, str]] = (),
    remarks: Iterable[str] = (),
) -> ImageDataset:
    layout = arrange([file.path for file in files], limits)
    labels = {class_: label for label, class_ in enumerate(layout.class_names)}
    train, test = (
        [
            _Picture(
                label=labels[place.class_name], file=files[place.number].path, read=files[place.number].read
            )
            for place in part
        ]
        for part in (layout.train, layout.test)
    )
    return _read_all(
        layout.class_names,
        train,
        test,
        name=name,
        side=side,
        fit=fit,
        limits=limits,
        progress=progress,
        skipped=(*layout.skipped, *skipped),
        remarks=(*remarks, *layout.remarks),
    )


def _read_all(
    class_names: tuple[str, ...],
    train: list[_Picture],
    test: list[_Picture],
    *,
    name: str,
    side: int,
    fit: str,
    limits: ReadingLimits,
    progress: OnProgress | None,
    skipped: tuple[tuple[str, str], ...] = (),
    remarks: tuple[str, ...] = (),
) -> ImageDataset:
    if len(class_names) < 2:
        raise DataError(
            f"There is only one class ({class_names[0]}); a classifier needs at least two to tell apart."
        )
    pictures = train + test
    needed = len(pictures) * side * side * 3
    if needed > limits.max_decoded_bytes:
        raise DataError(
            f"{len(pictures):,} pictures at {side} × {side} pixels take {needed / 1e9:.1f} GB, and at most "
            f"{limits.max_decoded_bytes / 1e9:g} GB are kept in memory; choose a smaller image size or fewer pictures."
        )
    decoded = decode_all([picture.read for picture in pictures], side, limits, progress, fit=fit)
    labels = np.array([pictures[number].label for number in decoded.numbers], dtype=np.int64)
    files = [pictures[number].file for number in decoded.numbers]
    cut = int(np.searchsorted(decoded.numbers, len(train)))

    def part(of: slice) -> LabelledImages:
        return LabelledImages(images=decoded.squares[of], labels=labels[of], files=tuple(files[of]))

    return assemble(
        name=name,
        title=name,
        class_names=class_names,
        train=part(slice(None, cut)),
        test=part(slice(cut, None)) if cut < len(labels) else None,
        skipped=(*skipped, *((pictures[number].file, why) for number, why in decoded.failed.items())),
        unread=[(pictures[n].label, why) for n, why in decoded.failed.items() if n < len(train)],
        unread_test=[(pictures[n].label, why) for n, why in decoded.failed.items() if n >= len(train)],
        remarks=remarks,
        converted=tuple((pictures[number].file, what) for number, what in decoded.converted.items()),
        outside=decoded.outside,
        dark=decoded.dark,
        reading=decoded.reading,
        about=_ABOUT,
        licence="Yours",
    )

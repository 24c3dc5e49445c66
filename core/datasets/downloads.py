"""Data sets that torchvision knows, and the tutorial's ants and bees: fetched once, checked, decoded.

The data folder has torchvision's own layout, so that copies which are already there are used, and what is
fetched here serves other programs. A download is unpacked in a folder of its own and moved into place when
it is complete: whatever goes wrong, no half data set is left behind.
"""

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import environment
from core.datasets import catalogue
from core.datasets.assemble import assemble
from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.fetching import RemoteFile, disk_sentence, fetch
from core.datasets.torchvision_sets import DOWNLOADS, Listing, PartName
from core.errors import DownloadError, one_of
from core.events import OnProgress
from core.images.decoding import DEFAULT_LIMITS, decode_all, square_from_array
from core.images.to_rgb import PictureReading

MEMORY_BYTES = 2_000_000_000  # of decoded squares; beyond it the first N images of each class are taken


def data_dir() -> Path:
    """Return the folder of downloaded data sets: ``TLL_DATA_DIR``, or the user's cache folder."""
    given = environment.DATA_DIR.text()
    if given:
        return Path(given).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("transfer-learning-lab") / "data"


def is_downloaded(name: str) -> bool:
    """Tell whether a copy of ``name`` lies in the data folder, without opening it."""
    one_of("The data set", name, DOWNLOADS)
    return (data_dir() / DOWNLOADS[name].folder).is_dir()


def download(
    name: str,
    *,
    side: int,
    fit: str = "crop",
    only: tuple[str, ...] | None = None,
    progress: OnProgress | None = None,
) -> ImageDataset:
    """Read the data set ``name`` at ``side`` pixels, fetching it first where no copy is there.

    ``fit`` says how pictures become squares (`PictureReading`). ``only`` names the classes that are wanted, in that
    order; the pictures of the others are not decoded.
    ``progress(done, total)`` counts bytes, then images. Raises `SettingsError` for an unknown name and
    `DownloadError`, one sentence, for a missing network, a wrong checksum, a full disk or a broken copy.
    """
    one_of("The data set", name, DOWNLOADS)
    source, title, root = DOWNLOADS[name], catalogue.DATASETS[name].title, data_dir()

    def unpack(staging: Path) -> None:
        for part in ("train", "validation", "test"):
            source.open_part(staging, part, True)

    if not is_downloaded(name):
        total_bytes = catalogue.DATASETS[name].download_bytes
        fetch_folder(
            source.folder, source.files, unpack, title=title, total_bytes=total_bytes, progress=progress
        )
    try:
        opened: dict[PartName, Any] = {
            part: source.open_part(root, part, False) for part in ("train", "validation", "test")
        }
        listings = {part: source.list_part(data) for part, data in opened.items() if data is not None}
        class_names = tuple(source.class_names(opened["train"]))
    except (RuntimeError, OSError, ValueError, KeyError, EOFError) as error:
        raise DownloadError(
            f"The copy of {title} in {root / source.folder} is incomplete or damaged; "
            "remove that folder and load the data set again."
        ) from error
    if only is not None:
        for wanted in only:
            one_of(f"A class of {title}", wanted, class_names)
        numbers = [class_names.index(wanted) for wanted in only]
        listings = {part: listing.of(numbers) for part, listing in listings.items()}
        class_names = only
    return _decoded(name, listings, class_names, side, progress, fit=fit)


def fetch_folder(
    folder: str,
    files: tuple[RemoteFile, ...],
    unpack: Callable[[Path], None],
    *,
    title: str,
    total_bytes: int,
    keep_archives: bool = False,
    progress: OnProgress | None = None,
) -> None:
    """Fetch ``files``, let ``unpack(staging)`` make ``staging / folder`` of them, and move that into `data_dir`.

    Whatever goes wrong, what ``unpack`` raises included, nothing is left behind. Raises `DownloadError`.
    """
    root = data_dir()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _staging(root) as staging:
            fetch(files, staging, title=title, total_bytes=total_bytes, progress=progress)
            unpack(staging)
            for file in files:
                if not keep_archives and file.place.endswith((".gz", ".tgz", ".zip")):
                    (staging / file.place).unlink(missing_ok=True)  # unpacked: its room is better used
            _move_into_place(staging / folder, root / folder)
    except OSError as error:
        raise DownloadError(disk_sentence(title, root, error)) from error
    except RuntimeError as error:
        raise DownloadError(f"{title} arrived but could not be unpacked ({error}); try again.") from error


@contextlib.contextmanager
def _staging(root: Path) -> Iterator[Path]:
    """Lend a folder below ``root`` that is gone afterwards, and remove those whose process was killed.

    The folder's name says whose it is: the processes of another machine, or container, may share ``root``.
    """
    import psutil

    mine = f".incoming-{socket.gethostname()}-"
    for left in root.glob(f"{mine}*-*"):
        owner = left.name.removeprefix(mine).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{mine}{os.getpid()}-", dir=root) as staging:
        yield Path(staging)


def _move_into_place(finished: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(finished, place)
    except OSError:
        if not place.is_dir():  # otherwise another process was faster, and its copy is as good
            raise


def _decoded(
    name: str,
    listings: dict[PartName, Listing],
    class_names: tuple[str, ...],
    side: int,
    progress: OnProgress | None,
    *,
    fit: str,
) -> ImageDataset:
    """Decode train (with the authors' validation part, since every run draws its own) and test."""
    train = _joined([listings[part] for part in ("train", "validation") if part in listings])
    test = listings.get("test")
    first = DOWNLOADS[name].first
    if first is not None:
        train, test = train.first(first[0]), test.first(first[1]) if test else None
    train, test, about = _within_memory(train, test, side)
    total = len(train) + (len(test) if test else 0)
    skipped: list[tuple[str, str]] = []
    outside: list[NDArray[np.float64]] = []

    def squares(listing: Listing, before: int) -> LabelledImages:
        def report(done: int, _: int) -> None:
            if progress is not None:
                progress(before + done, total)

        if isinstance(listing.pictures, np.ndarray):
            images = _squares(listing.pictures, side, report)
            return LabelledImages(images=images, labels=listing.labels)
        files = listing.pictures
        decoded = decode_all([file.read_bytes for file in files], side, DEFAULT_LIMITS, report, fit=fit)
        outside.append(decoded.outside)
        skipped.extend((files[number].name, why) for number, why in decoded.failed.items())
        names = tuple(files[number].name for number in decoded.numbers)
        return LabelledImages(images=decoded.squares, labels=listing.labels[decoded.numbers], files=names)

    return assemble(
        name=name,
        class_names=class_names,
        train=squares(train, 0),
        test=squares(test, len(train)) if test else None,
        about=about,
        skipped=tuple(skipped),
        outside=np.concatenate(outside) if outside else None,
        reading=PictureReading(fit=fit),
    )


def _within_memory(train: Listing, test: Listing | None, side: int) -> tuple[Listing, Listing | None, str]:
    total = len(train) + (len(test) if test else 0)
    share = MEMORY_BYTES / (side * side * 3) / total
    if share >= 1:
        return train, test, ""
    most = max(3, int(train.most() * share))
    about = f"At {side} pixels, the first {most:,} training images"
    train = train.first(most)
    if test is not None:
        most = max(1, int(test.most() * share))
        test = test.first(most)
        about += f" and {most:,} test images"
    return train, test, about + " of each class are used, to fit into memory."


def _squares(pixels: NDArray[np.uint8], side: int, report: OnProgress) -> NDArray[np.uint8]:
    """Resize arrays (N, H, W) or (N, H, W, 3) to (N, side, side, 3), by threads."""
    squares = np.empty((len(pixels), side, side, 3), dtype=np.uint8)
    chunk = 1024

    def work(start: int) -> int:
        stop = min(start + chunk, len(pixels))
        for number in range(start, stop):
            squares[number] = square_from_array(pixels[number], side)
        return stop

    with ThreadPoolExecutor() as pool:
        for stop in pool.map(work, range(0, len(pixels), chunk)):
            report(stop, len(pixels))
    return squares


def _joined(listings: list[Listing]) -> Listing:
    if len(listings) == 1:
        return listings[0]
    labels = np.concatenate([listing.labels for listing in listings])
    if any(isinstance(listing.pictures, np.ndarray) for listing in listings):
        return Listing(pictures=np.concatenate([listing.pictures for listing in listings]), labels=labels)
    return Listing(pictures=[file for listing in listings for file in listing.pictures], labels=labels)

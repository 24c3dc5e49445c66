"""One door for whatever a person may name: a catalogue name, a ZIP file or a folder."""

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.datasets.catalogue import DATASETS, entry
from core.datasets.dataset import ImageDataset
from core.errors import DataError
from core.images.to_rgb import PictureReading


def open_dataset(
    reference: str, *, side: int, fit: str = "crop", progress: Callable[[int, int], None] | None = None
) -> ImageDataset:
    """Open ``reference`` at ``side`` pixels. Catalogue names come first; "./name" always means a path.

    ``fit`` says how pictures become squares (`PictureReading`). Raises `DataError` where nothing of that name exists,
    and what the source itself raises.
    """
    if reference in DATASETS:
        return load(reference, side=side, fit=fit, progress=progress)
    from core.datasets.own_images import from_folder, from_zip

    path, kind = _place(reference)
    try:
        if stat.S_ISDIR(kind):
            return from_folder(path, side=side, fit=fit, progress=progress)
        if stat.S_ISREG(kind):
            return from_zip(path, side=side, fit=fit, progress=progress)
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from error
    raise DataError(
        f"{path} is neither a folder nor a file (but a device or a named pipe); save what it gives as a .zip file."
    )


def _place(reference: str) -> tuple[Path, int]:
    """Find what ``reference`` names: its path, and its mode as `os.stat` gives it; `DataError` where it is nothing."""
    choices = f"give a .zip file, a folder, or one of {', '.join(DATASETS)}"
    if not reference.strip():  # which would be the folder that one happens to be in
        raise DataError(f"No data are named: {choices}.")
    path = Path(reference)
    try:
        path = path.expanduser()
        return path, path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if path.suffix or len(path.parts) > 1:
            raise DataError(f"There is no file or folder {reference}; check its name and place.") from None
        raise DataError(f"There is no data set {reference!r}: {choices}.") from None
    except OSError as error:
        raise DataError(f"{reference} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RuntimeError) as error:  # a NUL in the name; a home that nobody has
        raise DataError(f"{reference!r} cannot be the name of a file: {error}.") from error


def load(
    name: str, *, side: int, fit: str = "crop", progress: Callable[[int, int], None] | None = None
) -> ImageDataset:
    """Load the data set ``name`` as squares of ``side`` pixels, downloading it first where it is not there.

    ``fit`` says how pictures become squares; those of the built-in sets are squares already. ``progress(done, total)``
    counts bytes while downloading, then images while decoding. Raises `SettingsError` for an unknown name and
    `DownloadError` where the download fails.
    """
    row = entry(name)
    if row.kind == "builtin":
        from core.datasets.builtin import builtin

        dataset = replace(builtin(name, side=side), reading=PictureReading(fit=fit))
    else:
        from core.datasets.downloads import download

        dataset = download(name, side=side, fit=fit, progress=progress)
    return replace(
        dataset,
        title=row.title,
        about=" ".join(filter(None, (row.about, dataset.about))),
        citation=row.citation,
        licence=row.licence,
    )

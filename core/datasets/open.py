"""One door for whatever a person may name: a catalogue name, a ZIP file or a folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.datasets.catalogue import DATASETS, entry
from core.datasets.dataset import ImageDataset
from core.errors import DataError
from core.images.to_rgb import Reading


def open_dataset(
    reference: str, *, side: int, fit: str = "crop", progress: Callable[[int, int], None] | None = None
) -> ImageDataset:
    """Open ``reference`` at ``side`` pixels. Catalogue names come first; "./name" always means a path.

    ``fit`` says how pictures become squares (`Reading`). Raises `DataError` where nothing of that name exists, and what
    the source itself raises.
    """
    if reference in DATASETS:
        return load(reference, side=side, fit=fit, progress=progress)
    from core.datasets.own_images import from_folder, from_zip

    path = Path(reference).expanduser()
    if path.is_dir():
        return from_folder(path, side=side, fit=fit, progress=progress)
    if path.is_file():
        return from_zip(path, side=side, fit=fit, progress=progress)
    if path.suffix or len(path.parts) > 1:
        raise DataError(f"There is no file or folder {reference}; check its name and place.")
    raise DataError(
        f"There is no data set {reference!r}: give a .zip file, a folder, or one of {', '.join(DATASETS)}."
    )


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

        dataset = replace(builtin(name, side=side), reading=Reading(fit=fit))
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

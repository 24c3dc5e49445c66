"""The pictures that a specification names: a data set of the catalogue, or a visitor's upload."""

from pathlib import Path

from core import errors
from core.datasets import catalogue, foreign
from core.datasets.dataset import ImageDataset
from core.datasets.open import load
from core.events import OnProgress
from core.runs import uploads
from core.runs.kinds import pretrained, table
from core.runs.spec import RunSpec
from core.runs.store.runs import Store


def check(spec: RunSpec, store: Store, visitor: str) -> None:
    """Refuse a specification whose data do not exist; a `DataError` or `SettingsError`."""
    if not table.kind(spec).pictures:
        return
    if not spec.data:
        raise errors.DataError("Choose a data set first.")
    if spec.own_pictures:
        uploads.find(store, visitor, spec.data)
    else:
        errors.one_of("The data set", spec.data, catalogue.DATASETS)


def side(spec: RunSpec) -> int:
    """Name the side, in pixels, that pictures are decoded to: what the network sees."""
    return pretrained.image_side(spec.config)  # type: ignore[arg-type]  # all kinds with pictures have a network


def open_data(spec: RunSpec, store: Store, progress: OnProgress | None = None) -> ImageDataset:
    """Open what ``spec.data`` refers to, decoded at the size that its network sees."""
    if spec.own_pictures:
        path = uploads.path_of(store, uploads.find(store, None, spec.data))
        return foreign.from_zip(
            path, side=side(spec), fit=spec.fit, name=title(spec, store), progress=progress
        )
    return load(spec.data, side=side(spec), fit=spec.fit, progress=progress)


def title(spec: RunSpec, store: Store) -> str:
    """Name the data for a list of runs: the data set's title, or the upload's file name; empty without data."""
    if not spec.data:
        return ""
    if spec.own_pictures:
        return Path(uploads.find(store, None, spec.data).name).stem
    errors.one_of("The data set", spec.data, catalogue.DATASETS)
    return catalogue.DATASETS[spec.data].title

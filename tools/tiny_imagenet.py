"""Tiny ImageNet (Stanford CS231n, 200 classes, 64 x 64 pixels) as arrays, from its archive or folder.

Reads the official ``tiny-imagenet-200.zip`` (JPEG) and re-encodings of it that keep the layout.
Decoding 110,000 images takes a minute or two, so the arrays are kept beside each other in a cache folder.
"""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64
ROOT = "tiny-imagenet-200"


@dataclass(frozen=True, kw_only=True)
class Split:
    """Images (N, 64, 64, 3) uint8 and labels (N,) int64 that index ``wnids``."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TinyImageNet:
    """Both labelled splits; the official test split has no labels."""

    wnids: tuple[str, ...]
    names: tuple[str, ...]
    train: Split
    validation: Split


def load(archive: Path, cache: Path) -> TinyImageNet:
    """Decode ``archive`` once into ``cache`` and memory-map the arrays from there."""
    cache.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as source:
        wnids = tuple(source.read(f"{ROOT}/wnids.txt").decode().split())
        rows = (line.split("\t", 1) for line in source.read(f"{ROOT}/words.txt").decode().splitlines())
        words = {wnid: names.split(",")[0].strip() for wnid, names in rows}
        index = {wnid: number for number, wnid in enumerate(wnids)}
        train = _cached(cache / "train", source, _train_entries(source, index))
        validation = _cached(cache / "validation", source, _validation_entries(source, index))
    return TinyImageNet(
        wnids=wnids, names=tuple(words[wnid] for wnid in wnids), train=train, validation=validation
    )


def _train_entries(source: zipfile.ZipFile, index: dict[str, int]) -> list[tuple[str, int]]:
    paths = (PurePosixPath(name) for name in source.namelist())
    return sorted(
        (str(path), index[path.parts[2]])
        for path in paths
        if len(path.parts) == 5 and path.parts[1] == "train" and path.parts[3] == "images"
    )


def _validation_entries(source: zipfile.ZipFile, index: dict[str, int]) -> list[tuple[str, int]]:
    rows = source.read(f"{ROOT}/val/val_annotations.txt").decode().splitlines()
    fields = (row.split("\t") for row in rows)
    return [(f"{ROOT}/val/images/{field[0]}", index[field[1]]) for field in fields]


def _cached(stem: Path, source: zipfile.ZipFile, entries: list[tuple[str, int]]) -> Split:
    images_path, labels_path = stem.with_suffix(".images.npy"), stem.with_suffix(".labels.npy")
    if not labels_path.exists():
        images = np.empty((len(entries), SIDE, SIDE, 3), dtype=np.uint8)

        def decode(number: int, content: bytes) -> None:
            images[number] = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))

        with ThreadPoolExecutor() as pool:
            for start in range(0, len(entries), 5000):  # bounds the undecoded bytes held at once
                numbers = range(start, min(start + 5000, len(entries)))
                contents = [source.read(entries[number][0]) for number in numbers]
                list(pool.map(decode, numbers, contents))
        np.save(images_path, images)
        # Labels last: their presence says that the pair is complete.
        np.save(labels_path, np.array([label for _, label in entries], dtype=np.int64))
    return Split(images=np.load(images_path, mmap_mode="r"), labels=np.load(labels_path))

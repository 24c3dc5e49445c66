"""The data set as every other room sees it: decoded images in memory, labels, class names, provenance."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.images.to_rgb import PictureReading


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledImages:
    """``images`` (N, side, side, 3) uint8 RGB and ``labels`` (N,) int64; ``files`` name them, where they have names.

    Seen as (N, 3, side, side) this memory order is torch's channels-last, so no copy is ever needed.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    files: tuple[str, ...] = ()  # N of them, or none

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, numbers: NDArray[np.int64]) -> "LabelledImages":
        """Pick the images at ``numbers`` (M,), in that order."""
        files = tuple(self.files[number] for number in numbers) if self.files else ()
        return LabelledImages(images=self.images[numbers], labels=self.labels[numbers], files=files)


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What was noticed while reading: nothing here is fatal, all of it is shown."""

    skipped: tuple[tuple[str, str], ...] = ()  # (file name, one sentence why)
    converted: tuple[tuple[str, str], ...] = ()  # (file name, from what: "CMYK", "16-bit", …)
    duplicates: tuple[tuple[str, str], ...] = ()  # (file in train, same picture in test)
    remarks: tuple[str, ...] = ()  # sentences: what was taken for what
    caveats: tuple[str, ...] = ()  # sentences that are said wherever an accuracy is
    outside: float = 0.0  # share of the pictures' area outside their centred squares, mean over pictures
    wide: float = 0.0  # share of the pictures of which more than half lies outside
    dark: int = 0  # pictures of more than 8 bits that came out almost black


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageDataset:
    """A classification data set, decoded once to squares of ``side`` pixels.

    ``test`` is None where the source has no test part of its own: `splits.split` then draws one.
    ``fingerprint`` (SHA-256, hex) changes whenever pixels, labels or class names do.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    train: LabelledImages
    test: LabelledImages | None
    fingerprint: str
    report: ImportReport = field(default_factory=ImportReport)
    about: str = ""  # what it is and is not, one or two plain sentences
    citation: str = ""
    licence: str = ""
    reading: PictureReading = field(default_factory=PictureReading)  # of these pictures, and of later ones


@dataclass(frozen=True, kw_only=True, eq=False)
class Splits:
    """Disjoint parts: fitted on, chosen on, and touched once."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages

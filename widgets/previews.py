"""What a data set looks like on screen: sample pictures, counts, what the import noticed. Small and immutable."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.datasets.dataset import ImageDataset, ImportReport
from core.images.to_rgb import PictureReading
from core.runs.duration import PictureCount
from core.runs.spec import UPLOAD

# What uploaders offer; HEIC, too, which cannot be read: whoever brings it is told how to convert it.
PICTURES = [
    *(
        "jpg",
        "jpeg",
        "png",
        "webp",
        "gif",
        "bmp",
        "tif",
        "tiff",
        "avif",
        "jp2",
        "j2k",
        "ppm",
        "pgm",
    ),
    *("heic", "heif"),
]
SIDE = 64  # pixels at which previews are decoded
CARD_COLUMNS, CARD_ROWS = 4, 2
ROW_SAMPLES = 8
CLASSES_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class: its name, and a strip of sample pictures as PNG bytes."""

    name: str
    strip: bytes


@dataclass(frozen=True, kw_only=True)
class Preview:
    """All that the page shows of a data set; ``rows`` holds the first `CLASSES_SHOWN` classes."""

    title: str
    about: str
    licence: str
    citation: str
    class_names: tuple[str, ...]
    train: tuple[int, ...]
    test: tuple[int, ...] | None
    card: bytes
    rows: tuple[ClassRow, ...]
    report: ImportReport
    reading: PictureReading
    fingerprint: str

    @property
    def images(self) -> int:
        """How many pictures there are, train and test together."""
        return sum(self.train) + sum(self.test or ())


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen: the reference that a job takes, its name on screen, how many classes, its preview."""

    reference: str
    title: str
    classes: int
    preview: Callable[[], Preview] | None  # None: not on this machine yet
    per_class: int | None = None  # training pictures of each class; None: all
    fit: str = "crop"  # how pictures become squares
    finish: Callable[[], None] = lambda: None  # call it last: what takes time to draw

    @property
    def count(self) -> PictureCount | None:
        """How many pictures there are; None where the catalogue knows, or nobody does before they are here."""
        if self.preview is None or not self.reference.startswith(UPLOAD):
            return None
        return PictureCount(images=self.preview().images, classes=self.classes)

    @property
    def key(self) -> str:
        """What names these pictures, read this way, in caches."""
        return f"{self.reference}/{self.per_class}/{self.fit}"


def preview(dataset: ImageDataset) -> Preview:
    """Draw a data set's preview, the same every time."""
    classes = len(dataset.class_names)
    train = np.bincount(dataset.train.labels, minlength=classes)
    test = np.bincount(dataset.test.labels, minlength=classes) if dataset.test is not None else None
    samples = [_samples(dataset, label, ROW_SAMPLES) for label in range(min(classes, CLASSES_SHOWN))]
    # The card goes round the classes, from the middle of each, where cut-outs of a photograph show its subject.
    turn = [
        images[(len(images) // 2 + place) % len(images)]
        for place in range(ROW_SAMPLES)
        for images in samples
        if place < len(images)
    ]
    return Preview(
        title=dataset.title,
        about=dataset.about,
        licence=dataset.licence,
        citation=dataset.citation,
        class_names=dataset.class_names,
        train=tuple(int(count) for count in train),
        test=None if test is None else tuple(int(count) for count in test),
        card=mosaic(turn[: CARD_COLUMNS * CARD_ROWS], CARD_COLUMNS),
        rows=tuple(
            ClassRow(
                name=dataset.class_names[label],
                strip=mosaic(list(images), ROW_SAMPLES),
            )
            for label, images in enumerate(samples)
        ),
        report=dataset.report,
        reading=dataset.reading,
        fingerprint=dataset.fingerprint,
    )


def _samples(dataset: ImageDataset, label: int, count: int) -> NDArray[np.uint8]:
    """Pick up to ``count`` training pictures of a class, evenly spread over it: (M, side, side, 3)."""
    numbers = np.flatnonzero(dataset.train.labels == label)
    chosen = numbers[np.linspace(0, len(numbers) - 1, min(count, len(numbers))).astype(int)]
    images: NDArray[np.uint8] = dataset.train.images[chosen]
    return images


def mosaic(images: list[NDArray[np.uint8]], columns: int, *, gap: int = 4) -> bytes:
    """Lay squares (side, side, 3) out in rows with transparent gaps; PNG bytes."""
    if not images:
        return b""
    side = images[0].shape[0]
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows * (side + gap) - gap, columns * (side + gap) - gap, 4), dtype=np.uint8)
    for number, picture in enumerate(images):
        top, left = (side + gap) * (number // columns), (side + gap) * (number % columns)
        sheet[top : top + side, left : left + side, :3] = picture
        sheet[top : top + side, left : left + side, 3] = 255
    return png(sheet)


def png(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture (H, W, 3 or 4) uint8 as PNG."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="PNG", compress_level=2)  # speed; it is sent once
    return out.getvalue()

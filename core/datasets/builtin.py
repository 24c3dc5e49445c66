"""Data sets that are there without a download: scikit-learn's digits and scikit-image's photographs.

The two patch sets are cut from single photographs. Every photograph gives its right-hand part to the test
set and the rest to training, with a strip between them left out, and no two patches overlap: so no pixel
is ever seen in training and in the test.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from PIL import Image

from core.arrays import Pixels
from core.datasets.assemble import assemble
from core.datasets.dataset import ImageDataset, LabelledImages
from core.errors import one_of
from core.images.decoding import square_from_array

TEST_SHARE = 0.3  # of each photograph's width, on its right-hand side
GAP = 8  # pixels between the two regions that belong to neither


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """One of scikit-image's pictures and the class that its patches form.

    ``frame`` (left, top, right, bottom) is the part that shows the subject, in pixels; ``shrink`` divides the
    resolution first; ``keep`` decides on a patch (size, size, 3).
    """

    class_name: str
    file: str
    frame: tuple[int, int, int, int] | None = None
    shrink: int = 1
    keep: Callable[[Pixels], bool] = lambda patch: True


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A cut: ``pixels`` (size, size, 3), where it lies (left, top) in the framed photograph, and its part."""

    pixels: Pixels
    left: int
    top: int
    in_test: bool


@dataclass(frozen=True, kw_only=True)
class PatchSet:
    """How patches are cut: their ``size`` in pixels, and at most how many of each class go to each part."""

    photographs: tuple[Photograph, ...]
    size: int
    most_train: int
    most_test: int
    texture_only: bool  # grey, contrast stretched: neither colour nor brightness gives the class away


def _contrast(patch: Pixels) -> bool:
    """Leave out empty sky and black corners, which no one could tell apart (6 of 255 grey levels)."""
    return float(patch.mean(axis=2).std()) >= 6


def _brown_share(patch: Pixels) -> float:
    """Compute the share of pixels stained brown (DAB): red exceeds blue by 40 of 255 levels."""
    return float((patch[..., 0].astype(int) - patch[..., 2] > 40).mean())


EVERYDAY = PatchSet(
    photographs=(
        Photograph(class_name="astronaut", file="astronaut.png", keep=_contrast),
        Photograph(class_name="brick wall", file="brick.png", keep=_contrast),
        Photograph(class_name="cat", file="chelsea.png", keep=_contrast),
        Photograph(class_name="coffee", file="coffee.png", keep=_contrast),
        Photograph(class_name="coins", file="coins.png", keep=_contrast),
        Photograph(class_name="grass", file="grass.png", keep=_contrast),
        Photograph(class_name="gravel", file="gravel.png", keep=_contrast),
        Photograph(class_name="handwriting", file="text.png", keep=_contrast),
        Photograph(class_name="motorcycle", file="motorcycle_left.png", keep=_contrast),
        Photograph(class_name="photographer", file="camera.png", keep=_contrast),
        Photograph(class_name="printed page", file="page.png", keep=_contrast),
        Photograph(class_name="rocket", file="rocket.jpg", keep=_contrast),
    ),
    size=32,
    most_train=100,
    most_test=40,
    texture_only=False,
)

SCIENCE = PatchSet(
    photographs=(
        Photograph(class_name="cell in saline", file="cell.png"),
        Photograph(
            class_name="connective tissue", file="ihc.png", keep=lambda patch: _brown_share(patch) < 0.15
        ),
        Photograph(class_name="deep sky", file="hubble_deep_field.jpg"),
        Photograph(class_name="gland", file="ihc.png", keep=lambda patch: _brown_share(patch) > 0.6),
        Photograph(class_name="moon", file="moon.png"),
        Photograph(class_name="retina", file="retina.jpg", frame=(210, 210, 1200, 1200), shrink=2),
    ),
    size=24,
    most_train=150,
    most_test=60,
    texture_only=True,
)


def builtin(name: str, *, side: int) -> ImageDataset:
    """Make the built-in data set ``name`` at ``side`` pixels; title, words and sources are the catalogue's.

    Raises `SettingsError`, naming the choices, for an unknown name.
    """
    one_of("the built-in data set", name, _MAKERS)
    return _MAKERS[name](side)


def cut(photograph: Photograph, size: int) -> Iterator[Patch]:
    """Cut ``photograph`` into non-overlapping patches, row by row, those of the training region first."""
    pixels = _pixels(photograph)
    height, width = pixels.shape[:2]
    border = round(width * (1 - TEST_SHARE))
    for in_test, start, end in ((False, 0, border - GAP // 2), (True, border + GAP // 2, width)):
        for top in range(0, height - size + 1, size):
            for left in range(start, end - size + 1, size):
                patch = pixels[top : top + size, left : left + size]
                if photograph.keep(patch):
                    yield Patch(pixels=patch, left=left, top=top, in_test=in_test)


def _patch_set(name: str, patch_set: PatchSet, side: int) -> ImageDataset:
    parts: dict[bool, tuple[list[Pixels], list[int]]] = {False: ([], []), True: ([], [])}
    for label, photograph in enumerate(patch_set.photographs):
        patches = list(cut(photograph, patch_set.size))
        for in_test, most in ((False, patch_set.most_train), (True, patch_set.most_test)):
            chosen = _spread([patch.pixels for patch in patches if patch.in_test is in_test], most)
            images, labels = parts[in_test]
            pixels = _texture(np.stack(chosen)) if patch_set.texture_only else chosen
            images += [square_from_array(patch, side) for patch in pixels]
            labels += [label] * len(chosen)
    train, test = (
        LabelledImages(images=np.stack(parts[in_test][0]), labels=np.array(parts[in_test][1], dtype=np.int64))
        for in_test in (False, True)
    )
    class_names = tuple(photograph.class_name for photograph in patch_set.photographs)
    return assemble(name=name, class_names=class_names, train=train, test=test)


def _pixels(photograph: Photograph) -> Pixels:
    with Image.open(str(files("skimage").joinpath("data", photograph.file))) as picture:
        whole = picture.convert("RGB")
    if photograph.frame is not None:
        whole = whole.crop(photograph.frame)
    if photograph.shrink > 1:
        whole = whole.reduce(photograph.shrink)
    return np.asarray(whole)


def _spread(patches: list[Pixels], most: int) -> list[Pixels]:
    """Take at most ``most`` of ``patches``, evenly spread over the region."""
    if len(patches) <= most:
        return patches
    return [patches[number] for number in np.linspace(0, len(patches) - 1, most).round().astype(int)]


def _texture(patches: Pixels) -> Pixels:
    """Make patches (N, size, size, 3) grey (N, size, size); stretch the middle 98 % of each one's levels to 0-255.

    By no more than sixteen times, so that an even patch does not turn into pure noise.
    """
    grey = patches @ np.array([0.299, 0.587, 0.114])  # luma, ITU-R BT.601
    low, high = np.percentile(grey, [1, 99], axis=(1, 2), keepdims=True)
    stretched = (grey - low) * (255 / np.maximum(high - low, 16))
    texture: Pixels = stretched.clip(0, 255).round().astype(np.uint8)
    return texture


def _digits(side: int) -> ImageDataset:
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = (digits.images * (255 / 16)).round().astype(np.uint8)  # (1797, 8, 8), from 0-16
    return assemble(
        name="digits",
        class_names=tuple(str(digit) for digit in range(10)),
        train=LabelledImages(
            images=np.stack([square_from_array(image, side) for image in grey]),
            labels=digits.target.astype(np.int64),
        ),
    )


def _faces(side: int) -> ImageDataset:
    values = np.load(str(files("skimage").joinpath("data", "lfw_subset.npy")))  # (200, 25, 25), 0-1
    grey = (values * 255).round().astype(np.uint8)
    return assemble(
        name="lfw-faces",
        class_names=("face", "no face"),
        train=LabelledImages(
            images=np.stack([square_from_array(image, side) for image in grey]),
            labels=np.repeat(np.array([0, 1], dtype=np.int64), 100),
        ),
    )


_MAKERS: dict[str, Callable[[int], ImageDataset]] = {
    "everyday-patches": lambda side: _patch_set("everyday-patches", EVERYDAY, side),
    "science-patches": lambda side: _patch_set("science-patches", SCIENCE, side),
    "digits": _digits,
    "lfw-faces": _faces,
}

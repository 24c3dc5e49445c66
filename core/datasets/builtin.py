"""Data sets that are there without a download: scikit-learn's digits, and photographs that come with our libraries.

Four sets are cut from single photographs: patches of 24 and 32 pixels, and close-ups of 64 and 72 for networks that
want larger pictures. Every photograph gives its right-hand or lower part to the test set and the rest to training,
with a strip between them left out: so no pixel is ever seen in training and in the test. Within the training part,
close-ups overlap, because a photograph has room for few of them side by side; test pictures never do.
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

TEST_SHARE = 0.3  # of each photograph's width
GAP = 8  # pixels between the two regions that belong to neither


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """A picture that comes with a library, and the class that its patches form.

    ``folder`` is its place in the library; ``frame`` (left, top, right, bottom) is the part that shows the subject, in
    pixels; ``shrink`` divides the resolution then; ``keep`` decides on a patch (size, size, 3). The right-hand part of
    what is left is for the test, or the lower part (``test_below``) where the subject stands upright.
    """

    class_name: str
    file: str
    folder: str = "skimage/data"
    frame: tuple[int, int, int, int] | None = None
    shrink: int = 1
    test_below: bool = False
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
    """How patches are cut: their ``size`` in pixels, and at most how many of each class go to each part.

    Patches of the training region begin ``step`` pixels apart (None: ``size``, so that they do not overlap; those of
    the test region never do); ``test_share`` is the test region's share of each photograph.
    """

    photographs: tuple[Photograph, ...]
    size: int
    most_train: int
    most_test: int
    texture_only: bool  # grey, contrast stretched: neither colour nor brightness gives the class away
    step: int | None = None
    test_share: float = TEST_SHARE


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

EVERYDAY_CLOSEUPS = PatchSet(
    photographs=(
        Photograph(class_name="astronaut", file="astronaut.png", keep=_contrast),
        Photograph(class_name="brick wall", file="brick.png", keep=_contrast),
        Photograph(class_name="cat", file="chelsea.png", frame=(60, 0, 446, 300), keep=_contrast),
        Photograph(class_name="coffee", file="coffee.png", frame=(60, 0, 500, 400), keep=_contrast),
        Photograph(class_name="coins", file="coins.png", keep=_contrast),
        Photograph(
            class_name="flower",
            file="flower.jpg",
            folder="sklearn/datasets/images",
            frame=(150, 60, 480, 427),
            keep=_contrast,
        ),
        Photograph(class_name="grass", file="grass.png", keep=_contrast),
        Photograph(class_name="gravel", file="gravel.png", keep=_contrast),
        Photograph(
            class_name="motorcycle", file="motorcycle_left.png", frame=(110, 80, 700, 480), keep=_contrast
        ),
        Photograph(
            class_name="pagoda",
            file="china.jpg",
            folder="sklearn/datasets/images",
            frame=(70, 20, 430, 427),
            keep=_contrast,
        ),
        Photograph(class_name="photographer", file="camera.png", frame=(60, 40, 460, 512), keep=_contrast),
        Photograph(
            class_name="rocket", file="rocket.jpg", frame=(60, 40, 640, 427), test_below=True, keep=_contrast
        ),
    ),
    size=72,
    most_train=30,
    most_test=20,
    texture_only=False,
    step=36,
    test_share=0.5,
)

SCIENCE_CLOSEUPS = PatchSet(
    photographs=(
        Photograph(class_name="cell in saline", file="cell.png"),
        Photograph(
            class_name="connective tissue", file="ihc.png", keep=lambda patch: _brown_share(patch) < 0.25
        ),
        Photograph(class_name="deep sky", file="hubble_deep_field.jpg"),
        Photograph(class_name="gland", file="ihc.png", keep=lambda patch: _brown_share(patch) > 0.5),
        Photograph(class_name="moon", file="moon.png"),
        Photograph(class_name="retina", file="retina.jpg", frame=(210, 210, 1200, 1200), shrink=2),
    ),
    size=64,
    most_train=40,
    most_test=30,
    texture_only=True,
    step=16,
    test_share=0.5,
)


def builtin(name: str, *, side: int) -> ImageDataset:
    """Make the built-in data set ``name`` at ``side`` pixels; title, words and sources are the catalogue's.

    Raises `SettingsError`, naming the choices, for an unknown name.
    """
    one_of("the built-in data set", name, _MAKERS)
    return _MAKERS[name](side)


def cut(
    photograph: Photograph, size: int, *, step: int | None = None, test_share: float = TEST_SHARE
) -> Iterator[Patch]:
    """Cut ``photograph`` into patches as a `PatchSet` says, row by row, those of the training region first."""
    pixels = _pixels(photograph)
    height, width = pixels.shape[:2]
    length = height if photograph.test_below else width
    border = round(length * (1 - test_share))
    for in_test, start, end in ((False, 0, border - GAP // 2), (True, border + GAP // 2, length)):
        stride = size if in_test else step or size
        first_row, last_row = (start, end) if photograph.test_below else (0, height)
        first_column, last_column = (0, width) if photograph.test_below else (start, end)
        for top in range(first_row, last_row - size + 1, stride):
            for left in range(first_column, last_column - size + 1, stride):
                patch = pixels[top : top + size, left : left + size]
                if photograph.keep(patch):
                    yield Patch(pixels=patch, left=left, top=top, in_test=in_test)


def _patch_set(name: str, patch_set: PatchSet, side: int) -> ImageDataset:
    parts: dict[bool, tuple[list[Pixels], list[int]]] = {False: ([], []), True: ([], [])}
    for label, photograph in enumerate(patch_set.photographs):
        patches = list(cut(photograph, patch_set.size, step=patch_set.step, test_share=patch_set.test_share))
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
    library, *folders = photograph.folder.split("/")
    with Image.open(str(files(library).joinpath(*folders, photograph.file))) as picture:
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
    "everyday-closeups": lambda side: _patch_set("everyday-closeups", EVERYDAY_CLOSEUPS, side),
    "science-closeups": lambda side: _patch_set("science-closeups", SCIENCE_CLOSEUPS, side),
    "everyday-patches": lambda side: _patch_set("everyday-patches", EVERYDAY, side),
    "science-patches": lambda side: _patch_set("science-patches", SCIENCE, side),
    "digits": _digits,
    "lfw-faces": _faces,
}

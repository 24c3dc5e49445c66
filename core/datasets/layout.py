"""From the paths of an archive or folder to classes and parts.

Understood: class folders; class folders below ``train/`` and ``test/`` (or ``val/``); either of them inside
wrapping folders; pictures at any depth below their class folder. Decided from the names alone, before any
picture is read.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.errors import DataError
from core.images.decoding import Limits

_TRAIN = frozenset({"train", "training"})
_TEST = frozenset({"test", "testing"})
_VALIDATION = frozenset({"val", "valid", "validation"})

# Tried as pictures. Those that cannot be read (HEIC, SVG) are tried as well, because they earn their own sentence.
_SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".gif",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
    }
    | {
        ".pbm",
        ".pnm",
        ".pfm",
        ".avif",
        ".jp2",
        ".j2k",
        ".j2c",
        ".jpc",
        ".jpf",
        ".jpx",
        ".tga",
        ".mpo",
        ".apng",
    }
    | {".heic", ".heif", ".hif", ".svg", ".jxl", ".dcm", ".psd"}
)
_JUNK = frozenset({"__macosx", "thumbs.db", "desktop.ini"})  # what operating systems leave in archives
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One picture's place: ``number`` in the given paths, and its class name."""

    number: int
    class_name: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Pictures by part, each in the order of class name and path; ``skipped`` are (path, one sentence)."""

    class_names: tuple[str, ...]
    train: tuple[Placed, ...]
    test: tuple[Placed, ...]
    skipped: tuple[tuple[str, str], ...]


def arrange(paths: Sequence[str], limits: Limits) -> Layout:
    """Sort ``paths`` ("/"-separated, files only) into parts and classes.

    With ``train/``, ``test/`` and ``val/`` all present, the validation pictures join the training pictures,
    since validation is drawn from them for every run. Raises `DataError` where no classes can be seen.
    """
    skipped: list[tuple[str, str]] = []
    pictures: list[tuple[int, tuple[str, ...]]] = []
    for number, path in enumerate(paths):
        parts = tuple(part for part in path.split("/") if part not in ("", "."))
        if not parts or any(part.startswith(".") or part.lower() in _JUNK for part in parts):
            continue
        suffix = PurePosixPath(parts[-1]).suffix.lower()
        if suffix and suffix not in _SUFFIXES:
            skipped.append((path, f"Not a picture file ({suffix})."))
        else:
            pictures.append((number, parts))
    if not pictures:
        raise DataError("There are no pictures in it; put JPEG or PNG files into one folder per class.")
    if len(pictures) > limits.max_images:
        raise DataError(
            f"It holds {len(pictures):,} pictures, and at most {limits.max_images:,} are read; "
            "keep fewer pictures of each class."
        )
    pictures = _unwrapped(pictures)
    train, test = _parts(pictures)
    placed_train = _placed(train, paths, skipped, limits)
    placed_test = _placed(test, paths, skipped, limits)
    class_names = tuple(sorted({picture.class_name for picture in placed_train}))
    if not class_names:
        raise DataError(
            "There are no class folders: put the pictures of each class into a folder that bears its name."
        )
    if len(class_names) > limits.max_classes:
        raise DataError(
            f"It has {len(class_names):,} class folders, and at most {limits.max_classes:,} are read; "
            "keep the classes that matter to you."
        )
    known = frozenset(class_names)
    skipped += [
        (paths[picture.number], f"Class “{picture.class_name}” occurs in the test part only.")
        for picture in placed_test
        if picture.class_name not in known
    ]
    return Layout(
        class_names=class_names,
        train=_ordered(placed_train, paths),
        test=_ordered([picture for picture in placed_test if picture.class_name in known], paths),
        skipped=tuple(skipped),
    )


def class_name(raw: str, limits: Limits) -> str:
    """Bring a folder's name to a class name: composed Unicode, without control and text-direction marks."""
    composed = unicodedata.normalize("NFC", raw)
    name = "".join(
        letter
        for letter in composed
        if unicodedata.category(letter) not in ("Cc", "Cs") and letter not in _DIRECTION_MARKS
    ).strip()
    if not any(
        letter.isprintable() and letter != " " for letter in name
    ):  # nothing, or nothing that can be seen
        raise DataError("A class has an empty name; give every class folder a name.")
    if len(name) > limits.max_class_name:
        raise DataError(
            f"The class name “{name[:30]}…” has {len(name)} characters; use at most {limits.max_class_name}."
        )
    return name


def _unwrapped(pictures: list[tuple[int, tuple[str, ...]]]) -> list[tuple[int, tuple[str, ...]]]:
    """Take away folders that wrap everything, as long as class folders remain below them."""
    while len({parts[0] for _, parts in pictures}) == 1 and all(len(parts) > 2 for _, parts in pictures):
        pictures = [(number, parts[1:]) for number, parts in pictures]
    return pictures


def _parts(
    pictures: list[tuple[int, tuple[str, ...]]],
) -> tuple[list[tuple[int, tuple[str, ...]]], list[tuple[int, tuple[str, ...]]]]:
    """Split into train and test, and cut the parts' own folder names off."""
    heads = {parts[0].lower() for _, parts in pictures if len(parts) > 1}
    if not heads & (_TEST | _VALIDATION):
        return pictures, []
    if not heads & _TRAIN:
        if heads <= _TEST | _VALIDATION and len(heads) > 1:
            raise DataError("There is a test part but no train/ folder; add one with the same class folders.")
        return pictures, []

    def below(names: frozenset[str]) -> list[tuple[int, tuple[str, ...]]]:
        return [(number, parts[1:]) for number, parts in pictures if parts[0].lower() in names]

    train, validation, test = below(_TRAIN), below(_VALIDATION), below(_TEST)
    outside = [
        (number, parts[-1:])
        for number, parts in pictures
        if parts[0].lower() not in _TRAIN | _VALIDATION | _TEST
    ]
    classes = {parts[0] for _, parts in train if len(parts) > 1}
    if any(len(parts) > 1 and parts[0] in classes for _, parts in test):
        return train + validation + outside, test
    return train + outside + [(number, parts[-1:]) for number, parts in test], validation


def _placed(
    pictures: list[tuple[int, tuple[str, ...]]],
    paths: Sequence[str],
    skipped: list[tuple[str, str]],
    limits: Limits,
) -> list[Placed]:
    placed = []
    names: dict[str, str] = {}
    for number, parts in pictures:
        if len(parts) < 2:
            skipped.append((paths[number], "It lies in no class folder."))
            continue
        if parts[0] not in names:
            names[parts[0]] = class_name(parts[0], limits)
        placed.append(Placed(number=number, class_name=names[parts[0]]))
    return placed


def _ordered(placed: list[Placed], paths: Sequence[str]) -> tuple[Placed, ...]:
    return tuple(sorted(placed, key=lambda picture: (picture.class_name, paths[picture.number])))

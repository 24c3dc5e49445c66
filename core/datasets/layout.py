"""From the paths of an archive or folder to classes and parts.

Understood: class folders; class folders in parts (``train/``, ``test/``, ``val/`` and the like, see `parts`), above or
below the classes; either of them inside wrapping folders; pictures at any depth below their class folder. Decided from
the names alone, before any picture is read; what is not sure is refused or said.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core import words
from core.datasets.masks import take_out
from core.datasets.part_names import key, pictures_and_masks
from core.datasets.parts import Folder, FoundPart, FoundParts, find
from core.errors import DataError
from core.images.decoding import ReadingLimits

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
# What operating systems and disk stations leave in archives: nobody put it there, nobody wants to hear of it.
_JUNK = frozenset(
    {
        "__macosx",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "icon\uf00d",
        "@eadir",
        "#recycle",
        "@recycle",
        "#snapshot",
        "@recently-snapshot",
        "@sharebin",
        "$recycle.bin",
        "recycler",
        "system volume information",
        "lost+found",
        "__pycache__",
    }
)
_ARCHIVES = frozenset({".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst"})
# Files without a suffix are tried as pictures, but for those that everybody knows.
_TEXTS = frozenset(
    {
        "license",
        "licence",
        "readme",
        "copying",
        "notice",
        "authors",
        "changelog",
        "changes",
        "version",
        "citation",
    }
    | {
        "manifest",
        "metadata",
        "makefile",
        "todo",
        "install",
        "contributing",
        "credits",
        "checksums",
        "md5sums",
    }
)
_UNSEEN = frozenset(  # marks of direction, spaces of no width, hyphens that are not shown
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\u00ad\u180e"
)
# Google Drive packs one folder into several ZIP files of this ending: all of them are that folder.
_PIECE = re.compile(r"(?<=.)-\d{8}T\d{6}Z(-\d+)+$")


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One picture's place: ``number`` in the given paths, and its class name."""

    number: int
    class_name: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Pictures by part, each in the order of class name and path; ``skipped`` are (path, one sentence).

    ``remarks`` are sentences about the whole: what was taken for what.
    """

    class_names: tuple[str, ...]
    train: tuple[Placed, ...]
    test: tuple[Placed, ...]
    skipped: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]


def arrange(paths: Sequence[str], limits: ReadingLimits) -> Layout:
    """Sort ``paths`` ("/"-separated, files only) into parts and classes.

    With training, validation and test parts all present, the validation pictures join the training pictures, since
    validation is drawn from them for every run. Raises `DataError` where no classes can be seen.
    """
    skipped: list[tuple[str, str]] = []
    root = _tree(paths, skipped, limits)
    count = root.count
    if not count:
        raise DataError(_no_pictures(skipped))
    if count > limits.max_images:
        raise DataError(
            f"It holds {count:,} pictures, and at most {limits.max_images:,} are read; "
            "keep fewer pictures of each class."
        )
    parts = find(root)
    skipped += [(paths[number], why) for numbers, why in parts.outside for number in numbers]
    remarks = [*parts.remarks, *_empty_folders(parts, skipped)]
    masks = [number for part in parts.classes for number in take_out(part.folder, paths)]
    if masks:
        skipped += [(paths[number], "It belongs to another picture, as a mask does.") for number in masks]
        remarks.append(
            f"{words.count(len(masks), 'file')} that belong to other pictures (masks) are left out."
        )
    train, test = _train_and_test(parts, skipped, paths, remarks, limits)
    class_names = tuple(sorted({picture.class_name for picture in train}))
    if not class_names:
        raise DataError(
            "There are no class folders: put the pictures of each class into a folder that bears its name."
        )
    if pictures_and_masks(class_names, alone=True):
        raise DataError(
            f"The folders {' and '.join(class_names)} hold pictures and what belongs to each of them, not classes; put "
            "the pictures of each class into a folder that bears its name."
        )
    if len(class_names) > limits.max_classes:
        raise DataError(
            f"It has {len(class_names):,} class folders, and at most {limits.max_classes:,} are read; "
            "keep the classes that matter to you."
        )
    return Layout(
        class_names=class_names,
        train=_ordered(train, paths),
        test=_ordered(test, paths),
        skipped=tuple(skipped),
        remarks=tuple(remarks),
    )


def packed_folders(paths: Sequence[str]) -> list[int]:
    """Find the ZIP files that stand in the place of folders: those beside which no folder holds pictures."""
    if not any(path.lower().endswith(".zip") for path in paths):
        return []
    beside: set[str] = set()
    packed = []
    for number, path in enumerate(paths):
        parts = _components(path)
        if not parts or _is_junk(parts):
            continue
        suffix = PurePosixPath(parts[-1]).suffix.lower()
        if suffix == ".zip":
            packed.append((number, "/".join(parts[:-1])))
        elif suffix in _SUFFIXES:
            # A picture in a/b/c is in folders that lie in "", "a" and "a/b".
            beside.update("/".join(parts[:depth]) for depth in range(len(parts) - 1))
    return [number for number, place in packed if place not in beside]


def class_name(raw: str, limits: ReadingLimits) -> str:
    """Bring a folder's name to a class name: composed Unicode, without what nobody sees."""
    composed = unicodedata.normalize("NFC", raw)
    name = "".join(
        letter
        for letter in composed
        if unicodedata.category(letter) not in ("Cc", "Cs") and letter not in _UNSEEN
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


def _components(path: str) -> tuple[str, ...]:
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    return (*(_PIECE.sub("", folder) for folder in parts[:-1]), *parts[-1:])


def _is_junk(parts: Sequence[str]) -> bool:
    return (
        parts[-1].startswith(".")
        or not _JUNK.isdisjoint(part.lower() for part in parts)
        or any(part.startswith("._") for part in parts)
    )


def _tree(paths: Sequence[str], skipped: list[tuple[str, str]], limits: ReadingLimits) -> Folder:
    """Hang all pictures into the folders that they lie in."""
    root, folders = Folder(), 0
    for number, path in enumerate(paths):
        parts = _components(path)
        if not parts or _is_junk(parts):
            continue
        name = PurePosixPath(parts[-1])
        suffix = name.suffix.lower()
        if any(part.startswith(".") for part in parts):
            if suffix in _SUFFIXES:
                skipped.append((path, "It lies in a hidden folder."))
        elif suffix and suffix not in _SUFFIXES:
            skipped.append((path, f"Not a picture file ({suffix})."))
        elif name.stem.lower() in _TEXTS and not suffix:
            skipped.append((path, "Not a picture file."))
        else:
            folder = root
            folder.count += 1
            for part in parts[:-1]:
                if part not in folder.folders:
                    folder.folders[part] = Folder(name=part, parent=folder)
                    folders += 1
                folder = folder.folders[part]
                folder.count += 1
            folder.files.append(number)
            if folders > limits.max_entries:
                raise DataError(f"It has more than {limits.max_entries:,} folders; keep fewer pictures.")
    return root


def _no_pictures(skipped: Sequence[tuple[str, str]]) -> str:
    packed = [path for path, _ in skipped if PurePosixPath(path).suffix.lower() in _ARCHIVES]
    if packed:
        return (
            f"There are no pictures in it, but a packed file ({packed[0][:80]}) that is not opened here; unpack it "
            "first, and bring one folder of pictures per class."
        )
    return "There are no pictures in it; put JPEG or PNG files into one folder per class."


def _empty_folders(parts: FoundParts, skipped: Sequence[tuple[str, str]]) -> list[str]:
    """Say which folders lie among the class folders and hold files, but no picture."""
    holders = {folder.path(): folder for folder in parts.holders}
    depths = {len(place) for place in holders}
    found: Counter[str] = Counter()
    for path, _ in skipped:
        names = _components(path)
        for depth in depths:
            holder = holders.get(names[:depth])
            if holder is None or len(names) < depth + 2 or names[depth] in holder.folders:
                continue
            if names[depth][0] != ".":
                found["/".join(names[: depth + 1])] += 1
    return [
        f"The folder “{folder}” has no picture in it ({words.count(count, 'file')} of other kinds), so it is no class."
        for folder, count in sorted(found.items())
    ]


def _train_and_test(
    parts: FoundParts,
    skipped: list[tuple[str, str]],
    paths: Sequence[str],
    remarks: list[str],
    limits: ReadingLimits,
) -> tuple[list[Placed], list[Placed]]:
    """Place the pictures of every part under class names that are spelt the same in all parts."""
    of_role = {
        role: [part for part in parts.classes if part.role == role]
        for role in ("train", "validation", "test")
    }
    train = [(class_name(part.class_name, limits), part) for part in of_role["train"]]
    known = {name for name, _ in train}
    _say_alike(known, remarks)
    _say_merged(train, remarks)

    spelt = _by_key(known)
    pairs: dict[str, str] = {}

    def matched(of: Iterable[FoundPart]) -> list[tuple[str, FoundPart]]:
        """Find the training class that is meant, however it is spelt here."""
        found = []
        for part in of:
            name = class_name(part.class_name, limits)
            alike = spelt.get(key(name), [])
            if name not in known and len(alike) == 1:
                pairs[name] = alike[0]
                name = alike[0]
            found.append((name, part))
        return found

    validation, test = matched(of_role["validation"]), matched(of_role["test"])
    if pairs:
        named = [f"“{here}” and “{there}”" for here, there in sorted(pairs.items())[:6]]
        remarks.append(
            f"{', '.join(named)}{', …' if len(pairs) > 6 else ''} are spelt differently in two parts, and were taken "
            f"for one class{' each' if len(pairs) > 1 else ''}."
        )
    if any(name in known for name, _ in test) or not validation:
        train += validation
    else:
        # A test part without classes, or with none of these, tests nothing; the validation part does.
        skipped += _test_only(test, known, paths)
        test = validation
    known |= {name for name, _ in train}
    skipped += _test_only([one for one in test if one[0] not in known], known, paths)
    only = sorted({name for name, _ in test} - known)
    if only:
        count = sum(part.folder.count for name, part in test if name in only)
        remarks.append(
            f"The test part has what the training part lacks ({_some(only)}); its {words.count(count, 'file')} are "
            "left out."
        )
    return _placed(train), _placed([one for one in test if one[0] in known])


def _test_only(
    test: Iterable[tuple[str, FoundPart]], known: set[str], paths: Sequence[str]
) -> list[tuple[str, str]]:
    return [
        (paths[number], f"Class “{name}” occurs in the test part only.")
        for name, part in test
        if name not in known
        for number in part.folder.below()
    ]


def _by_key(names: Iterable[str]) -> dict[str, list[str]]:
    by_key: dict[str, list[str]] = {}
    for name in sorted(names):
        by_key.setdefault(key(name), []).append(name)
    return by_key


def _say_alike(names: set[str], remarks: list[str]) -> None:
    """Say which classes of one part differ in spelling alone: two they stay, since two folders they are."""
    alike = [" and ".join(f"“{name}”" for name in same) for same in _by_key(names).values() if len(same) > 1]
    if alike:
        shown = "; ".join(alike[:3]) + ("; …" if len(alike) > 3 else "")
        remarks.append(
            f"These classes differ only in how they are spelt: {shown}. Where they are one, put their pictures into "
            "one folder."
        )


def _say_merged(classes: Iterable[tuple[str, FoundPart]], remarks: list[str]) -> None:
    """Say which folders of one part became one class: their names differ in what nobody sees."""
    folders: dict[str, set[str]] = {}
    for name, part in classes:
        folders.setdefault(name, set()).add(part.class_name)
    merged = [name for name, raw in folders.items() if len(raw) > 1]
    if merged:
        remarks.append(
            f"Several folders became one class each, since their names look the same: {_some(sorted(merged))}."
        )


def _some(names: Sequence[str]) -> str:
    return words.some([f"“{name}”" for name in names])


def _placed(classes: Iterable[tuple[str, FoundPart]]) -> list[Placed]:
    return [
        Placed(number=number, class_name=name) for name, part in classes for number in part.folder.below()
    ]


def _ordered(placed: list[Placed], paths: Sequence[str]) -> tuple[Placed, ...]:
    return tuple(sorted(placed, key=lambda picture: (picture.class_name, paths[picture.number])))

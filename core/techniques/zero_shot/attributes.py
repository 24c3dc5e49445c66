"""Animals with Attributes 2: 50 animals, 85 attributes. Xian et al. 2018 (arXiv 1707.00600). Torch-free."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.arrays import Floats
from core.datasets.downloads import data_dir, fetch_folder
from core.datasets.fetching import RemoteFile
from core.errors import DataError, DownloadError
from core.events import OnProgress

TITLE = "AwA2's attributes"
FOLDER = "awa2-attributes"  # below the data folder
FILES = (
    "classes.txt",
    "predicates.txt",
    "predicate-matrix-binary.txt",
    "predicate-matrix-continuous.txt",
)
BYTES = 32_000  # of the authors' archive, about; its pictures are another one, of 13 GB
MOST_BYTES = 1_000_000  # of one of the files, which have 30,000 at most
# No checksum: what counts is not the archive but the numbers in it, see `fingerprint`.
ARCHIVE = RemoteFile(
    url="https://cvml.ista.ac.at/AwA2/AwA2-base.zip", checksum=None, place=f"{FOLDER}/AwA2-base.zip"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Attributes:
    """``has`` (classes, attributes) is 0 or 1; ``strength`` the same as people's answers, 0-1."""

    classes: tuple[str, ...]
    names: tuple[str, ...]
    has: Floats
    strength: Floats

    def of(self, classes: tuple[str, ...]) -> tuple[Floats, Floats]:
        """Rows of both matrices for ``classes``; `DataError` for one that is not described."""
        missing = [name for name in classes if name not in self.classes]
        if missing:
            raise DataError(
                f"No attributes are known of {', '.join(missing[:3])}; choose described classes only."
            )
        rows = [self.classes.index(name) for name in classes]
        return self.has[rows], self.strength[rows]

    def fingerprint(self, classes: tuple[str, ...]) -> str:
        """SHA-256 of all that is known of ``classes``: both numbers of every attribute, by name."""
        digest = hashlib.sha256()
        for described, has, strength in zip(classes, *self.of(classes), strict=True):
            told = zip(self.names, has, strength, strict=True)
            text = " ".join(f"{name}={yes:.0f}/{100 * much:.2f}" for name, yes, much in told)
            digest.update(f"{described}: {text}\n".encode())
        return digest.hexdigest()


def read_attributes(folder: Path) -> Attributes:
    """Read AwA2's own text files; `DataError` where one is missing or the sizes do not fit."""
    try:
        classes, names = (
            tuple(
                line.split()[1].replace("+", " ") for line in (folder / file).read_text().splitlines() if line
            )
            for file in FILES[:2]
        )
        has, strength = (np.loadtxt(folder / file, ndmin=2) for file in FILES[2:])
    except (OSError, ValueError, IndexError) as error:
        raise DataError(
            f"{folder} does not hold the attributes of AwA2: classes.txt, predicates.txt and both matrices."
        ) from error
    if not has.shape == strength.shape == (len(classes), len(names)):
        raise DataError(
            f"The attribute matrices in {folder} do not fit their lists of classes and attributes."
        )
    return Attributes(classes=classes, names=names, has=has, strength=strength.clip(0, None) / 100)


def download_attributes(
    classes: tuple[str, ...], fingerprint: str, progress: OnProgress | None = None
) -> Attributes:
    """Read the attributes, fetching them from their authors first where no copy is there.

    What is known of ``classes`` must have that `Attributes.fingerprint`. `DownloadError`, one sentence,
    for a missing network, and for numbers other than those; what was fetched is not kept then.
    """

    def unpack(staging: Path) -> None:
        _unpack(staging / ARCHIVE.place, staging / FOLDER)
        if not _agrees(staging / FOLDER, classes, fingerprint):
            raise DownloadError(
                f"{TITLE} arrived, but are not those that this experiment was built with, and were thrown away; "
                "try again later, or choose the digits."
            )

    place = data_dir() / FOLDER
    if not place.is_dir():
        fetch_folder(FOLDER, (ARCHIVE,), unpack, title=TITLE, total_bytes=BYTES, progress=progress)
    if not _agrees(place, classes, fingerprint):
        raise DownloadError(
            f"The copy of {TITLE} in {place} is not theirs; remove that folder and run again."
        )
    return read_attributes(place)


def _agrees(folder: Path, classes: tuple[str, ...], fingerprint: str) -> bool:
    try:
        return read_attributes(folder).fingerprint(classes) == fingerprint
    except DataError:
        return False


def _unpack(archive: Path, folder: Path) -> None:
    """Take the four files out, wherever in the archive they lie; those that are not there are missed by the reader."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                name = member.filename.rpartition("/")[2]
                if name in FILES and member.file_size <= MOST_BYTES:
                    (folder / name).write_bytes(opened.read(member))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DownloadError(f"{TITLE} arrived damaged and were thrown away; try again.") from error

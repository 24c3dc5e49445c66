"""Omniglot: 1,623 characters of 50 alphabets, each drawn by 20 people. Lake et al. 2015 (10.1126/science.aab3050).

The authors' background set (964 characters of 30 alphabets) is for learning, their evaluation set (659 characters of
20 other alphabets) for the test. Its archives are kept as they are and read where they lie: unpacked they are 32,460
files. Addresses and checksums are torchvision's.
"""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from core.datasets.downloads import data_dir, fetch_folder
from core.datasets.fetching import RemoteFile
from core.errors import DownloadError
from core.events import OnProgress

TITLE = "Omniglot"
FOLDER = "omniglot"  # below the data folder
BYTES = 9_464_212 + 6_462_886
_URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
BACKGROUND = RemoteFile(
    url=f"{_URL}images_background.zip",
    checksum="md5:68d2efa1b9178cc56df9314c21c6e718",
    place=f"{FOLDER}/images_background.zip",
)
EVALUATION = RemoteFile(
    url=f"{_URL}images_evaluation.zip",
    checksum="md5:6b91aef0f799c5bb55b94e3f2daec811",
    place=f"{FOLDER}/images_evaluation.zip",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Characters:
    """Drawings (N, 1, side, side), ink 1 and paper 0, and which of ``names`` ("Greek/character01") each is (N,)."""

    drawings: Tensor
    labels: Tensor
    names: tuple[str, ...]

    def of(self, numbers: Tensor) -> "Characters":
        """Keep the characters with these ``numbers`` (K,), which are numbered anew in that order."""
        kept = torch.isin(self.labels, numbers)
        anew = torch.full((len(self.names),), -1)
        anew[numbers] = torch.arange(len(numbers))
        names = tuple(self.names[number] for number in numbers.tolist())
        return Characters(drawings=self.drawings[kept], labels=anew[self.labels[kept]], names=names)


def download_characters(side: int, progress: OnProgress | None = None) -> tuple[Characters, Characters]:
    """Read what is for learning and what is for the test at ``side`` pixels, fetching it first if it is not here.

    ``progress(done, total)`` counts bytes, then drawings. `DownloadError`, one sentence, for a missing network, a
    wrong checksum, a full disk or a broken copy.
    """
    place = data_dir() / FOLDER
    if not place.is_dir():
        fetch_folder(
            FOLDER,
            (BACKGROUND, EVALUATION),
            lambda staging: None,
            title=TITLE,
            total_bytes=BYTES,
            keep_archives=True,
            progress=progress,
        )
    try:
        with (
            zipfile.ZipFile(data_dir() / BACKGROUND.place) as background,
            zipfile.ZipFile(data_dir() / EVALUATION.place) as evaluation,
        ):
            names = [_drawings(archive) for archive in (background, evaluation)]
            before, total = len(names[0]), sum(map(len, names))
            told = progress or (lambda done, total: None)
            known = _read(background, names[0], side, lambda done: told(done, total))
            return known, _read(evaluation, names[1], side, lambda done: told(before + done, total))
    except (OSError, ValueError, zipfile.BadZipFile, UnidentifiedImageError) as error:
        raise DownloadError(
            f"The copy of {TITLE} in {place} is incomplete or damaged; remove that folder and run again."
        ) from error


def read_characters(archive: Path, side: int) -> Characters:
    """Read one of the authors' archives, ALPHABET/CHARACTER/DRAWING.png each."""
    with zipfile.ZipFile(archive) as opened:
        return _read(opened, _drawings(opened), side, lambda done: None)


def _drawings(archive: zipfile.ZipFile) -> list[str]:
    return sorted(name for name in archive.namelist() if name.endswith(".png"))


def _read(archive: zipfile.ZipFile, names: list[str], side: int, told: Callable[[int], None]) -> Characters:
    if not names:
        raise ValueError("no drawings")
    characters = sorted({_character(name) for name in names})
    label = {name: number for number, name in enumerate(characters)}
    drawings = np.empty((len(names), 1, side, side), dtype=np.float32)
    for number, name in enumerate(names):
        # Paper is white: averaging over boxes keeps thin lines, where picking pixels would break them.
        picture = Image.open(BytesIO(archive.read(name))).convert("L")
        small = picture.resize((side, side), Image.Resampling.BOX)
        drawings[number, 0] = 1 - np.asarray(small, dtype=np.float32) / 255
        if number % 500 == 0:
            told(number)
    labels = torch.tensor([label[_character(name)] for name in names])
    return Characters(drawings=torch.from_numpy(drawings), labels=labels, names=tuple(characters))


def _character(name: str) -> str:
    """``Greek/character01`` of ``images_background/Greek/character01/0001_01.png``."""
    return "/".join(name.split("/")[-3:-1])

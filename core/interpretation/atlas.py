"""The atlas of a network: what each of its channels and classes wants, made once, read here. Torch-free.

``tools/build_atlas.py`` writes one sheet of pictures a stage and ``index.json`` into ``atlas_data/NETWORK``. A stage
that it has not come to is not in the index. The pictures were optimised (`feature_visualisation`); all figures were
measured on Tiny ImageNet's validation photographs.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import errors

DATA = Path(__file__).with_name("atlas_data")
INDEX = "index.json"  # in a folder of the network's name
CLASSES = "classes"  # the stage of the head's outputs


@dataclass(frozen=True, kw_only=True)
class AtlasEntry:
    """One channel of a stage, or one class.

    ``value`` is how strongly the finished picture excites it (its mean over positions, its answer at the centre
    where the stage's ``aim`` says so, or the class's score), ``best_photograph`` the same for the best of
    the photographs. ``fires_for`` names the classes whose photographs excite it most, with their mean answers;
    ``selectivity`` is the best class's distance from the mean over classes in standard deviations over classes.
    ``speaks_for``: the classes with its largest head weights (last stage only). ``photographed``: whether the
    photographs show what it is named after, where it is a class.
    """

    stage: str
    number: int
    name: str
    value: float
    best_photograph: float
    fires_for: tuple[tuple[str, float], ...]
    selectivity: float
    speaks_for: tuple[tuple[str, float], ...]
    photographed: bool
    called: tuple[tuple[str, tuple[str, ...]], ...]  # the classes that find it, each with its other names

    @property
    def ratio(self) -> float | None:
        """How many times the best photograph's excitement the picture reaches; None where no photograph excites."""
        return self.value / self.best_photograph if self.best_photograph > 0 else None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The pictures of one stage: ``columns`` tiles of ``tile`` pixels a row; ``shows`` pixels of network input."""

    file: str
    columns: int
    tile: int
    shows: int
    aim: str
    count: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Atlas:
    """All entries with where their pictures stand. ``made`` says how, when and on what."""

    folder: Path
    network: str
    weights_sha256: str
    made: dict[str, Any]
    sheets: dict[str, Sheet]
    entries: dict[str, tuple[AtlasEntry, ...]]

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages from the input, `CLASSES` last."""
        return tuple(self.sheets)

    def tiles(self, stage: str) -> NDArray[np.uint8]:
        """Pictures of a stage (N, tile, tile, 3) uint8, in the order of its entries."""
        errors.one_of("stage", stage, self.sheets)
        sheet = self.sheets[stage]
        try:
            with Image.open(self.folder / sheet.file) as picture:
                pixels = np.asarray(picture.convert("RGB"))
        except OSError as error:
            raise errors.DataError(
                _missing(self.network, f"its sheet {sheet.file} cannot be read")
            ) from error
        rows = pixels.shape[0] // sheet.tile
        grid = pixels.reshape(rows, sheet.tile, sheet.columns, sheet.tile, 3).swapaxes(1, 2)
        return grid.reshape(-1, sheet.tile, sheet.tile, 3)[: sheet.count]

    def entry(self, stage: str, number: int) -> AtlasEntry:
        """Look up one entry; `SettingsError` for one that is not there."""
        errors.one_of("stage", stage, self.entries)
        errors.within(f"channel of {stage}", number, 0, len(self.entries[stage]) - 1)
        return self.entries[stage][number]

    def search(self, text: str) -> tuple[AtlasEntry, ...]:
        """Find entries: every word must fit. "layer4" is a stage, "17" a number, all else part of a class name.

        A channel fits a class name if it is among those that it fires for. Classes come first; of two, the one of
        which a word is a whole name ("car" also begins "carton"); channels that fire for it most come before others,
        the more selective first. An empty text finds everything.
        """
        words = re.findall(r"\w+", text.casefold())
        hits = [entry for stage in self.entries.values() for entry in stage if self._fits(entry, words)]
        names = [word for word in words if not word.isdecimal() and word not in self.entries]
        if names:
            hits.sort(
                key=lambda entry: (
                    entry.stage != CLASSES,
                    not _in_full(entry, names),
                    _rank(entry, names),
                    -entry.selectivity,
                )
            )
        return tuple(hits)

    def _fits(self, entry: AtlasEntry, words: list[str]) -> bool:
        for word in words:
            if word in self.entries:
                fits = entry.stage == word
            elif word.isdecimal():
                fits = entry.number == int(word)
            else:
                fits = any(_called(name, others, word) for name, others in entry.called)
            if not fits:
                return False
        return True


def _rank(entry: AtlasEntry, words: list[str]) -> int:
    """Place of the first class that one of the words names, among those that the entry fires for."""
    return next(
        place
        for place, (name, others) in enumerate(entry.called)
        if any(_called(name, others, word) for word in words)
    )


def _called(name: str, others: tuple[str, ...], word: str) -> bool:
    """Whether a word of one of a class's names begins so."""
    return any(re.search(rf"\b{re.escape(word)}", one.casefold()) for one in (name, *others))


def _in_full(entry: AtlasEntry, words: list[str]) -> bool:
    """Whether one of the words is a whole name of a class that finds the entry: "car", which also begins "carton"."""
    names = {one.casefold() for name, others in entry.called for one in (name, *others)}
    return not names.isdisjoint(words)


def load(network: str, root: Path = DATA) -> Atlas:
    """Read the atlas of ``network`` from its folder in ``root``; `DataError` where it is missing or damaged."""
    folder = root / network
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if index["network"] != network:
            raise errors.DataError(_missing(network, f"its folder holds that of {index['network']}"))
        return Atlas(
            folder=folder,
            network=network,
            weights_sha256=index["weights_sha256"],
            made=index["made"],
            sheets={
                stage: Sheet(**{key: rows["sheet"][key] for key in Sheet.__annotations__})
                for stage, rows in index["stages"].items()
            },
            entries={
                stage: tuple(_entry(stage, number, row, index) for number, row in enumerate(rows["rows"]))
                for stage, rows in index["stages"].items()
            },
        )
    except OSError as error:
        raise errors.DataError(
            f"{network} has no atlas in this copy of the lab; here, watch one picture form at a time."
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise errors.DataError(_missing(network, "its index is damaged")) from error


def _entry(stage: str, number: int, row: dict[str, Any], index: dict[str, Any]) -> AtlasEntry:
    names: list[str] = index["class_names"]
    labels = [number] if stage == CLASSES else [label for label, _ in row["fires_for"]]
    return AtlasEntry(
        stage=stage,
        number=number,
        name=names[number] if stage == CLASSES else f"{stage} · {number}",
        value=row["value"],
        best_photograph=row["best_photograph"],
        fires_for=tuple((names[label], value) for label, value in row["fires_for"]),
        selectivity=row["selectivity"],
        speaks_for=tuple((names[label], weight) for label, weight in row["speaks_for"]),
        photographed=stage != CLASSES or number in index["photographed"],
        called=tuple((names[label], tuple(index["also_called"][label])) for label in labels),
    )


def _missing(network: str, why: str) -> str:
    return (
        f"The atlas of {network} cannot be shown: {why}. Get a complete copy of the lab, or run "
        f"`python -m tools.build_atlas --backbone {network}`."
    )

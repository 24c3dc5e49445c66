"""General to specific as a whole: network, control and classical features on one data set; measured now, or shipped.

What ships was measured by ``tools/measure_specificity.py`` with what the view begins with, so that nobody waits there.
Torch-free until something is measured.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from core import codec
from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry
from core.events import Progress
from core.images.to_rgb import PictureReading
from core.interpretation.specificity_report import ClassicalReading, SpecificityReport

if TYPE_CHECKING:
    from core.datasets.dataset import ImageDataset
    from core.interpretation.specimen import Specimen

DATA = "everyday-patches"  # what is looked at unless somebody chooses
COUNTS = (150, 300, 600)  # of pictures, to choose from
# Multiply-adds of one forward pass of all pictures through both networks that begin without being asked for.
AT_ONCE = 3e11
FOLDER = Path(__file__).parent / "measured"
NETWORK_PART = 0.7  # of the whole; the rest are pixels, HOG and SIFT


@dataclass(frozen=True, kw_only=True)
class SpecificityQuestion:
    """What was measured on: at most ``most`` pictures of a data set, as the network of the catalogue sees them."""

    network: str
    data: str  # a name in `core.datasets.catalogue`
    most: int
    side: int  # pixels
    fit: str


@dataclass(frozen=True, kw_only=True, eq=False)
class SpecificityMeasurement:
    """What one measurement found, and what it was made on."""

    report: SpecificityReport
    classical: tuple[ClassicalReading, ...]
    available: int
    duplicates: int
    shipped: str = ""  # when and on what it was measured, where that was beforehand


def usual_count(entry: BackboneEntry) -> int:
    """Say how many pictures are looked at unless somebody chooses."""
    return COUNTS[1] if 2 * COUNTS[1] * entry.multiply_adds <= AT_ONCE else COUNTS[0]


def beginning(network: str) -> SpecificityQuestion:
    """Say what is measured of a network of the catalogue as long as nobody chooses otherwise: that ships."""
    entry = catalogue.entry(network)
    return SpecificityQuestion(
        network=network,
        data=DATA,
        most=usual_count(entry),
        side=entry.image_size,
        fit=PictureReading().fit,
    )


def measure(
    specimen: "Specimen", control: "Specimen", dataset: "ImageDataset", most: int
) -> Iterator[Progress | SpecificityMeasurement]:
    """Measure everything. Yields steps, at least twice a second but for forward passes, and last what was found.

    Raises `DataError` for fewer than two classes, or two pictures of one.
    """
    from core.interpretation import classical, specificity  # with PyTorch and scikit-image behind them

    sample = specificity.draw_sample(dataset, most)
    report: SpecificityReport | None = None
    for state in specificity.measure(specimen, control, sample):
        if isinstance(state, SpecificityReport):
            report = state
        else:
            yield Progress(done=NETWORK_PART * state.share, phase=state.phase)
    assert report is not None
    for step in classical.measure(sample.images, sample.labels):
        if isinstance(step, Progress):
            yield Progress(done=NETWORK_PART + (1 - NETWORK_PART) * step.share, phase=step.phase)
        else:
            yield SpecificityMeasurement(
                report=report, classical=step, available=sample.available, duplicates=sample.duplicates
            )


# --- what ships -----------------------------------------------------------------------------------------


def shipped(question: SpecificityQuestion) -> SpecificityMeasurement | None:
    """Look up what was measured beforehand for this very question; None where nothing was."""
    found = _read(question.network)
    return found[1] if found is not None and found[0] == question else None


def write(question: SpecificityQuestion, found: SpecificityMeasurement) -> None:
    """Ship ``found``: one question a network."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps({"question": codec.plain(question), "found": codec.plain(found)}, separators=(",", ":"))
    # No time inside: the same figures are the same file.
    _path(question.network).write_bytes(gzip.compress(text.encode(), mtime=0))
    _read.cache_clear()


@cache
def _read(network: str) -> tuple[SpecificityQuestion, SpecificityMeasurement] | None:
    path = _path(network)
    if not path.is_file():
        return None
    values = json.loads(gzip.decompress(path.read_bytes()))
    return (
        codec.read(SpecificityQuestion, values["question"]),
        codec.read(SpecificityMeasurement, values["found"]),
    )


def _path(network: str) -> Path:
    return FOLDER / f"specificity-{network}.json.gz"

"""What every experiment found with its defaults, measured beforehand by ``tools/measure_techniques.py``. Torch-free."""

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core import events
from core.techniques.events import EVENTS
from core.techniques.report import Report
from core.techniques.technique import Settings, Technique

FOLDER = Path(__file__).parent / "measured"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A finished experiment and where it comes from."""

    report: Report
    settings: Settings
    seconds: float
    provenance: dict[str, Any]  # date, processor, version of torch


@cache
def measured(technique: str) -> Measured | None:
    """Read what ships for a technique; None where nothing was measured, or with settings that are no more."""
    from core.techniques import catalogue

    path = FOLDER / f"{technique}.json.gz"
    if not path.is_file():
        return None
    values = json.loads(gzip.decompress(path.read_bytes()))
    entry = catalogue.technique(technique)
    if values["settings"] != entry.settings().to_json():
        return None  # the defaults have changed since
    return Measured(
        report=Report.of(entry, filter(None, (events.read(one, EVENTS) for one in values["events"]))),
        settings=entry.settings(**values["settings"]),
        seconds=values["seconds"],
        provenance=values["provenance"],
    )


def write(technique: Technique, told: list[dict[str, Any]], seconds: float, provenance: Any) -> None:
    """Ship what ``told`` says, as plain values, of a run with the defaults."""
    FOLDER.mkdir(exist_ok=True)
    values = {
        "settings": technique.settings().to_json(),
        "seconds": round(seconds, 1),
        "provenance": provenance,
        "events": told,
    }
    text = json.dumps(values, separators=(",", ":"))
    # No time inside: the same figures are the same file.
    (FOLDER / f"{technique.name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))

"""Options of the command line: one for every setting, and how JSON is written."""

import argparse
import dataclasses
import json
import types
import typing
from collections.abc import Iterator
from typing import Any

from core.datasets import noticed
from core.datasets.dataset import ImageDataset
from core.images.to_rgb import FITS
from core.jobs import artefacts
from core.training.config import FinetuneConfig
from core.training.events import Note
from core.training.sweep_config import SweepConfig

# Settings whose option is not simply their name.
_OPTIONS = {
    "freeze_depth": "--freeze",
    "learning_rate": "--lr",
    "cache": "--no-cache",
    "lp_ft": "--no-lp-ft",
}


def add_data(parser: argparse.ArgumentParser) -> None:
    """Let the data be chosen, and the output be JSON."""
    parser.add_argument(
        "--data", required=True, help="a data set's name, a ZIP of class folders, or a folder"
    )
    parser.add_argument(
        "--fit",
        choices=FITS,
        default="crop",
        help="how pictures become squares: crop cuts out the middle, pad puts grey bars beside the whole picture, "
        "squash makes it square; default: crop",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per event")


def notices(dataset: ImageDataset) -> Iterator[Note]:
    """Say what there is to say about a data set before anything is done with it."""
    for name, why in dataset.report.skipped:
        yield Note(message=f"Left out: {name}. {why}")
    for sentence in noticed.sentences(dataset.report, dataset.reading):
        yield Note(message=sentence)
    if noticed.cropped(dataset.report, dataset.reading):
        yield Note(message="The options for that are --fit pad and --fit squash.")


def add_settings(parser: argparse.ArgumentParser, settings: type[FinetuneConfig] | type[SweepConfig]) -> None:
    """Make an option of every field of ``settings``, with its own help text."""
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        option = _OPTIONS.get(field.name, "--" + field.name.replace("_", "-"))
        help_text = str(field.metadata["help"]).replace("%", "%%")
        if hints[field.name] is bool:
            action, words = (
                ("store_false", f"Do not: {help_text}") if field.default else ("store_true", help_text)
            )
            parser.add_argument(option, dest=field.name, action=action, help=words)
            continue
        parser.add_argument(
            option,
            dest=field.name,
            type=_number_or_text(hints[field.name]),
            default=field.default,
            help=help_text + ("" if field.default is None else f" Default: {field.default}."),
            metavar=field.name.split("_")[-1].upper(),
        )


def _number_or_text(hint: Any) -> type:
    """Read int from ``int | None``, float from ``float``, and str from a choice of words."""
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return next((kind for kind in (int, float) if kind in members), str)


def chosen_settings(chosen: argparse.Namespace, settings: type[Any]) -> dict[str, Any]:
    """Read the values of `add_settings` back."""
    return {field.name: getattr(chosen, field.name) for field in dataclasses.fields(settings)}


def json_line(values: Any) -> str:
    """Write plain values as strict JSON, on one line."""
    return json.dumps(artefacts.finite(values), ensure_ascii=False, allow_nan=False)

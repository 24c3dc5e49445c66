"""Options of the command line: one for every setting, and how JSON is written."""

import argparse
import json
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from core import errors
from core.backbones import catalogue as backbones
from core.images.to_rgb import FITS
from core.runs.files import artefacts
from core.settings import described
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig

Settings = TypeVar("Settings", FinetuneConfig, SweepConfig)

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


def add_settings(
    parser: argparse.ArgumentParser,
    settings: type[FinetuneConfig] | type[SweepConfig],
    only: Collection[str] | None = None,
) -> None:
    """Make an option of every field of ``settings``, or of those named, with its own help text."""
    for field in described(settings).values():
        if only is not None and field.name not in only:
            continue
        option = option_of(field.name)
        help_text = field.help.replace("%", "%%")
        if field.kind is bool:
            action, words = (
                ("store_false", f"Do not: {help_text}") if field.default else ("store_true", help_text)
            )
            parser.add_argument(option, dest=field.name, action=action, help=words)
            continue
        parser.add_argument(
            option,
            dest=field.name,
            type=field.kind,
            default=field.default,
            help=help_text + ("" if field.default is None else f" Default: {field.default}."),
            metavar=field.name.split("_")[-1].upper(),
        )


def option_of(setting: str) -> str:
    """Name the option of a setting as one types it."""
    return _OPTIONS.get(setting, "--" + setting.replace("_", "-"))


def path(text: str) -> Path:
    """Read a path, for argparse; an empty one would be the folder that one happens to be in."""
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError("it must name a file or a folder")
    return Path(text)


def chosen_settings(chosen: argparse.Namespace, settings: type[Settings]) -> Settings:
    """Read the values of `add_settings` back; `SettingsError` for what the network chosen cannot take."""
    values = {name: value for name, value in vars(chosen).items() if name in described(settings)}
    entry = backbones.entry(values["backbone"])
    if values.get("image_size") is not None:
        entry.check_size(values["image_size"])
    if values["weights"] != "pretrained":
        try:
            kind = path(values["weights"]).stat().st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                raise argparse.ArgumentTypeError("it is a device or a pipe")
        except (OSError, argparse.ArgumentTypeError) as error:
            why = getattr(error, "strerror", None) or error
            raise errors.OutOfRange(
                "weights", f"must be 'pretrained', or a file that can be read; {values['weights']!r}: {why}."
            ) from error
    return settings(**values)


def json_line(values: Any) -> str:
    """Write plain values as strict JSON, on one line, in ASCII: whatever the console's encoding, it can be read."""
    return json.dumps(artefacts.finite(values), allow_nan=False)

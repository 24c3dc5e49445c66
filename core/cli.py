"""The command line: list what there is, fine-tune, sweep over freeze depths; for teachers and for scripts.

Bad input is one sentence on standard error and exit status 2. With ``--json``, standard output carries one
JSON object a line and nothing else.
"""

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from core import errors
from core.backbones import catalogue as backbones
from core.commands import advise, backup, finetune, sweep, technique
from core.commands.options import json_line
from core.datasets import catalogue as datasets

BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells say it


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        sentence = message[0].upper() + message[1:]
        raise errors.SettingsError(f"{sentence}; see {self.prog} --help.")


def main(arguments: Sequence[str]) -> int:
    """Do what ``arguments`` say; returns the exit status."""
    try:
        chosen = _parser().parse_args(arguments)
        run: Callable[[argparse.Namespace], None] = chosen.run
        run(chosen)
    except errors.LabError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe had enough, as ``head`` has
        sys.stderr.close()
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m core", description="The Transfer Learning Lab without a browser.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, what in (
        ("backbones", _list_backbones, "list the pretrained networks"),
        ("datasets", _list_datasets, "list the data sets"),
        ("techniques", technique.list_all, "list the methods of the field"),
    ):
        listing = commands.add_parser(name, help=what, description=what)
        listing.add_argument("--json", action="store_true", help="one JSON list with every figure")
        listing.set_defaults(run=command)
    for name, room, what in (
        ("finetune", finetune, "transfer a network to a data set"),
        ("advise", advise, "say how deep to freeze, from a look at the pictures"),
        ("sweep", sweep, "measure every freeze depth of a network on a data set"),
        ("technique", technique, "run the experiment of one method"),
        ("backup", backup, "save the data directory in one archive, while the server runs"),
    ):
        parser_of_it = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        room.options(parser_of_it)
        parser_of_it.set_defaults(run=room.run)
    what = "unpack a backup into an empty data directory"
    restoring = commands.add_parser("restore", help=what, description=f"{what[0].upper()}{what[1:]}.")
    restoring.add_argument("file", metavar="FILE", type=Path, help="what `backup` has written")
    restoring.set_defaults(run=backup.restore)
    return parser


def _list_backbones(chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(json_line([dataclasses.asdict(entry) for entry in backbones.BACKBONES.values()]))
        return
    print(f"{'name':<20} {'parameters':>11} {'GMACs':>6} {'pixels':>6} {'top-1':>7}  stages")
    for entry in backbones.BACKBONES.values():
        accuracy = "" if entry.accuracy is None else f"{100 * entry.accuracy:.1f} %"
        print(
            f"{entry.name:<20} {entry.parameters / 1e6:>9.2f} M {entry.multiply_adds / 1e9:>6.2f}"
            f" {entry.image_size:>6} {accuracy:>7}  {' '.join(stage.name for stage in entry.stages)}"
        )


def _list_datasets(chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(json_line([dataclasses.asdict(entry) for entry in datasets.DATASETS.values()]))
        return
    print(f"{'name':<18} {'classes':>7} {'images':>7} {'download':>10}  what")
    for entry in datasets.DATASETS.values():
        size = f"{entry.download_bytes / 1e6:,.0f} MB" if entry.download_bytes else "built in"
        print(f"{entry.name:<18} {entry.classes:>7} {entry.images:>7,} {size:>10}  {entry.title}")

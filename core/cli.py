"""The command line: list what there is, fine-tune, sweep over freeze depths; for teachers and for scripts.

Whatever goes wrong is one sentence on standard error, and an exit status: 2 for bad input, 1 where the machine
refuses (a disk that is full, memory that runs out), 130 for Ctrl-C, 141 where the reader of standard output has gone.
With ``--json``, standard output carries one JSON object a line and nothing else.
"""

import argparse
import contextlib
import dataclasses
import errno
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from core import environment, errors
from core.backbones import catalogue as backbones
from core.backbones import timm_catalogue
from core.commands import advise, backup, finetune, sweep, technique
from core.commands.interrupts import INTERRUPTED
from core.commands.options import json_line, option_of, path
from core.commands.output import Output, ReaderGone
from core.commands.terminal import say
from core.datasets import catalogue as datasets
from core.words import megabytes, percent

REFUSED = 1
BAD_INPUT = 2
_OF_NAMES = (errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.ELOOP)
READER_GONE = 141  # 128 + SIGPIPE, as shells say it


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        sentence = message[0].upper() + message[1:].rstrip(".")
        raise errors.SettingsError(f"{sentence}; see {self.prog} --help.")


def main(arguments: Sequence[str]) -> int:
    """Do what ``arguments`` say; returns the exit status."""
    out = Output(sys.stdout)
    with contextlib.redirect_stdout(out):
        try:
            chosen = _chosen(arguments)
            out.lasting = getattr(chosen, "out", None) is not None
            status = _done(chosen)
            out.flush()
        except errors.SettingsError as error:  # of the arguments themselves
            say(str(error))
            return BAD_INPUT
        except KeyboardInterrupt:
            say("Stopped.")
            return INTERRUPTED
        except ReaderGone:
            return READER_GONE
        except SystemExit:  # after --help
            if out.broken is None:
                raise
            status = 0
    return REFUSED if out.broken and not status else status


def _chosen(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments; `SettingsError` says what is wrong with them."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    for name, value in vars(chosen).items():
        if value == [] and name != "set":  # what argparse makes of --option=--, for any option
            parser.error(f"argument {option_of(name)}: expected one argument")
    return chosen


def _done(chosen: argparse.Namespace) -> int:
    """Run the command, and say what went wrong; the exit status."""
    run: Callable[[argparse.Namespace], None] = chosen.run
    try:
        run(chosen)
    except errors.UnwrittenError as error:
        say(str(error))
        return REFUSED
    except errors.OutOfRange as error:
        name = error.setting.replace(" ", "_")
        say(f"{option_of(name) if name in vars(chosen) else error.setting} {error.says}")
        return BAD_INPUT
    except errors.LabError as error:
        say(str(error))
        return BAD_INPUT
    except OSError as error:
        say(f"{error.filename or 'This machine'}: {error.strerror or error}.")
        return BAD_INPUT if error.errno in _OF_NAMES else REFUSED
    except Exception as error:
        if errors.is_out_of_memory(error):
            say(errors.OUT_OF_MEMORY)
        else:
            if environment.LOG_LEVEL.text().upper() == "DEBUG":
                traceback.print_exc()
            say(
                f"This is a defect of the lab: {type(error).__name__}: {error}; TLL_LOG_LEVEL=DEBUG shows where."
            )
        return REFUSED
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
    restoring.add_argument("file", metavar="FILE", type=path, help="what `backup` has written")
    restoring.set_defaults(run=backup.restore)
    return parser


def _list_backbones(chosen: argparse.Namespace) -> None:
    if chosen.json:
        everything = (*backbones.BACKBONES.values(), *timm_catalogue.ENTRIES.values())
        print(json_line([dataclasses.asdict(entry) for entry in everything]))
        return
    _print_backbones(list(backbones.BACKBONES.values()), width=20)
    print("\nSome of timm's networks; any other name of timm's can stand behind timm: as well.\n")
    _print_backbones(list(timm_catalogue.ENTRIES.values()), width=max(map(len, timm_catalogue.ENTRIES)))


def _print_backbones(entries: list[backbones.BackboneEntry], width: int) -> None:
    print(f"{'name':<{width}} {'parameters':>11} {'GMACs':>6} {'pixels':>6} {'top-1':>7}  stages")
    for entry in entries:
        accuracy = "" if entry.accuracy is None else percent(entry.accuracy)
        print(
            f"{entry.name:<{width}} {entry.parameters / 1e6:>9.2f} M {entry.multiply_adds / 1e9:>6.2f}"
            f" {entry.image_size:>6} {accuracy:>7}  {' '.join(stage.name for stage in entry.stages)}"
        )


def _list_datasets(chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(json_line([dataclasses.asdict(entry) for entry in datasets.DATASETS.values()]))
        return
    print(f"{'name':<18} {'classes':>7} {'images':>7} {'download':>10}  what")
    for entry in datasets.DATASETS.values():
        size = megabytes(entry.download_bytes) if entry.download_bytes else "built in"
        print(f"{entry.name:<18} {entry.classes:>7} {entry.images:>7,} {size:>10}  {entry.title}")

"""``backup`` and ``restore``: the data directory as one archive."""

import argparse

from core.commands.options import path
from core.runs import backup as archives
from core.runs.home import home
from core.words import count, megabytes


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``backup``."""
    parser.add_argument("file", metavar="FILE", type=path, help="the archive to write, .tar or .tar.gz")


def run(chosen: argparse.Namespace) -> None:
    """Save the data directory; the server may go on meanwhile."""
    directory, target = home(), chosen.file.absolute()
    saved = archives.backup(directory, target)
    print(
        f"Saved {_said(saved)} of {directory} in {chosen.file} ({megabytes(target.stat().st_size)}).",
    )


def restore(chosen: argparse.Namespace) -> None:
    """Unpack a backup into an empty data directory."""
    directory = home()
    print(f"Restored {_said(archives.restore(chosen.file, directory))} into {directory}.")


def _said(contents: archives.Contents) -> str:
    runs, uploads = count(contents.runs, "run"), count(contents.uploads, "upload")
    return f"{runs} and {uploads} ({megabytes(contents.bytes)})"

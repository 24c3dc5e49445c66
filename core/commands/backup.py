"""``backup`` and ``restore``: the data directory as one archive."""

import argparse

from core.commands.options import path
from core.runs import backup as archives
from core.runs.home import home


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``backup``."""
    parser.add_argument("file", metavar="FILE", type=path, help="the archive to write, .tar or .tar.gz")


def run(chosen: argparse.Namespace) -> None:
    """Save the data directory; the server may go on meanwhile."""
    directory, target = home(), chosen.file.absolute()
    saved = archives.backup(directory, target)
    print(
        f"Saved {_said(saved)} of {directory} in {chosen.file} ({target.stat().st_size / 1e6:,.1f} MB).",
    )


def restore(chosen: argparse.Namespace) -> None:
    """Unpack a backup into an empty data directory."""
    directory = home()
    print(f"Restored {_said(archives.restore(chosen.file, directory))} into {directory}.")


def _said(contents: archives.Contents) -> str:
    runs = "1 run" if contents.runs == 1 else f"{contents.runs:,} runs"
    uploads = "1 upload" if contents.uploads == 1 else f"{contents.uploads:,} uploads"
    return f"{runs} and {uploads} ({contents.bytes / 1e6:,.1f} MB)"

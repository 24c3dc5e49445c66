"""The one data directory: the run store, every run's files, uploads and logs. Torch-free."""

import os
import re
from pathlib import Path

from core import environment, errors

APPLICATION = "transfer-learning-lab"
# What `secrets.token_urlsafe` draws from; anything else never becomes a path.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
_UNUSABLE = "The lab's data folder cannot be used ({}); tell whoever runs this lab."
_used: set[Path] = set()  # by this process


def home() -> Path:
    """Name the data directory: ``TLL_HOME`` where it is set, else the user's data directory. It is created.

    Once only: where it has vanished since, as a disk does that is no longer mounted, a new one in its place would take
    what belongs there. Raises `StoreError` then, and where it cannot be reached or made.
    """
    chosen = environment.HOME.text()
    if chosen:
        path = Path(chosen)
    else:
        import platformdirs  # only here, so that the engine runs where it is not installed

        path = Path(platformdirs.user_data_dir(APPLICATION))
    try:
        if path not in _used:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.scandir(path):  # somebody else's folder, or a file
            found = path.resolve()
    except OSError as error:
        raise errors.StoreError(unusable(error)) from error
    _used.add(path)
    return found


def unusable(error: OSError) -> str:
    """Say in one sentence, without the folder's name, why the data directory cannot be used."""
    return _UNUSABLE.format((error.strerror or type(error).__name__).lower())


def run_directory(home: Path, run: str) -> Path:
    """Name the folder of one run's files; a `RunError` for an id that cannot be one."""
    return home / "runs" / checked_token(run)


def upload_path(home: Path, token: str) -> Path:
    """Name the file of one upload; a `RunError` for a token that cannot be one."""
    return home / "uploads" / f"{checked_token(token)}.zip"


def checked_token(token: str) -> str:
    """Return ``token`` if it looks like one of ours: so that no text from outside walks through the disk."""
    if not _TOKEN.fullmatch(token):
        raise errors.RunError("There is no run or upload with this address.")
    return token

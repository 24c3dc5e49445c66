"""The folder that a result goes into: found out before anything is trained, left as it was where nothing came."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core import errors
from core.words import megabytes

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def ready(path: Path, *, overwrite: bool, needed: int) -> Iterator[None]:
    """Make the folder ``path`` where there is none, and see that files can be written into it: ``needed`` bytes.

    Folders made here that are still empty at the end go again. Raises `SettingsError` for a path that cannot be
    written to, for one that another run writes to just now, and, without ``overwrite``, for a folder that holds
    something.
    """
    made: list[Path] = []
    with contextlib.ExitStack() as stack:
        stack.callback(_remove_empty, made)
        free = _tried(path, overwrite, made, stack)
        if free < needed:
            raise errors.SettingsError(
                f"--out {path} has room for {megabytes(free)}, and the weights alone need {megabytes(needed)}; "
                "make room or name another folder."
            )
        yield


def _tried(path: Path, overwrite: bool, made: list[Path], stack: contextlib.ExitStack) -> int:
    """Make the folder, noting in ``made`` what is new, and write into it for a trial; the bytes that are free."""
    try:
        missing = [one for one in (path, *path.parents) if not os.path.lexists(one)]
        path.mkdir(parents=True, exist_ok=True)
        made.extend(missing)
        _take(path, stack)
        if not overwrite and any(path.iterdir()):
            raise errors.SettingsError(
                f"--out {path} is not empty, and nothing is overwritten unasked; name another folder, or add "
                "--overwrite to replace the files of an earlier run."
            )
        with tempfile.NamedTemporaryFile(dir=path, prefix=".trying-") as file:
            file.write(bytes(4096))
            file.flush()
        return shutil.disk_usage(path).free
    except FileExistsError as error:
        raise errors.SettingsError(f"--out {path} is no folder; name a new or an empty one.") from error
    except OSError as error:
        raise errors.SettingsError(
            f"--out {path} cannot be written to: {error.strerror or error}; name another folder."
        ) from error


def _take(path: Path, stack: contextlib.ExitStack) -> None:
    """Hold the folder until ``stack`` ends: a second run would find it empty, and replace the first one's files."""
    if fcntl is None:  # Windows
        return
    number = os.open(path, os.O_RDONLY)
    stack.callback(os.close, number)  # which also lets go, as the death of this process does
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise errors.SettingsError(
            f"--out {path} is where another run writes to just now; name another folder."
        ) from error
    except OSError:
        pass  # a file system without locks


def _remove_empty(made: list[Path]) -> None:
    """Remove the folders ``made``, the innermost first."""
    for one in made:
        with contextlib.suppress(OSError):  # it holds something: the result
            one.rmdir()

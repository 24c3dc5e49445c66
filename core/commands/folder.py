"""The folder that a result goes into: found out before anything is trained, left as it was where nothing came."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core import errors


@contextlib.contextmanager
def ready(path: Path, *, overwrite: bool, needed: int) -> Iterator[None]:
    """Make the folder ``path`` where there is none, and see that files can be written into it: ``needed`` bytes.

    A folder made here that is still empty at the end goes again. Raises `SettingsError` for a path that cannot be
    written to, and, without ``overwrite``, for a folder that holds something.
    """
    made = False
    try:
        made = not path.exists()
        path.mkdir(parents=True, exist_ok=True)
        if not overwrite and any(path.iterdir()):
            raise errors.SettingsError(
                f"--out {path} is not empty, and nothing is overwritten unasked; name another folder, or add "
                "--overwrite to replace the files of an earlier run."
            )
        with tempfile.NamedTemporaryFile(dir=path, prefix=".trying-") as file:
            file.write(bytes(4096))
            file.flush()
        free = shutil.disk_usage(path).free
    except FileExistsError as error:
        raise errors.SettingsError(f"--out {path} is no folder; name a new or an empty one.") from error
    except OSError as error:
        raise errors.SettingsError(
            f"--out {path} cannot be written to: {error.strerror or error}; name another folder."
        ) from error
    try:
        if free < needed:
            raise errors.SettingsError(
                f"--out {path} has room for {free / 1e6:,.0f} MB, and the weights alone need {needed / 1e6:,.0f} MB; "
                "make room or name another folder."
            )
        yield
    finally:
        if made:
            with contextlib.suppress(OSError):  # it holds something: the result
                path.rmdir()

"""The files of a folder on this machine, at any depth; nothing is followed, opened or waited for."""

import os
from dataclasses import dataclass
from pathlib import Path

from core.datasets import member_names
from core.errors import DataError
from core.images.decoding import ReadingLimits

NO_FILE = "It is no file (a named pipe, a socket or a device)."


@dataclass(frozen=True, kw_only=True)
class FolderFiles:
    """``files`` maps each file's place on disk to its readable path below the folder, "/"-separated, in order.

    ``skipped`` are (path, one sentence); ``remark`` says how names were read that are not in UTF-8.
    """

    files: dict[bytes, str]
    skipped: tuple[tuple[str, str], ...]
    remark: str


def walk(root: Path, limits: ReadingLimits) -> FolderFiles:
    """List the folder. Raises `DataError` for a folder in it that cannot be read, and for too many files."""
    # Bytes: names on disk need not be UTF-8, and what stands for other bytes would vanish from class names.
    base = os.fsencode(root)
    files: list[bytes] = []
    skipped: list[tuple[bytes, str]] = []
    waiting = [b""]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(os.path.join(base, place)) as entries:
                for entry in entries:
                    path = os.path.join(place, entry.name)
                    if entry.is_symlink():
                        skipped.append((path, "It is a link; put the file itself here."))
                    elif entry.is_dir():
                        waiting.append(path)
                    elif entry.is_file():
                        files.append(path)
                    else:
                        skipped.append((path, NO_FILE))
                    if len(files) > limits.max_entries:
                        raise DataError(
                            f"The folder has more than {limits.max_entries:,} files; keep fewer pictures."
                        )
        except OSError as error:
            where = os.path.join(base, place).decode("utf-8", "replace")
            raise DataError(
                f"The folder {where} cannot be read ({error.strerror or error}), so its pictures would be missing; "
                "let it be read, or move it elsewhere."
            ) from error
    names = {path: path.replace(os.fsencode(os.sep), b"/") for path in (*files, *(one for one, _ in skipped))}
    texts, remark = member_names.decode(names.values())
    readable = {path: texts[name] for path, name in names.items()}
    return FolderFiles(
        files={
            os.path.join(base, path): readable[path]
            for path in sorted(files, key=lambda path: readable[path])
        },
        skipped=tuple(sorted((readable[path], why) for path, why in skipped)),
        remark=remark,
    )

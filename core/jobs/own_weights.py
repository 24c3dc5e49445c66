"""Visitors' own weights files: checked against the network they are meant for, then kept under their hash."""

import hashlib
import os
import shutil
from pathlib import Path

from core import errors
from core.jobs import artefacts, uploads
from core.jobs.home import home

MAX_BYTES = 700_000_000  # the largest of the catalogue, vgg16, has 528 MiB


def store(backbone: str, file_name: str, content: bytes) -> str:
    """Keep a ``.safetensors`` or ``.pth`` file for ``backbone``; returns what `FinetuneConfig.weights` takes.

    The file is read once into that network, so that a wrong shape or a pickle that would run code is refused
    here, in one sentence (`WeightsError`), and not after a wait in the queue.
    """
    from core.backbones import stages, weights

    suffix = Path(file_name).suffix.lower()
    if suffix not in weights.SAFETENSORS + weights.PICKLES:
        raise errors.WeightsError("Choose a .safetensors or a .pth file.")
    if len(content) > MAX_BYTES:
        raise errors.WeightsError(
            f"The file has {len(content) / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:,.0f} MB can be used."
        )
    folder = home() / "weights" / hashlib.sha256(content).hexdigest()[:32]
    path = folder / f"weights{suffix}"
    fresh = not path.exists()
    if fresh:
        if shutil.disk_usage(home()).free - len(content) < uploads.DISK_RESERVE:
            raise errors.WeightsError(uploads.DISK_FULL)
        artefacts.write_atomically(path, lambda file: file.write(content))
    else:
        os.utime(path)  # its days count anew (`housekeeping`)
    try:
        weights.load_pretrained(stages.build(backbone), path)
    except errors.WeightsError as error:
        if fresh:
            path.unlink()
            folder.rmdir()
        # The visitor knows the file by its own name.
        raise errors.WeightsError(str(error).replace(path.name, Path(file_name).name)) from error
    return str(path)

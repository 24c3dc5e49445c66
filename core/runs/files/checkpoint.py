"""A run's checkpoint on disk: all that it needs to go on, sealed against a disk that returns what nobody wrote."""

import io
import logging
from pathlib import Path
from typing import Any

from core.events import CheckpointReady
from core.runs.files import artefacts

_log = logging.getLogger(__name__)


def write(directory: Path, event: CheckpointReady) -> None:
    """Write a checkpoint in the place of the one before, whole or not at all."""
    import torch

    content = {"epoch": event.epoch, "state": event.state}
    artefacts.write_sealed(directory / artefacts.CHECKPOINT, lambda file: torch.save(content, file))


def read(directory: Path) -> tuple[int, dict[str, Any]] | None:
    """Read (epoch, state) of a run's checkpoint; None if there is none, or none that can be read."""
    path = directory / artefacts.CHECKPOINT
    if not path.exists():
        return None
    import torch

    try:
        whole = io.BytesIO(artefacts.read_sealed(path))
        content = torch.load(whole, map_location="cpu", weights_only=True)
        return int(content["epoch"]), dict(content["state"])
    except Exception:  # whatever is wrong with the file, the run can begin anew
        _log.exception("The checkpoint %s cannot be read; the run begins anew.", path)
        return None

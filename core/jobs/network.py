"""The network that a finished run left behind: rebuilt, and asked about new pictures."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core import errors
from core.jobs import artefacts
from core.jobs.result import RunResult

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone

KEPT = 4  # networks in memory at a time, the least recently asked one goes first


def load(directory: Path, result: RunResult) -> "Backbone":
    """Rebuild a finished run's network from its weights file, in eval mode on the CPU; yours to change."""
    from safetensors.torch import load_file

    from core.backbones import stages

    config = result.config
    backbone = stages.build(config["backbone"])
    stages.new_head(
        backbone,
        len(result.class_names),
        kind=config["head"],
        width=config["head_width"],
        dropout=config["head_dropout"],
        seed=0,
    )
    path = directory / artefacts.WEIGHTS
    if not path.exists():
        raise errors.RunError("The weights of this run are no longer stored here.")
    names = stages.original_names(config["backbone"])
    state = {names.get(name, name): tensor for name, tensor in load_file(path).items()}
    backbone.load_state_dict(state)
    return backbone.eval()


class Networks:
    """A few finished networks kept ready; one question at a time, since a forward pass uses every core."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._networks: OrderedDict[tuple[Path, float], Backbone] = OrderedDict()

    def probabilities(self, directory: Path, result: RunResult, content: bytes) -> NDArray[np.float32]:
        """Ask about one picture (its file's bytes): softmax probabilities (C,) float32, in class order."""
        import torch

        from core.backbones import catalogue
        from core.images.decoding import decode
        from core.images.normalisation import Normalisation

        pixels, _ = decode(content, int(result.config["image_size"]))  # (side, side, 3)
        entry = catalogue.entry(result.config["backbone"])
        normalisation = Normalisation(mean=entry.mean, std=entry.std, source=entry.normalisation_source)
        with self._lock, torch.inference_mode():
            images = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]  # (1, 3, side, side)
            scores = self._network(directory, result)(normalisation.apply(images))  # (1, C)
            found: NDArray[np.float32] = scores.float().softmax(dim=1)[0].numpy()
        return found

    def _network(self, directory: Path, result: RunResult) -> "Backbone":
        written = (directory / artefacts.WEIGHTS).stat().st_mtime
        key = (directory, written)  # an extended run has new weights
        if key not in self._networks:
            self._networks[key] = load(directory, result)
            while len(self._networks) > self._kept:
                self._networks.popitem(last=False)
        self._networks.move_to_end(key)
        return self._networks[key]

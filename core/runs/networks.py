"""The network of a finished run: rebuilt as it was before, after an epoch or at its end, and asked about pictures."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core import errors
from core.runs.files import artefacts, snapshots
from core.runs.kinds.finetuning_result import RunResult

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


def before(result: RunResult) -> "Backbone":
    """Rebuild the network that a run started from, its new head still untrained, in eval mode on the CPU.

    Raises `WeightsError` and `DownloadError` where the pretrained weights are not here, and `RunError` where they
    are other ones: every stage's hash must be the one that the run's audit recorded.
    """
    from core.backbones import stages
    from core.freezing import audit
    from core.training import strategies
    from core.training.config import FinetuneConfig

    config = FinetuneConfig.from_json(result.config)
    backbone = strategies.start(config, None)
    stages.new_head(
        backbone,
        len(result.class_names),
        kind=config.head,
        width=config.head_width,
        dropout=config.head_dropout,
        seed=config.seed,
    )
    found = {one.stage: one.fingerprint.combined for one in audit.snapshot(backbone, copy=False)}
    if found != {one.stage: one.sha256_before for one in result.audit}:
        raise errors.RunError(
            "The pretrained weights here are no longer those that this run started from, so its before cannot be "
            "shown; start it anew to compare."
        )
    return backbone.eval()


def at(directory: Path, result: RunResult, epoch: int | None) -> "Backbone":
    """Rebuild the network after ``epoch``: 0 is `before`, None or the best epoch is the result, to the bit.

    Other epochs come from `snapshots`, at their precision. Raises `RunError` where the epoch is not kept.
    """
    if epoch is None or epoch == result.best_epoch:
        return load(directory, result)
    if epoch == 0:
        return before(result)
    state = snapshots.read(directory, epoch)
    backbone = before(result)
    shapes = {name: tensor.shape for name, tensor in backbone.state_dict().items()}
    if not state or any(shapes.get(name) != tensor.shape for name, tensor in state.items()):
        raise snapshots.damaged(epoch)
    backbone.load_state_dict(state, strict=False)
    return backbone


class Networks:
    """A few finished networks kept ready; one question at a time, since a forward pass uses every core."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._networks: OrderedDict[tuple[Path, float], Backbone] = OrderedDict()

    def probabilities(self, directory: Path, result: RunResult, content: bytes) -> NDArray[np.float32]:
        """Ask about one picture (its file's bytes): softmax probabilities (C,) float32, in class order."""
        import torch

        from core.backbones import stages
        from core.images.decoding import decode

        side = int(result.config["image_size"])
        pixels, _ = decode(content, side, reading=result.rule)  # (side, side, 3)
        normalisation = stages.normalisation(result.config["backbone"])
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

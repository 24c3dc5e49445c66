"""What the source task's images look like from behind each stage, for networks where somebody measured it."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.metrics.frechet import ChannelSpread


def spreads(backbone: Backbone, side: int) -> dict[str, ChannelSpread] | None:
    """Mean and deviation of pooled features over images of the source task, by stage; None where nobody measured them.

    They hold for the very weights and image sides that they were measured with, so both are compared.
    """
    if side not in _sides(backbone.name) or not _as_shipped(backbone):
        return None
    return _read(backbone.name, side)


def path_of(network: str) -> Path:
    """Where the figures of ``network`` stand, if there are any; `tools/source_statistics.py` writes them."""
    return catalogue.built_in(f"{network}.source.safetensors")


@cache
def _read(network: str, side: int) -> dict[str, ChannelSpread]:
    with safe_open(path_of(network), framework="np") as file:
        return {
            stage.name: ChannelSpread(
                mean=file.get_tensor(f"{side}.{stage.name}.mean").astype(np.float64),
                deviation=file.get_tensor(f"{side}.{stage.name}.deviation").astype(np.float64),
            )
            for stage in catalogue.entry(network).stages
        }


@cache
def _sides(network: str) -> tuple[int, ...]:
    if not path_of(network).is_file():
        return ()
    with safe_open(path_of(network), framework="np") as file:
        return tuple(json.loads(file.metadata()["image_sizes"]))


def _as_shipped(backbone: Backbone) -> bool:
    """Tell whether every stage holds the weights that ship with the lab."""
    shipped = weights.pretrained(backbone.name)
    own = backbone.state_dict()
    return all(
        theirs in shipped and torch.equal(own[ours].detach().cpu(), shipped[theirs].to(own[ours].dtype))
        for theirs, ours in stages.original_names(backbone.name).items()
        if ours.startswith("stages.") and not ours.endswith(catalogue.COUNTER)
    )

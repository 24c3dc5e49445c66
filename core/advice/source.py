"""What the source task's images look like from behind each stage, for networks that come with it."""

from functools import cache

import numpy as np
import torch
from safetensors import safe_open

from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.metrics.frechet import ChannelSpread

FILE = "source_statistics.safetensors"


def spreads(backbone: Backbone, side: int) -> dict[str, ChannelSpread] | None:
    """Mean and deviation of pooled features over images of the source task, by stage; None where nobody measured them.

    They hold for the very weights and image side that they were measured with, so both are compared.
    """
    if backbone.name != catalogue.BUILT_IN or side != _side() or not _as_shipped(backbone):
        return None
    return _read()


@cache
def _read() -> dict[str, ChannelSpread]:
    with safe_open(catalogue.built_in(FILE), framework="np") as file:
        return {
            stage.name: ChannelSpread(
                mean=file.get_tensor(f"{stage.name}.mean").astype(np.float64),
                deviation=np.sqrt(np.diag(file.get_tensor(f"{stage.name}.covariance")).astype(np.float64)),
            )
            for stage in catalogue.entry(catalogue.BUILT_IN).stages
        }


@cache
def _side() -> int:
    with safe_open(catalogue.built_in(FILE), framework="np") as file:
        return int(file.metadata()["image_size"])


def _as_shipped(backbone: Backbone) -> bool:
    """Tell whether every stage holds the weights that ship with the lab."""
    shipped = weights.pretrained(backbone.name)
    own = backbone.state_dict()
    return all(
        theirs in shipped and torch.equal(own[ours].detach().cpu(), shipped[theirs].to(own[ours].dtype))
        for theirs, ours in stages.original_names(backbone.name).items()
        if ours.startswith("stages.") and not ours.endswith(catalogue.COUNTER)
    )

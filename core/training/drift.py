"""How far the stages moved, seen from their features: linear CKA on validation images, before against after."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from core.backbones.backbone import Backbone
from core.metrics.similarity import linear_cka, pool
from core.training import precision
from core.training.memory import MicroBatch
from core.training.views import Views

IMAGES = 200  # enough for two decimals, cheap enough for every run

PooledFeatures = dict[str, NDArray[np.float32]]


def sample(images: int) -> torch.Tensor:
    """Numbers of at most `IMAGES` of ``images`` validation images, evenly spread, since they are sorted by class."""
    return torch.linspace(0, images - 1, min(images, IMAGES)).round().long()


def pooled_features(backbone: Backbone, views: Views, *, first: int, micro: MicroBatch) -> PooledFeatures:
    """Pooled features (N, channels) of the plain images after each stage from number ``first`` on, by its name."""
    found: dict[str, list[NDArray[np.float32]]] = {stage.name: [] for stage in backbone.table[first:]}
    backbone.eval()
    numbers = sample(len(views))

    def read(size: int) -> None:
        for parts in found.values():
            parts.clear()
        with torch.inference_mode(), precision.autocast(views.device):
            for some in numbers.split(size):  # type: ignore[no-untyped-call]
                features = backbone.run_stages(views.batch(some, 0), stop=first)
                for stage in backbone.table[first:]:
                    features = stage.module(features)
                    found[stage.name].append(pool(features.float(), stage.channels).cpu().numpy())

    if found:
        micro.attempt(read, views.device)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def cka(backbone: Backbone, before: PooledFeatures, after: PooledFeatures) -> Mapping[str, float]:
    """Linear CKA by stage; a stage that was not asked for never moved, nor did those before it: exactly 1.

    Left out are stages whose features do not vary, and all where there are fewer than two images.
    """
    result = {}
    for stage in backbone.table:
        if stage.name not in before:
            result[stage.name] = 1.0
        elif len(before[stage.name]) > 1:
            value = linear_cka(before[stage.name], after[stage.name])
            if value is not None:
                result[stage.name] = value
    return result

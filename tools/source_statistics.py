"""What a network's source images look like from behind each stage: mean and deviation of every channel.

The images are Tiny ImageNet's training images, enlarged where the network sees larger ones; only figures are kept.
"""

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from core.backbones import stages
from core.backbones.backbone import Backbone
from core.images import augmentation
from core.metrics.similarity import pooled_features
from core.training import precision

AT_ONCE = 250


def drawn(count: int, sample: int, seed: int) -> NDArray[np.int64]:
    """Which ``sample`` of ``count`` images are looked at, in their order."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:sample])


def measure(
    backbone: Backbone, images: NDArray[np.uint8], *, side: int, device: torch.device
) -> dict[str, Tensor]:
    """Mean and deviation (C,) of every stage's pooled features over images (N, S, S, 3) uint8 at ``side`` pixels."""
    scaled = stages.normalisation(backbone.name)

    def batch(start: int) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + AT_ONCE])).permute(0, 3, 1, 2)
        return augmentation.resize(scaled.apply(pixels.to(device)), side)

    with precision.autocast(device):
        features = pooled_features(backbone, (batch(start) for start in range(0, len(images), AT_ONCE)))
    statistics = {}
    for stage, values in features.items():
        rows = values.astype(np.float64)  # (N, C)
        statistics[f"{stage}.mean"] = torch.from_numpy(rows.mean(axis=0)).float()
        statistics[f"{stage}.deviation"] = torch.from_numpy(rows.std(axis=0, ddof=1)).float()
    return statistics


def write(
    path: Path,
    backbone: Backbone,
    images: NDArray[np.uint8],
    *,
    sides: tuple[int, ...],
    weights_sha256: str,
    seed: int,
    device: torch.device,
) -> None:
    """Measure at every side and write all of it to ``path``, each side's tensors behind its number."""
    statistics = {
        f"{side}.{name}": tensor
        for side in sides
        for name, tensor in measure(backbone, images, side=side, device=device).items()
    }
    save_file(
        statistics,
        path,
        metadata={
            "format": "pt",
            "network": backbone.name,
            "weights_sha256": weights_sha256,
            "images": str(len(images)),
            "image_sizes": json.dumps(sides),
            "seed": str(seed),
            "what": "mean and deviation of globally average-pooled features after each stage, whole images",
        },
    )
    path.chmod(0o644)  # safetensors writes for its owner alone

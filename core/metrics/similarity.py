"""How alike two sets of features are: linear CKA, and the pooled features that it is computed on."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from core.backbones.backbone import Backbone


def _cross(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """||x^T y||_F^2 of centred (N, D) and (N, E), by whichever product is smaller."""
    if x.shape[1] * y.shape[1] <= len(x) ** 2:
        return float(np.square(x.T @ y).sum())
    return float(((x @ x.T) * (y @ y.T)).sum())


def _unbiased(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Unbiased HSIC of linear kernels, up to a constant factor: Song et al. 2012 (JMLR 13:1393), eq. 5."""
    n = len(x)
    k, m = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0.0)
    np.fill_diagonal(m, 0.0)
    rows_k, rows_m = k.sum(axis=1), m.sum(axis=1)
    return float(
        (k * m).sum() + rows_k.sum() * rows_m.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (rows_k @ rows_m)
    )


def linear_cka(x: ArrayLike, y: ArrayLike, *, debiased: bool = False) -> float | None:
    """Linear centred kernel alignment of features ``x`` (N, D) and ``y`` (N, E) of the same N images.

    1: the same up to rotation, shift and scale; 0: nothing in common. Kornblith et al. 2019 (arXiv
    1905.00414), eq. 8 with centred columns. With fewer images than features it is too high even for
    unrelated features; ``debiased`` corrects that (Nguyen et al. 2021, arXiv 2010.15327), needs four
    images, and can fall a little below 0. None where either side does not vary, since nothing can be said then.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b):
        raise ValueError(f"features of the same images are needed, not {a.shape} and {b.shape}")
    if len(a) < (4 if debiased else 2):
        raise ValueError(f"{len(a)} images are too few for CKA")
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    measure = _unbiased if debiased else _cross
    own_a, own_b = measure(a, a), measure(b, b)
    if min(own_a, own_b) <= 0:
        return None
    value = measure(a, b) / np.sqrt(own_a * own_b)
    return float(value) if debiased else float(np.clip(value, 0.0, 1.0))


def pool(features: Tensor, channels: int) -> Tensor:
    """Mean over positions: maps (B, C, H, W) or (B, H, W, C), tokens (B, T, C), vectors (B, C) -> (B, C)."""
    if features.ndim == 4 and features.shape[1] == channels:
        return features.mean(dim=(2, 3))
    if features.shape[-1] != channels:
        raise ValueError(f"no axis of {tuple(features.shape)} holds {channels} channels")
    return features.flatten(1, -2).mean(dim=1) if features.ndim > 2 else features


def pooled_features(backbone: Backbone, batches: Iterable[Tensor]) -> dict[str, NDArray[np.float32]]:
    """Pooled features (N, channels) after every stage, by its name, of normalised image batches (B, 3, H, W).

    Runs in eval mode without gradients, and leaves every module's mode as it was.
    """
    modes = [(module, module.training) for module in backbone.modules()]
    device = next(backbone.parameters()).device
    collected: dict[str, list[NDArray[np.float32]]] = {stage.name: [] for stage in backbone.table}
    backbone.eval()
    try:
        with torch.inference_mode():
            for batch in batches:
                features = batch.to(device)
                for stage in backbone.table:
                    features = stage.module(features)
                    collected[stage.name].append(pool(features.float(), stage.channels).cpu().numpy())
    finally:
        for module, training in modes:
            module.training = training
    return {name: np.concatenate(parts) for name, parts in collected.items() if parts}


def stage_cka(
    before: Mapping[str, NDArray[np.float32]], after: Mapping[str, NDArray[np.float32]]
) -> dict[str, float | None]:
    """Linear CKA by stage of two answers of `pooled_features` on the same images."""
    return {name: linear_cka(before[name], after[name]) for name in before if name in after}

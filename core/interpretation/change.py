"""What differs between two networks of one architecture: before and after training, stage by stage.

Weights, features, single channels and first kernels. Stages that did not change come out exactly identical: a
difference of 0 and a CKA of 1, not almost so.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.arrays import Maps, Pixels
from core.freezing.audit import relative_change
from core.interpretation import rendering
from core.interpretation.change_report import StageChange
from core.interpretation.rendering import Map
from core.interpretation.specimen import Specimen, batch_size
from core.metrics.similarity import linear_cka, pooled_features

FEWEST_PICTURES = 4  # that a debiased CKA needs

FeaturesByStage = Mapping[str, NDArray[np.float32]]


def features(specimen: Specimen, pictures: Pixels) -> FeaturesByStage:
    """Pooled features (N, channels) of pictures (N, S, S, 3) uint8 after every stage, by its name."""
    return pooled_features(specimen.backbone, _batches(specimen, pictures))


def stage_changes(
    before: Specimen, now: Specimen, measured: tuple[FeaturesByStage, FeaturesByStage] | None = None
) -> tuple[StageChange, ...]:
    """How far every stage moved: in its weights, and in what it sees where ``measured`` features are given.

    ``measured`` are the `features` of both networks on the same pictures. CKA is debiased (Nguyen et al. 2021,
    arXiv 2010.15327), since pictures are fewer than channels, and exactly 1 where features are equal.
    """
    changes = []
    for old, new in zip(before.backbone.table, now.backbone.table, strict=True):
        ours, theirs = old.module.state_dict(), new.module.state_dict()
        changes.append(
            StageChange(
                stage=old.name,
                identical=all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items()),
                relative_change=relative_change(_parameters(old.module), _parameters(new.module)),
                cka=None if measured is None else _cka(measured[0][old.name], measured[1][old.name]),
            )
        )
    return tuple(changes)


def channel_changes(before: Maps, now: Maps) -> NDArray[np.float64]:
    """How much each channel's map of a picture changed, from maps (C, h, w) of the same stage: (C,).

    Length of the difference in units of a typical channel's whole answer before (root mean square over channels).
    """
    then, after = before.astype(np.float64), now.astype(np.float64)
    typical = float(np.sqrt(np.square(then).sum(axis=(1, 2)).mean()))
    lengths: NDArray[np.float64] = np.sqrt(np.square(after - then).sum(axis=(1, 2)))
    return lengths / typical if typical > 0 else np.where(lengths > 0, np.inf, 0.0)


def map_pictures(before: Map, now: Map, picture: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """Draw a channel's map (h, w) before and now on one scale, and their difference over the picture (S, S, 3).

    Gold: it answers more than before; violet: less. Without a difference the third is the bare, greyed picture.
    """
    low = float(min(before.min(), now.min()))
    span = float(max(before.max(), now.max())) - low
    side = picture.shape[0]
    drawn = [
        rendering.ramp(rendering.resized((one - low) / (span or 1.0), side, smooth=False))
        for one in (before, now)
    ]
    return drawn[0], drawn[1], rendering.overlay(picture, now - before, smooth=False)


def kernel_sheets(
    before: NDArray[np.floating], now: NDArray[np.floating], *, side: int = 40
) -> tuple[Pixels, Pixels, Pixels, float]:
    """Three contact sheets of `filters.kernels` (N, k, k, 3): before, now, and their difference; grey is 0.

    Each kernel has the same scale before and now; all differences share one, and are shown as many times stronger
    than a typical kernel as the last value says (0: nothing differs).
    """
    most = np.abs(np.stack([before, now])).max(axis=(0, 2, 3, 4))[:, None, None, None]  # (N, 1, 1, 1)
    scale = np.where(most > 0, most, 1.0)
    difference = now - before
    largest = float(np.abs(difference).max(initial=0.0))
    stronger = float(np.median(most)) / largest if largest > 0 else 0.0
    tiles = (before / scale, now / scale, difference / (largest or 1.0))
    sheets = [rendering.contact_sheet(_tiles(one, side), gap=2) for one in tiles]
    return sheets[0], sheets[1], sheets[2], stronger


def _tiles(values: NDArray[np.floating], side: int) -> Pixels:
    """Kernels (N, k, k, 3) with values -1 … 1 as tiles (N, side', side', 3), pixels enlarged evenly; 0 is grey."""
    times = max(1, round(side / values.shape[1]))
    coloured = (127.5 * (1 + np.clip(values, -1, 1))).round().astype(np.uint8)
    enlarged: Pixels = coloured.repeat(times, axis=1).repeat(times, axis=2)
    return enlarged


def _parameters(module: nn.Module) -> dict[str, Tensor]:
    return dict(module.named_parameters())


def _cka(before: NDArray[np.float32], now: NDArray[np.float32]) -> float | None:
    if len(before) < FEWEST_PICTURES:
        return None
    value = linear_cka(before, now, debiased=True)
    return 1.0 if value is not None and np.array_equal(before, now) else value


def _batches(specimen: Specimen, pictures: Pixels) -> Iterator[Tensor]:
    at_once = batch_size(pictures.shape[1])
    for start in range(0, len(pictures), at_once):
        yield specimen.input(pictures[start : start + at_once])

"""The channels that stand out on a picture: which answer more strongly than they usually do, where, and to how much."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.arrays import Pixels
from core.images.samples import Box
from core.interpretation import rendering
from core.interpretation.exemplars import Bank, Exemplars, patch
from core.interpretation.receptive_field import WHOLE, effective_boxes
from core.interpretation.specimen import Specimen, activations

_TALL, _GAP = 300, 6  # pixels of a card


@dataclass(frozen=True, kw_only=True, eq=False)
class Standout:
    """One channel: its map (h, w), and how unusual its largest value is.

    ``unusual`` is the number of standard deviations above its mean largest value on the sample photographs.
    ``box`` holds 90 % of what moves that largest value on this picture (the effective receptive field).
    """

    channel: int
    unusual: float
    values: NDArray[np.float32]
    box: Box


def standouts(
    specimen: Specimen, picture: Pixels, stage: str, usual: Exemplars, count: int = 3
) -> tuple[Standout, ...]:
    """Find the ``count`` channels of ``stage`` whose answer to ``picture`` (S, S, 3) is most unusual for them.

    By raw size the same few loud channels would win on every picture. Channels that never vary cannot stand out.
    """
    maps = activations(specimen, picture, stage)[0]  # (C, h, w)
    spread = usual.highest.std(axis=0)  # (C,)
    above = maps.max(axis=(1, 2)) - usual.highest.mean(axis=0)
    unusual = np.where(spread > 1e-6, above / np.maximum(spread, 1e-6), -np.inf)
    best = [int(channel) for channel in np.argsort(-unusual, kind="stable")[:count]]
    best = [channel for channel in best if np.isfinite(unusual[channel])]
    peaks = [np.unravel_index(int(maps[channel].argmax()), maps.shape[1:]) for channel in best]
    units = [(channel, int(row), int(column)) for channel, (row, column) in zip(best, peaks, strict=True)]
    boxes = effective_boxes(specimen, picture, stage, units) if units else []
    return tuple(
        Standout(
            channel=channel,
            unusual=float(unusual[channel]),
            values=maps[channel],
            box=box or (usual.field.box(row, column) if specimen.has_positions(stage) else WHOLE),
        )
        for (channel, row, column), box in zip(units, boxes, strict=True)
    )


def window(shown: tuple[Standout, ...]) -> float:
    """Median side of the standouts' boxes, as a share (0-1) of the picture's side; 0 without any.

    The longer side counts, since the picture's border may have cut the other one.
    """
    sides = [max(one.box[2] - one.box[0], one.box[3] - one.box[1]) for one in shown]
    return float(np.median(sides)) if sides else 0.0


def card(large: Pixels, shown: Standout, source: Bank, exemplars: Exemplars, patches: int = 6) -> Pixels:
    """Lay side by side where the channel answers above its median, framed, and the ``patches`` that excite it most.

    ``large`` (L, L, 3) is the picture as shown. Returns (300, W, 4), the gaps being transparent.
    """
    enlarged = np.asarray(Image.fromarray(large).resize((_TALL, _TALL), Image.Resampling.BICUBIC))
    more = np.maximum(shown.values - np.median(shown.values), 0) if shown.values.size > 1 else shown.values
    framed = rendering.frame(rendering.overlay(enlarged, more), shown.box)
    side, columns = (_TALL - _GAP) // 2, patches // 2
    laid = np.zeros((_TALL, _TALL + columns * (side + _GAP) + _GAP, 4), dtype=np.uint8)
    laid[:, :_TALL] = _opaque(framed)
    for rank in range(min(columns * 2, exemplars.crops.shape[1])):
        if exemplars.crops[shown.channel, rank] < 0:
            break
        left = _TALL + 2 * _GAP + rank % columns * (side + _GAP)
        top = rank // columns * (side + _GAP)
        laid[top : top + side, left : left + side] = _opaque(
            patch(source, exemplars, shown.channel, rank, side)
        )
    return laid


def _opaque(picture: Pixels) -> Pixels:
    return np.dstack([picture, np.full(picture.shape[:2], 255, dtype=np.uint8)])

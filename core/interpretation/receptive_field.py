"""How much of the picture a unit can see, and how much of it the unit really uses.

Both are measured with gradients on the network itself, not derived from a table of kernel sizes: a pixel lies in
the receptive field if the unit's value depends on it. The effective receptive field (Luo et al. 2016, arXiv
1701.04128) is the part of it that matters on a given picture; it is usually much smaller.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.backbones.backbone import Backbone
from core.images.samples import Box
from core.interpretation.specimen import Specimen, as_map

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
Unit = tuple[int, int, int]  # channel, row, column

# Modules whose gradient can be exactly zero where the unit does depend on the pixel.
_RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.Hardswish)
# Squeeze-and-excitation and its kin, torchvision's and timm's.
_GATES = ("SqueezeExcitation", "SqueezeExcite", "SEModule", "EffectiveSEModule", "EcaModule")


@dataclass(frozen=True, kw_only=True)
class ReceptiveField:
    """What the units of one stage can see, in pixels of the network's input of side ``image_size``.

    The unit in row and column i sees the pixels from ``low + i * stride`` up to ``high + i * stride``, the latter
    exclusive, where that lies inside the picture. ``map_side`` units stand in a row.
    """

    stage: str
    low: int
    high: int
    stride: int
    map_side: int
    image_size: int
    gated: bool = False  # units also see the picture's average, which the field leaves out

    @property
    def pixels(self) -> int:
        """Side of the field before the picture's border cuts it."""
        return self.high - self.low

    @property
    def share(self) -> float:
        """Side of the field as a share (0-1) of the picture's side."""
        return min(1.0, self.pixels / self.image_size)

    @property
    def whole(self) -> bool:
        """Whether every unit sees the whole picture."""
        return self.low + (self.map_side - 1) * self.stride <= 0 and self.high >= self.image_size

    def box(self, row: int, column: int) -> Box:
        """What the unit at ``row`` and ``column`` sees, as shares of the picture."""
        left, right = self._span(column)
        top, bottom = self._span(row)
        return left, top, right, bottom

    def _span(self, place: int) -> tuple[float, float]:
        low, high = self.low + place * self.stride, self.high + place * self.stride
        return max(low, 0) / self.image_size, min(high, self.image_size) / self.image_size


def receptive_field(specimen: Specimen, stage: str) -> ReceptiveField:
    """Measure which pixels the units of ``stage`` depend on: those whose gradient is not zero.

    Rectifiers and max-pools would hide pixels behind units that happen to be off, so a private copy of the
    network lets them pass everything (max becomes mean). Squeeze-and-excitation gates, which see the picture's
    average and nothing else of it, are held still: what is measured is where a unit looks. Three units are
    enough, since the others see the same, shifted: the first one's field is whole on the right, the last one's on
    the left, and the middle one stands for Swin, whose windows make fields uneven; there it is a close bound.
    A stage that depends on no pixel, all its weights being zero, counts as seeing the whole picture.
    """
    size = specimen.image_size
    if not specimen.has_positions(stage):
        return ReceptiveField(stage=stage, low=0, high=size, stride=size, map_side=1, image_size=size)
    number = specimen.stage_number(stage)
    network = specimen.private_copy()
    _let_everything_pass(network)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn((3, 3, size, size), generator=generator).requires_grad_()
    features = as_map(network.run_stages(images, stop=number + 1))  # (3, C, h, w)
    side, stride = features.shape[-1], network.table[number].reduction
    weights = torch.randn(features.shape[1], generator=generator)
    places = (0, side // 2, side - 1)
    total = torch.stack([features[n, :, place, place] @ weights for n, place in enumerate(places)]).sum()
    (gradient,) = torch.autograd.grad(total, images)  # (3, 3, S, S)
    seen = (gradient != 0).any(dim=1).numpy()  # (3, S, S)
    lows, highs = [], []
    for place, mask in zip(places, seen, strict=True):
        for axis in (0, 1):
            pixels = np.flatnonzero(mask.any(axis=axis))
            if not len(pixels):  # its weights are all zero
                continue
            lows.append(int(pixels[0]) - place * stride)
            highs.append(int(pixels[-1]) + 1 - place * stride)
    if not lows:
        lows, highs = [0], [size]
    return ReceptiveField(
        stage=stage,
        low=min(lows),
        high=max(highs),
        stride=stride,
        map_side=side,
        image_size=size,
        gated=any(type(module).__name__ in _GATES for module in specimen.backbone.modules()),
    )


def receptive_fields(specimen: Specimen) -> dict[str, ReceptiveField]:
    """Measure the field of every stage; behind one that sees everything, later ones do too and are not measured."""
    fields: dict[str, ReceptiveField] = {}
    everything = False
    for stage in specimen.backbone.table:
        if everything and specimen.has_positions(stage.name):
            size, side = specimen.image_size, -(-specimen.image_size // stage.reduction)
            reach = stage.reduction * (side - 1)
            fields[stage.name] = ReceptiveField(
                stage=stage.name,
                low=-reach,
                high=size,
                stride=stage.reduction,
                map_side=side,
                image_size=size,
            )
        else:
            fields[stage.name] = receptive_field(specimen, stage.name)
        everything = everything or fields[stage.name].whole
    return fields


def effective_boxes(
    specimen: Specimen, picture: NDArray[np.uint8], stage: str, units: Sequence[Unit], *, share: float = 0.9
) -> list[Box | None]:
    """Measure what each unit of ``stage`` uses of ``picture`` (S, S, 3): one square box a unit.

    The box is the smallest square around the centre of mass of the squared gradient that holds ``share`` of it.
    None where a unit is off on this picture: nothing moves it then.
    """
    number = specimen.stage_number(stage)
    network = specimen.private_copy()
    images = specimen.input(np.stack([picture] * len(units))).requires_grad_()
    features = as_map(network.run_stages(images, stop=number + 1))
    chosen = torch.stack(
        [features[n, channel, row, column] for n, (channel, row, column) in enumerate(units)]
    )
    if not chosen.requires_grad:
        return [None] * len(units)
    (gradient,) = torch.autograd.grad(chosen.sum(), images)  # (U, 3, S, S)
    return [box_holding(_energy(part), share) for part in gradient]


def box_holding(energy: NDArray[np.float64], share: float) -> Box | None:
    """Find the smallest square around the centre of mass of ``energy`` (S, S) that holds ``share`` of it."""
    total, side = energy.sum(), energy.shape[0]
    if not total > 0:
        return None
    places = np.arange(side)
    row = round(float(energy.sum(axis=1) @ places / total))
    column = round(float(energy.sum(axis=0) @ places / total))
    away = np.maximum(np.abs(places - row)[:, None], np.abs(places - column)[None])  # Chebyshev distance
    held = np.bincount(away.ravel(), weights=energy.ravel()).cumsum()
    radius = int(np.searchsorted(held, share * total))
    spans = [max(column - radius, 0), max(row - radius, 0), column + radius + 1, row + radius + 1]
    left, top, right, bottom = (min(edge, side) / side for edge in spans)
    return left, top, right, bottom


def _energy(gradient: Tensor) -> NDArray[np.float64]:
    energy: NDArray[np.float64] = gradient.double().square().sum(dim=0).numpy()
    return energy


def _let_everything_pass(network: Backbone) -> None:
    """Replace what blocks gradients in ``network``, which is a private copy."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _RECTIFIERS) or type(child).__name__ in _GATES:
                setattr(parent, name, nn.Identity())
            elif isinstance(child, nn.MaxPool2d):
                mean = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
                setattr(parent, name, mean)

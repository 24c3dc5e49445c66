"""One channel of one stage: where it answers, what drives it, which classes it speaks for."""

from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import IntegratedGradients
from numpy.typing import NDArray
from torch import Tensor, nn

from core import errors
from core.backbones.families import ClassToken
from core.interpretation.receptive_field import ReceptiveField
from core.interpretation.specimen import Specimen, as_map, batch_size

STEPS = 16  # of the integral from the mean colour to the picture; its error is measured in the tests


@dataclass(frozen=True, kw_only=True)
class MapPosition:
    """A position in a map (h, w), counted from 0 at the top left."""

    row: int
    column: int


def peak(values: NDArray[np.float32]) -> MapPosition:
    """Where a map (h, w) is largest."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return MapPosition(row=int(row), column=int(column))


def check(specimen: Specimen, stage: str, channel: int) -> None:
    """Raise `SettingsError` unless the stage has that channel."""
    channels = specimen.backbone.table[specimen.stage_number(stage)].channels
    errors.within(f"The channel of {stage}", channel, 0, channels - 1)


def drivers(
    specimen: Specimen,
    picture: NDArray[np.uint8],
    stage: str,
    channel: int,
    place: MapPosition,
    *,
    field: ReceptiveField | None = None,
) -> NDArray[np.float32]:
    """What in a picture (S, S, 3) drives a channel at one place: a signed map (S, S), summed over colours.

    Integrated gradients of that neuron from the mean colour (Sundararajan et al. 2017, arXiv 1703.01365; Captum's
    `IntegratedGradients`): the map adds up to the neuron's answer less its answer to the plain mean colour. With the
    stage's receptive ``field``, nothing is computed outside what the neuron can see, where the map is 0 anyway.
    """
    check(specimen, stage, channel)
    behind = specimen.stage_number(stage) + 1  # what lies behind the stage costs nothing

    def neuron(pixels: Tensor, row: int, column: int) -> Tensor:
        return as_map(specimen.backbone.run_stages(pixels, stop=behind))[:, channel, row, column]  # (B,)

    whole = specimen.input(picture)
    top, bottom, row = _window(specimen, field, place.row)
    left, right, column = _window(specimen, field, place.column)
    seen = whole[:, :, top:bottom, left:right]
    if seen.shape != whole.shape:
        with torch.inference_mode():
            answers = neuron(whole, place.row, place.column), neuron(seen, row, column)
        if not torch.allclose(*answers, rtol=1e-3, atol=1e-4):
            # The field is only a close bound where attention works in windows.
            return drivers(specimen, picture, stage, channel, place)
    parts = IntegratedGradients(lambda pixels: neuron(pixels, row, column)).attribute(
        seen.clone().requires_grad_(),
        n_steps=STEPS,
        internal_batch_size=min(STEPS, batch_size(max(seen.shape[2:]))),
    )
    summed = np.zeros(whole.shape[2:], dtype=np.float32)
    summed[top:bottom, left:right] = parts.detach().sum(dim=1)[0].float().numpy()
    return summed


def _window(specimen: Specimen, field: ReceptiveField | None, place: int) -> tuple[int, int, int]:
    """Which pixels of a row or column the neuron at ``place`` sees, from, up to, and its place among theirs.

    They begin and end where the stage's strides do, as in the whole picture; all of them where nothing smaller is sure.
    """
    entry = specimen.entry
    if field is None or field.whole or field.gated or entry.fixed_size or entry.size_step > 1:
        return 0, specimen.image_size, place
    first = max(field.low + place * field.stride, 0) // field.stride
    last = -(-(field.high + place * field.stride) // field.stride)
    return first * field.stride, min(last * field.stride, specimen.image_size), place - first


def head_weights(specimen: Specimen) -> NDArray[np.float32] | None:
    """Weights (classes, C) from the last stage's channels straight into the class scores.

    A positive weight speaks for the class wherever the channel answers. None where more than one layer lies between,
    and for a vision transformer, whose head reads the class token, not the places that a map shows.
    """
    if isinstance(specimen.backbone.neck, ClassToken):
        return None
    last = specimen.backbone.table[-1]
    layers = [one for one in specimen.backbone.head.modules() if isinstance(one, nn.Linear | nn.Conv2d)]
    if len(layers) != 1 or layers[0].weight.shape[1] != last.channels:
        return None
    weights: NDArray[np.float32] = layers[0].weight.detach().flatten(1).float().numpy()
    return weights


@torch.inference_mode()
def without(specimen: Specimen, picture: NDArray[np.uint8], stage: str, channel: int) -> NDArray[np.float32]:
    """Class probabilities (classes,) of a picture (S, S, 3) with one channel silenced (set to 0)."""
    check(specimen, stage, channel)
    number = specimen.stage_number(stage) + 1
    silenced = specimen.backbone.run_stages(specimen.input(picture), stop=number).clone()
    if silenced.ndim == 3:  # tokens (B, T, C)
        silenced[..., channel] = 0
    else:
        silenced[:, channel] = 0
    scores = specimen.backbone.head(specimen.backbone.run_stages(silenced, start=number))
    probabilities: NDArray[np.float32] = scores.float().softmax(dim=1).numpy()[0]
    return probabilities


def ranked(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rank the channels of maps (C, h, w) by their largest answer, strongest first: numbers (C,)."""
    order: NDArray[np.int64] = np.argsort(-values.max(axis=(1, 2)), kind="stable")
    return order

"""One channel of one stage: where it answers, what drives it, which classes it speaks for."""

from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import NeuronIntegratedGradients
from numpy.typing import NDArray
from torch import Tensor, nn

from core import errors
from core.backbones.families import ClassToken
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
    specimen: Specimen, picture: NDArray[np.uint8], stage: str, channel: int, place: MapPosition
) -> NDArray[np.float32]:
    """What in a picture (S, S, 3) drives a channel at one place: a signed map (S, S), summed over colours.

    Integrated gradients of that neuron from the mean colour (Sundararajan et al. 2017, arXiv 1703.01365; Captum's
    `NeuronIntegratedGradients`): the map adds up to the neuron's answer less its answer to the plain mean colour.
    """
    check(specimen, stage, channel)
    stages = list(specimen.private_copy().stages.values())
    network = nn.Sequential(
        *stages[: specimen.stage_number(stage) + 1]
    )  # what lies behind the stage costs nothing

    def neuron(output: Tensor) -> Tensor:
        return as_map(output)[:, channel, place.row, place.column]  # (B,)

    attributed = NeuronIntegratedGradients(network, network[-1]).attribute(
        specimen.input(picture).requires_grad_(),
        neuron,
        n_steps=STEPS,
        internal_batch_size=min(STEPS, batch_size(specimen.image_size)),
        attribute_to_neuron_input=False,
    )
    summed: NDArray[np.float32] = attributed.detach().sum(dim=1)[0].float().numpy()
    return summed


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
def without(
    specimen: Specimen, picture: NDArray[np.uint8], stage: str, channel: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Class probabilities (classes,) of a picture (S, S, 3) as it is, and with one channel silenced (set to 0)."""
    check(specimen, stage, channel)
    number = specimen.stage_number(stage) + 1
    features = specimen.backbone.run_stages(specimen.input(picture), stop=number)
    silenced = features.clone()
    if silenced.ndim == 3:  # tokens (B, T, C)
        silenced[..., channel] = 0
    else:
        silenced[:, channel] = 0
    batch = torch.cat([features, silenced])
    scores = specimen.backbone.head(specimen.backbone.run_stages(batch, start=number))
    probabilities = scores.float().softmax(dim=1).numpy()
    return probabilities[0], probabilities[1]


def ranked(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rank the channels of maps (C, h, w) by their largest answer, strongest first: numbers (C,)."""
    order: NDArray[np.int64] = np.argsort(-values.max(axis=(1, 2)), kind="stable")
    return order

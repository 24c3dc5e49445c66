"""A network under the microscope: loaded once, looked at by many, changed by nobody.

What visitors share is read only. Captum attaches hooks to the modules that it explains, and hooks on a shared
module mix up the answers of whoever asks at the same time. So every explanation works on `private_copy`:
modules of its own around the same weights.
"""

import copy
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core import errors
from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.backbones.catalogue import BackboneEntry
from core.images.normalisation import Normalisation

PRETRAINED = "pretrained"
PIXELS_AT_ONCE = 200_000  # of all pictures in one pass: 48 of 64 x 64, or 3 of 224 x 224 (memory)


@dataclass(frozen=True, kw_only=True, eq=False)
class Specimen:
    """A network with all that is needed to look through it.

    ``backbone`` is in eval mode, on the CPU, and shared: run it, never hook it or change it. ``class_names`` are its
    head's outputs, in order.
    """

    entry: BackboneEntry
    backbone: Backbone
    class_names: tuple[str, ...]
    image_size: int

    def input(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Normalise pictures (B, S, S, 3) or one (S, S, 3), uint8 RGB, to network input (B, 3, S, S)."""
        batch = pictures if pictures.ndim == 4 else pictures[None]
        return self.normalisation.apply(torch.from_numpy(batch.copy()).permute(0, 3, 1, 2))

    @property
    def normalisation(self) -> Normalisation:
        """How this network wants its input scaled."""
        entry = self.entry  # not always the catalogue's own
        return Normalisation(mean=entry.mean, std=entry.std, source=entry.normalisation_source)

    def private_copy(self) -> Backbone:
        """Copy the modules, not the tensors: a network that may be hooked and called from one thread.

        Its parameters want no gradients, in-place activations are replaced by plain ones, and it is in eval mode;
        its outputs are the shared network's, to the bit. Costs milliseconds and no memory to speak of.
        """
        tensors = [*self.backbone.parameters(), *self.backbone.buffers()]
        private: Backbone = copy.deepcopy(self.backbone, {id(tensor): tensor for tensor in tensors})
        for module in private.modules():
            if getattr(module, "inplace", False):
                setattr(module, "inplace", False)  # noqa: B010 - modules declare no such attribute
        return private

    def stage_number(self, stage: str) -> int:
        """Place of a stage, from 0 at the input; `SettingsError` naming the choices for one that is not there."""
        names = [one.name for one in self.backbone.table]
        errors.one_of("stage", stage, names)
        return names.index(stage)

    def has_positions(self, stage: str) -> bool:
        """Whether the stage's output still is a map over the picture, not one vector."""
        return self.backbone.table[self.stage_number(stage)].reduction < self.entry.image_size


def pretrained(name: str, weights_from: str | Path = PRETRAINED) -> Specimen:
    """Load a network of the catalogue with its pretrained weights, or with those of a local file.

    Raises `SettingsError` for an unknown name, `WeightsError` and `DownloadError` as `weights.load_pretrained`, and
    `WeightsError` for a file whose head is for other classes: nobody would know what its outputs mean.
    """
    backbone = stages.build(name)
    with torch.no_grad():
        for parameter in backbone.head.parameters():
            parameter.fill_(torch.nan)  # what the file fills is finite
    weights.load_pretrained(backbone, weights_from)
    if any(bool(parameter.isnan().any()) for parameter in backbone.head.parameters()):
        raise errors.WeightsError(
            "This file has no head, or one for classes of its own, which it does not name, so it cannot be looked at; "
            "look at the run itself, or at a file with the original head."
        )
    entry = catalogue.entry(name)
    names = weights.source_class_names(entry)
    return specimen(backbone, names)


def random(name: str, seed: int = 0) -> Specimen:
    """Build a network with random weights: what learning has not touched, the control of every picture here."""
    names = weights.source_class_names(catalogue.entry(name))
    return specimen(stages.build(name, seed=seed), names)


def specimen(backbone: Backbone, class_names: tuple[str, ...], image_size: int | None = None) -> Specimen:
    """Wrap a network, which is yours no more: it is put into eval mode and wants no gradients from now on."""
    entry = catalogue.entry(backbone.name)
    frozen: nn.Module = backbone.eval().requires_grad_(False)
    assert isinstance(frozen, Backbone)
    return Specimen(
        entry=entry,
        backbone=frozen,
        class_names=class_names,
        image_size=image_size or entry.image_size,
    )


def batch_size(side: int) -> int:
    """How many pictures of ``side`` pixels go through a network at once, so that memory stays bounded."""
    return max(1, PIXELS_AT_ONCE // side**2)


@torch.inference_mode()
def activations(specimen: Specimen, pictures: NDArray[np.uint8], stage: str) -> NDArray[np.float32]:
    """What a stage answers to pictures (B, S, S, 3) uint8: maps (B, C, h, w), float32, h = w = 1 for vectors.

    A vision transformer's tokens are laid out as a map, without the class token.
    """
    number = specimen.stage_number(stage)
    maps = as_map(specimen.backbone.run_stages(specimen.input(pictures), stop=number + 1).float())
    values: NDArray[np.float32] = maps.numpy()
    return values


def as_map(features: Tensor) -> Tensor:
    """Bring a stage's output to (B, C, h, w): maps as they are, vectors (B, C), tokens (B, prefix + h·h, C).

    The prefix (a class token, registers, or nothing) is what the largest square leaves over: it has at most 2·h tokens.
    """
    if features.ndim == 2:
        return features[:, :, None, None]
    if features.ndim == 3:
        side = math.isqrt(features.shape[1])
        patches = features[:, features.shape[1] - side**2 :].transpose(1, 2)  # (B, C, h·h)
        return patches.reshape(*patches.shape[:2], side, side)
    return features


@torch.inference_mode()
def scores(specimen: Specimen, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Class probabilities (B, classes) of pictures (B, S, S, 3) uint8."""
    probabilities: NDArray[np.float32] = (
        specimen.backbone(specimen.input(pictures)).float().softmax(dim=1).numpy()
    )
    return probabilities

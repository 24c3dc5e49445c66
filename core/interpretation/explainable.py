"""A private copy that Captum can explain: no module works twice in one pass, and every stage shows a map.

Captum's DeepLift and guided backprop hang their state on modules and are wrong, or fail, where one module is
called several times in a forward pass. torchvision's residual blocks do that with their one ReLU. Which modules do is
found out by running the network once, on shapes alone.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, cat, nn

from core import errors
from core.backbones import catalogue, stages
from core.backbones.backbone import Backbone
from core.backbones.families import ClassToken
from core.interpretation.specimen import Specimen, as_map


class _InTurn(nn.Module):
    """One module a call, in turn: takes the place of a module without weights that was called several times."""

    def __init__(self, module: nn.Module, calls: int) -> None:
        super().__init__()
        self.modules_in_turn = nn.ModuleList(copy.deepcopy(module) for _ in range(calls))
        self.turn = 0

    def forward(self, features: Tensor) -> Tensor:
        module = self.modules_in_turn[self.turn]
        self.turn = (self.turn + 1) % len(self.modules_in_turn)
        result: Tensor = module(features)
        return result


class _Seen(nn.Module):
    """A stage whose output passes through ``map`` as (B, C, h, w), whatever its layout; values stay the same."""

    def __init__(self, stage: nn.Module) -> None:
        super().__init__()
        self.stage = stage
        self.map = nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        output: Tensor = self.stage(features)
        if output.ndim == 2:  # one vector: no map to see
            return output
        seen: Tensor = self.map(as_map(output))
        if output.ndim == 3:  # tokens (B, prefix + h·w, C): the class token and registers go past the map
            patches = seen.flatten(2).transpose(1, 2)
            return cat([output[:, : output.shape[1] - patches.shape[1]], patches], dim=1)
        return seen


def explainable(specimen: Specimen) -> Backbone:
    """Copy a network for one thread to hook: outputs are the shared network's, to the bit."""
    network = specimen.private_copy()
    modules = dict(network.named_modules())
    for path, calls in calls_of(network.name).items():
        if path not in modules:  # made by hand, under the name whose preprocessing it takes
            continue
        parent, _, name = path.rpartition(".")
        module = modules[path]
        setattr(network.get_submodule(parent), name, _InTurn(module, calls).eval())
    for name, stage in list(network.stages.items()):
        network.stages[name] = _Seen(stage).eval()
    return network


@cache
def calls_of(name: str) -> dict[str, int]:
    """Say which modules of the catalogue's ``name`` work several times in one pass, and how often.

    Only modules without weights, children and statistics: those that can be there several times.
    """
    network = stages.compose(name, stages.outline(name)).eval()
    calls: dict[str, int] = {}
    for path, module in network.named_modules():
        if not list(module.children()) and not list(module.parameters()) and not list(module.buffers()):
            module.register_forward_hook(
                lambda *_, path=path: calls.__setitem__(path, calls.get(path, 0) + 1)
            )
    side = catalogue.entry(name).image_size
    with torch.inference_mode():
        network(torch.empty(1, 3, side, side, device="meta"))
    return {path: count for path, count in calls.items() if count > 1}


class _CappedReLU(nn.ReLU):
    """A ReLU6 that Captum knows as a ReLU, so that it guides its gradient, too."""

    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.relu6(features)


@contextmanager
def guidable(network: nn.Module) -> Iterator[None]:
    """Let Captum's guided backprop, which looks for `nn.ReLU`, find the ReLU6 of a private copy."""
    places = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if type(child) is nn.ReLU6
    ]
    try:
        for parent, name, _ in places:
            setattr(parent, name, _CappedReLU().eval())
        yield
    finally:
        for parent, name, child in places:
            setattr(parent, name, child)


def map_layer(network: Backbone, stage: str) -> nn.Module:
    """The module of an `explainable` network whose output is the stage's map (B, C, h, w)."""
    seen: Any = network.stages[stage]
    layer: nn.Module = seen.map
    return layer


def explainable_stages(specimen: Specimen) -> tuple[str, ...]:
    """Stages whose output is a map over the picture that the rest of the network reads, from the input.

    Left out are stages that return one vector, and a vision transformer's last one: its head reads the class
    token only, so that no position there can speak for a class.
    """
    names = [stage.name for stage in specimen.backbone.table if specimen.has_positions(stage.name)]
    if isinstance(specimen.backbone.neck, ClassToken):
        names = names[:-1]
    return tuple(names)


def check_stage(specimen: Specimen, stage: str) -> None:
    """Raise `SettingsError`, saying why, for a stage that is not there or shows no map over the picture."""
    specimen.stage_number(stage)
    choices = explainable_stages(specimen)
    if stage in choices:
        return
    why = (
        f"after the stage {stage} the network reads only its class token, not the positions"
        if specimen.has_positions(stage)
        else f"the stage {stage} returns one vector, which has no positions left"
    )
    raise errors.SettingsError(f"There is no map to draw: {why}. Choose one of {', '.join(choices)}.")

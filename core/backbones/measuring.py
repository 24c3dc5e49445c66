"""What a network costs, measured on networks without numbers where that works: parameters, multiply-adds, stages."""

from functools import cache
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from core.backbones import catalogue, stages, timm_catalogue, timm_networks
from core.backbones.backbone import Backbone
from core.backbones.catalogue import BackboneEntry
from core.backbones.timm_stages import refusing

# The entries need the file that these figures go to, so the sides that are not 224 pixels come from here.
_SIDES = {catalogue.BUILT_IN: 64, "efficientnet_lite1": 240, "efficientnet_lite2": 260}


def measure(name: str) -> dict[str, Any]:
    """Count parameters, multiply-adds and the stages' figures of ``name`` for one image at its own size.

    Of a network of timm's, "stated" holds what timm states about it.
    """
    timm = catalogue.is_timm(name)
    stated = {"stated": timm_networks.facts(name)} if timm else {}
    side = timm_networks.sides(name).own if timm else _SIDES.get(name, 224)
    backbone = stages.compose(name, stages.outline(name)).eval()
    backbone.requires_grad_(False)  # the counter's hooks stumble over parameters that are expanded
    images = torch.empty(1, 3, side, side, device="meta")
    return {
        "parameters": sum(parameter.numel() for parameter in backbone.parameters()),
        "multiply_adds": multiply_adds(backbone, images),
        "feature_size": backbone.feature_size,
        "stages": [
            {
                "name": stage.name,
                "channels": stage.channels,
                "reduction": stage.reduction,
                "parameters": stage.parameters,
            }
            for stage in backbone.table
        ],
        **stated,
    }


@torch.no_grad()
def multiply_adds(backbone: Backbone, images: torch.Tensor) -> int:
    """Count the multiply-adds of one forward pass; the counter counts each as two operations.

    They are those of convolutions, linear layers and attention products, counted by `torch.utils.flop_counter`.
    """
    # The fused attention kernel hides its products from the counter.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False) as counter:
            backbone(images)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return int(counter.get_total_flops()) // 2


@cache
def derived_entry(name: str) -> BackboneEntry:
    """Derive the catalogue's entry of any network of timm's from what timm states, and from the network itself.

    Nothing is downloaded; the network is built with random weights, proven, and let go. Raises `SettingsError`.
    """
    with refusing(timm_networks.own_name(name)):
        return timm_catalogue.make(name, measure(name), None)

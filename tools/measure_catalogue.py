"""Measure every backbone of the catalogue and write ``core/backbones/measured.json``.

    python -m tools.measure_catalogue

Multiply-adds are those of convolutions, linear layers and attention products for one image at the
backbone's size, counted by `torch.utils.flop_counter` on torch's memoryless "meta" device.
"""

import json
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from core.backbones import catalogue, stages
from core.backbones.backbone import Backbone


def measure(name: str, side: int) -> dict[str, Any]:
    """Count parameters, multiply-adds and the stages' figures of ``name`` for one image of ``side`` pixels."""
    network = stages.outline(name)
    backbone = stages.compose(name, network).eval()
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
    }


@torch.no_grad()
def multiply_adds(backbone: Backbone, images: torch.Tensor) -> int:
    """Count the multiply-adds of one forward pass; the counter counts each as two operations."""
    # The fused attention kernel hides its products from the counter.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False) as counter:
            backbone(images)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return int(counter.get_total_flops()) // 2


def main() -> None:
    """Measure all and write the file."""
    # The entries need the file that is being written, so the sides come from here.
    others = {catalogue.BUILT_IN: 64, "efficientnet_lite1": 240, "efficientnet_lite2": 260}
    sides = {name: others.get(name, 224) for name in catalogue.NAMES}
    measured = {name: measure(name, side) for name, side in sides.items()}
    catalogue.MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    for name, figures in measured.items():
        print(
            f"{name:20} {figures['parameters']:>12,} parameters {figures['multiply_adds']:>15,} multiply-adds"
        )


if __name__ == "__main__":
    main()

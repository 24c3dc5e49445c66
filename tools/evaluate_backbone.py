"""Measure a weights file of the built-in backbone on Tiny ImageNet's validation images.

    python -m tools.evaluate_backbone --archive tiny-imagenet-200.zip --work DIR [--weights FILE] [--sides 64,80]

Images are resized to each side and seen whole. The file goes through the lab's own door for weights.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.backbones import stages, weights
from core.backbones.backbone import Backbone
from core.backbones.catalogue import BUILT_IN
from core.metrics.classification import wilson
from tools import pretrain_backbone, tiny_imagenet


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Top-1 and top-5 (0-1) at ``side`` pixels, and whether each image's first guess was right (N,)."""

    side: int
    top1: float
    top5: float
    right: NDArray[np.bool_]
    guesses: NDArray[np.int64]


def evaluate(
    backbone: Backbone, split: tiny_imagenet.Split, sides: tuple[int, ...], device: torch.device
) -> tuple[Evaluation, ...]:
    """Evaluate ``backbone`` on all images of ``split`` at every side."""
    network = backbone.to(device)
    results = []
    for side in sides:
        top1, top5, guesses = pretrain_backbone.accuracy(network, split, side, device)
        results.append(
            Evaluation(side=side, top1=top1, top5=top5, right=guesses == split.labels, guesses=guesses)
        )
    return tuple(results)


def main() -> None:
    """Evaluate and print one line per side."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument("--work", type=Path, required=True, help="folder for decoded arrays")
    parser.add_argument(
        "--weights", default="pretrained", help="a .safetensors or .pth file; default: built in"
    )
    parser.add_argument("--sides", default="64,80", help="image sides in pixels")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    data = tiny_imagenet.load(arguments.archive, arguments.work)
    backbone = stages.build(BUILT_IN)
    weights.load_pretrained(backbone, arguments.weights)
    sides = tuple(int(side) for side in arguments.sides.split(","))
    for one in evaluate(backbone, data.validation, sides, torch.device(arguments.device)):
        span = wilson(int(one.right.sum()), len(one.right))
        print(
            f"{one.side} px: top-1 {one.top1:.4f} [{span.low:.4f}, {span.high:.4f}] top-5 {one.top5:.4f} "
            f"({len(one.right):,} validation images)"
        )


if __name__ == "__main__":
    main()

"""Measure a network on Tiny ImageNet's validation images.

    python -m tools.evaluate_backbone --archive tiny-imagenet-200.zip --work DIR [--backbone NAME] [--weights FILE]
        [--sides 64,80]

Images are resized to each side and seen whole. A network that knows ImageNet's 1,000 classes chooses among the 200
that there are images of. Weights go through the lab's own door.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.images import augmentation
from core.images.normalisation import Normalisation
from core.metrics.classification import wilson
from core.metrics.report import Interval
from core.training import precision
from tools import imagenet, tiny_imagenet

AT_ONCE = 500  # images of 64 x 64, fewer of larger ones


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Top-1 and top-5 (0-1) at ``side`` pixels, and whether each image's first guess was right (N,).

    ``among_all``: top-1 where the network may choose among all classes that it knows.
    """

    side: int
    top1: float
    top5: float
    among_all: float
    right: NDArray[np.bool_]

    @property
    def interval(self) -> Interval:
        """Top-1 with its 95 % interval (Wilson)."""
        return wilson(int(self.right.sum()), len(self.right))


def evaluate(
    backbone: Backbone, data: tiny_imagenet.TinyImageNet, sides: tuple[int, ...], device: torch.device
) -> tuple[Evaluation, ...]:
    """Evaluate ``backbone`` with its original head on all validation images at every side."""
    outputs = torch.from_numpy(imagenet.outputs_of(catalogue.entry(backbone.name), data))
    labels = torch.from_numpy(data.validation.labels)
    network, scaled = backbone.to(device), stages.normalisation(backbone.name)
    results = []
    for side in sides:
        with precision.autocast(device):
            scores = scores_of(network, data.validation.images, side, device, scaled)
        hits = scores[:, outputs].topk(5).indices == labels[:, None]
        results.append(
            Evaluation(
                side=side,
                top1=hits[:, 0].double().mean().item(),
                top5=hits.any(1).double().mean().item(),
                among_all=(scores.argmax(1) == outputs[labels]).double().mean().item(),
                right=hits[:, 0].numpy(),
            )
        )
    return tuple(results)


@torch.no_grad()
def scores_of(
    network: nn.Module, images: NDArray[np.uint8], side: int, device: torch.device, scaled: Normalisation
) -> Tensor:
    """Class scores (N, classes), float32, of whole images (N, S, S, 3) uint8, resized to ``side``."""
    network.eval()
    step = max(1, AT_ONCE * tiny_imagenet.SIDE**2 // side**2)
    scores = []
    for start in range(0, len(images), step):
        pixels = torch.from_numpy(images[start : start + step].copy()).permute(0, 3, 1, 2).to(device)
        inputs = augmentation.resize(scaled.apply(pixels), side)
        scores.append(network(inputs.contiguous(memory_format=torch.channels_last)).float().cpu())
    return torch.cat(scores)


def main() -> None:
    """Evaluate and print one line per side."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument("--work", type=Path, required=True, help="folder for decoded arrays")
    parser.add_argument("--backbone", default=catalogue.BUILT_IN, choices=catalogue.NAMES)
    parser.add_argument(
        "--weights", default="pretrained", help="a .safetensors or .pth file; default: its own"
    )
    parser.add_argument("--sides", default="64,80", help="image sides in pixels")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    data = tiny_imagenet.load(arguments.archive, arguments.work)
    backbone = stages.build(arguments.backbone)
    weights.load_pretrained(backbone, arguments.weights)
    sides = tuple(int(side) for side in arguments.sides.split(","))
    for one in evaluate(backbone, data, sides, torch.device(arguments.device)):
        print(
            f"{one.side} px: top-1 {one.top1:.4f} [{one.interval.low:.4f}, {one.interval.high:.4f}] "
            f"top-5 {one.top5:.4f}, among all classes {one.among_all:.4f} "
            f"({len(one.right):,} validation images)"
        )


if __name__ == "__main__":
    main()

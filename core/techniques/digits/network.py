"""A small network for digits."""

import torch
from torch import Tensor, nn

from core.arrays import Floats
from core.backbones.stages import seeded
from core.techniques.digits.domains import CLASSES, SIDE
from core.techniques.digits.tensors import Labelled

FEATURES = 64
WIDTHS = (8, 16, 32)  # channels


class DigitNetwork(nn.Module):
    """Images (B, 3, S, S) scaled to -1…1 -> class scores (B, classes), by way of features (B, 64). S = 16."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        blocks = [
            layer
            for into, out, pool in zip((3, *WIDTHS), WIDTHS, (2, 2, 1), strict=False)
            for layer in (
                nn.Conv2d(into, out, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(out),
                nn.ReLU(),
                nn.MaxPool2d(pool),
            )
        ]
        self.features = nn.Sequential(
            *blocks,  # (B, 32, 4, 4)
            nn.Flatten(),
            nn.Linear(WIDTHS[-1] * (SIDE // 4) ** 2, FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Compute class scores (B, classes)."""
        scores: Tensor = self.head(self.features(images))
        return scores


def random_network(seed: int, classes: int = CLASSES) -> DigitNetwork:
    """Make a `DigitNetwork` with the random weights of ``seed``; torch's own generator stays as it was."""
    with seeded(seed):
        return DigitNetwork(classes)


@torch.inference_mode()
def features_of(network: DigitNetwork, images: Tensor) -> Floats:
    """Features (N, 64) of images (N, 3, S, S), in eval mode."""
    network.eval()
    features: Floats = network.features(images).double().numpy()
    return features


@torch.inference_mode()
def accuracy(network: DigitNetwork, labelled: Labelled) -> float:
    """Share of images (N, 3, S, S) whose class (N,) is found, in eval mode."""
    network.eval()
    images, labels = labelled
    return float((network(images).argmax(dim=1) == labels).double().mean())

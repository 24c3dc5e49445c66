"""Channel means and standard deviations with their sources, and the step from bytes to network input."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Per-channel statistics, on the 0-1 scale, that a backbone expects its input to be scaled by."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str

    def apply(self, images: Tensor) -> Tensor:
        """Scale uint8 images (B, 3, H, W), 0-255, to float32 network input (B, 3, H, W) on the same device."""
        scale = images.new_tensor(self.std, dtype=torch.float32).view(1, 3, 1, 1) * 255
        shift = images.new_tensor(self.mean, dtype=torch.float32).view(1, 3, 1, 1) * 255
        return (images.to(torch.float32) - shift) / scale


IMAGENET = Normalisation(
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    source="torchvision's reference weights, https://docs.pytorch.org/vision/stable/models.html",
)

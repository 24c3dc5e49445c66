"""Random crops and flips of whole batches, on the device that holds them.

A batch is cropped and resized by one bilinear ``grid_sample``, so that augmentation costs one
kernel and no worker process. Randomness comes from the caller's CPU generator alone: the same
generator state gives the same crops on every device.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class CropBox:
    """Where each image of a batch is cropped: centre and half-size on the -1..1 scale, and its mirror sign."""

    centre_x: Tensor  # (B,)
    centre_y: Tensor  # (B,)
    half_width: Tensor  # (B,)
    half_height: Tensor  # (B,)
    mirror: Tensor  # (B,), +1 or -1


def random_boxes(
    count: int,
    *,
    generator: torch.Generator,
    area: tuple[float, float] = (0.35, 1.0),
    aspect: tuple[float, float] = (3 / 4, 4 / 3),
    flip: bool = True,
) -> CropBox:
    """Draw ``count`` crops of ``area`` (share of the image) and ``aspect`` ratio (width / height).

    The distribution is that of Inception-style training crops (Szegedy et al. 2015, arXiv 1409.4842,
    section 6), with the sides clipped to the image instead of drawn again.
    """
    share = torch.empty(count).uniform_(*area, generator=generator)
    log_aspect = torch.empty(count).uniform_(math.log(aspect[0]), math.log(aspect[1]), generator=generator)
    half_width = (share * log_aspect.exp()).sqrt().clamp(max=1.0)
    half_height = (share / log_aspect.exp()).sqrt().clamp(max=1.0)
    offsets = torch.rand(2, count, generator=generator) * 2 - 1
    coin = torch.rand(count, generator=generator) if flip else torch.ones(count)
    return CropBox(
        centre_x=offsets[0] * (1 - half_width),
        centre_y=offsets[1] * (1 - half_height),
        half_width=half_width,
        half_height=half_height,
        mirror=torch.where(coin < 0.5, -1.0, 1.0),
    )


def crop(images: Tensor, boxes: CropBox, size: int) -> Tensor:
    """Cut ``boxes`` from float images (B, C, H, W) and resize each to (B, C, size, size), bilinearly.

    In the images' own precision, also inside `torch.autocast`: coordinates in bfloat16 have eight bits, which is
    too coarse for a picture of 224 pixels.
    """
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = boxes.half_width * boxes.mirror
    theta[:, 0, 2] = boxes.centre_x
    theta[:, 1, 1] = boxes.half_height
    theta[:, 1, 2] = boxes.centre_y
    shape = [len(images), images.shape[1], size, size]
    with torch.autocast(images.device.type, enabled=False):
        grid = functional.affine_grid(theta.to(images.device), shape, align_corners=False)
        return functional.grid_sample(
            images, grid.to(images.dtype), padding_mode="reflection", align_corners=False
        )


def resize(images: Tensor, size: int) -> Tensor:
    """Resize float images (B, C, H, W) to (B, C, size, size), bilinearly and antialiased when shrinking."""
    if images.shape[-2:] == (size, size):
        return images
    with torch.autocast(images.device.type, enabled=False):
        return functional.interpolate(
            images, size=(size, size), mode="bilinear", align_corners=False, antialias=True
        )

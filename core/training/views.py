"""Images as the network sees them: on the device, normalised, plain or as augmented views."""

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.datasets.dataset import LabelledImages
from core.images.augmentation import CropBox, crop, random_boxes, resize
from core.images.normalisation import Normalisation
from core.training import memory


def generator(*key: int | str) -> torch.Generator:
    """Seed a CPU generator by everything that its numbers may depend on.

    All randomness of a run comes from such generators, keyed by seed, purpose and epoch or step. So a run has
    no random state: what happens in epoch 7 does not depend on how often it was stopped before.
    """
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


class Views:
    """One part of a data set (train, validation or test) as the network sees it, each image as it is."""

    count = 1  # how many views there are of each image

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        normalisation: Normalisation,
        size: int,
        device: torch.device,
    ) -> None:
        # (N, side, side, 3); `require` copies only arrays that torch could not share.
        self.pixels = torch.from_numpy(np.require(images, requirements=["C", "W"]))
        self.labels = torch.from_numpy(np.require(labels, requirements=["C", "W"])).to(device)  # (N,)
        self.normalisation = normalisation
        self.size = size
        self.device = device

    def __len__(self) -> int:
        return len(self.labels)

    def of_epoch(self, epoch: int) -> int:
        """Which view epoch ``epoch`` (from 0) sees."""
        return 0

    def batch(self, numbers: Tensor, view: int) -> Tensor:
        """Images ``numbers`` (B,) int64 on the CPU -> network input (B, 3, size, size) float32 on the device.

        The same to the bit inside `torch.autocast` and outside: a picture does not depend on who asks for it.
        """
        pixels = self.pixels[numbers.to(self.pixels.device)].to(self.device)  # (B, side, side, 3)
        images = self.normalisation.apply(pixels.permute(0, 3, 1, 2))  # channels-last from here on
        return self.seen(images, numbers, view).contiguous(memory_format=torch.channels_last)

    def seen(self, images: Tensor, numbers: Tensor, view: int) -> Tensor:
        """Bring normalised images (B, 3, side, side) to the network's size."""
        return resize(images, self.size)


class AugmentedViews(Views):
    """Random crops: with ``count`` V, view v of image i is the same crop in every epoch and every process.

    With a count of 0 each epoch sees fresh crops.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        normalisation: Normalisation,
        size: int,
        count: int,
        seed: int,
        device: torch.device,
    ) -> None:
        super().__init__(images, labels, normalisation=normalisation, size=size, device=device)
        self.count = count
        self.seed = seed
        self.boxes: dict[int, CropBox] = {}

    def of_epoch(self, epoch: int) -> int:
        """Which view epoch ``epoch`` (from 0) sees."""
        return epoch % self.count if self.count else epoch

    def seen(self, images: Tensor, numbers: Tensor, view: int) -> Tensor:
        """Cut the crops of ``view`` from normalised images (B, 3, side, side), at the network's size."""
        if view not in self.boxes:
            if not self.count:
                self.boxes.clear()  # fresh crops never come back
            # For all images at once, so that the crop of image i does not depend on its batch.
            self.boxes[view] = random_boxes(len(self), generator=generator(self.seed, "crops", view))
        boxes = {name: value[numbers] for name, value in vars(self.boxes[view]).items()}
        return crop(images, CropBox(**boxes), self.size)


def views_of(
    part: LabelledImages,
    *,
    normalisation: Normalisation,
    size: int,
    device: torch.device,
    count: int = 1,
    seed: int = 0,
) -> Views:
    """Make the views that the setting ``views`` (``count``) asks for; the pixels lie on the device where they fit."""
    if count == 1:
        views = Views(part.images, part.labels, normalisation=normalisation, size=size, device=device)
    else:
        views = AugmentedViews(
            part.images,
            part.labels,
            normalisation=normalisation,
            size=size,
            count=count,
            seed=seed,
            device=device,
        )
    if views.pixels.nbytes < memory.free_bytes(device) / 2:
        views.pixels = views.pixels.to(device)
    return views

"""Images as the network sees them: on the device, normalised, plain or as fixed augmented views."""

import hashlib

import numpy as np
import torch
from torch import Tensor

from core.datasets.dataset import LabelledImages
from core.images import augmentation
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
    """One part of a data set (train, validation or test), held as one uint8 tensor on the device.

    ``count`` is the setting ``views``: 1 is the plain image alone; V > 1 means V augmented views, where view v
    of image i is the same crop in every epoch and every process; 0 means a fresh crop every epoch.
    """

    def __init__(
        self,
        part: LabelledImages,
        *,
        normalisation: Normalisation,
        size: int,
        count: int,
        seed: int,
        device: torch.device,
    ) -> None:
        # (N, side, side, 3); `require` copies only arrays that torch could not share.
        pixels = torch.from_numpy(np.require(part.images, requirements=["C", "W"]))
        fits = pixels.nbytes < memory.free_bytes(device) / 2
        self.pixels = pixels.to(device) if fits else pixels
        self.labels = torch.from_numpy(np.require(part.labels, requirements=["C", "W"])).to(device)  # (N,)
        self.device = device
        self.count = count
        self._normalisation = normalisation
        self._size = size
        self._seed = seed
        self._boxes: dict[int, augmentation.CropBox] = {}

    def __len__(self) -> int:
        return len(self.labels)

    def of_epoch(self, epoch: int) -> int:
        """Which view epoch ``epoch`` (from 0) sees."""
        return epoch % self.count if self.count else epoch

    def batch(self, numbers: Tensor, view: int) -> Tensor:
        """Images ``numbers`` (B,) int64 on the CPU -> network input (B, 3, size, size) float32 on the device.

        The same to the bit inside `torch.autocast` and outside: a picture does not depend on who asks for it.
        """
        pixels = self.pixels[numbers.to(self.pixels.device)].to(self.device)  # (B, side, side, 3)
        images = self._normalisation.apply(pixels.permute(0, 3, 1, 2))  # channels-last from here on
        if self.count == 1:
            images = augmentation.resize(images, self._size)
        else:
            boxes = self._view_boxes(view)
            chosen = augmentation.CropBox(**{name: value[numbers] for name, value in vars(boxes).items()})
            images = augmentation.crop(images, chosen, self._size)
        return images.contiguous(memory_format=torch.channels_last)

    def _view_boxes(self, view: int) -> augmentation.CropBox:
        if view not in self._boxes:
            if not self.count:
                self._boxes.clear()  # fresh crops never come back
            # For all images at once, so that the crop of image i does not depend on its batch.
            self._boxes[view] = augmentation.random_boxes(
                len(self), generator=generator(self._seed, "crops", view)
            )
        return self._boxes[view]

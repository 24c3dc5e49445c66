"""Pictures and labels as a network takes them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.datasets.dataset import LabelledImages
from core.techniques.digits.domains import DigitDomains

Labelled = tuple[Tensor, Tensor]  # images (N, 3, S, S) and classes (N,)


def as_tensors(part: LabelledImages) -> Labelled:
    """Bring images to (N, 3, S, S) float in -1…1, and labels to (N,)."""
    images = torch.from_numpy(part.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images.contiguous(), torch.from_numpy(part.labels)


@dataclass(frozen=True, kw_only=True)
class DomainTensors:
    """The four parts of two domains: what is trained on, and what is tested on."""

    source: Labelled
    source_test: Labelled
    target: Labelled
    target_test: Labelled

    @classmethod
    def of(cls, domains: DigitDomains) -> "DomainTensors":
        """Convert all parts."""
        return cls(
            source=as_tensors(domains.source),
            source_test=as_tensors(domains.source_test),
            target=as_tensors(domains.target),
            target_test=as_tensors(domains.target_test),
        )

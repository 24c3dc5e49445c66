"""ImageNet's 1,000 classes as WordNet numbers them, and where Tiny ImageNet's 200 stand among them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.backbones.catalogue import BackboneEntry
from core.vision import timm
from tools.tiny_imagenet import TinyImageNet

_INFO: Any = timm.data.ImageNetInfo("imagenet-1k")  # type: ignore[attr-defined]


def wnids() -> tuple[str, ...]:
    """WordNet's numbers of the 1,000 classes, in the order in which networks name them (timm's list)."""
    return tuple(_INFO.label_names())


def names_of(wnid: str) -> list[str]:
    """WordNet's names of one of the 1,000 classes, the usual one first."""
    return [name.strip() for name in _INFO.label_name_to_description(wnid, detailed=False).split(",")]


def class_wnids(entry: BackboneEntry, data: TinyImageNet) -> tuple[str, ...]:
    """WordNet's numbers of the classes of a network's own head: ImageNet's, or Tiny ImageNet's."""
    return data.wnids if entry.source_classes == len(data.wnids) else wnids()


def outputs_of(entry: BackboneEntry, data: TinyImageNet) -> NDArray[np.int64]:
    """Which output of the network's head names each of Tiny ImageNet's classes: (200,)."""
    return positions(class_wnids(entry, data), data.wnids)


def positions(among: Sequence[str], chosen: Sequence[str]) -> NDArray[np.int64]:
    """Where each of ``chosen`` stands in ``among``; `KeyError` for one that does not."""
    places = {wnid: place for place, wnid in enumerate(among)}
    return np.array([places[wnid] for wnid in chosen], dtype=np.int64)

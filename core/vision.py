"""The one door to torchvision, and to timm, which imports it and is itself imported when it is first asked for.

The package index serves a torchvision wheel built for CUDA. Beside a CPU-only torch its
compiled library is not loaded, so the operators it would define do not exist, and importing
torchvision fails with ``operator torchvision::nms does not exist`` (then ``qnms``) while it
registers their shape functions. We never call either operator: declaring their signatures
before the import is enough. Where torchvision's own library loads, nothing is declared.
"""

import importlib
from typing import TYPE_CHECKING, Any

import torch

_SIGNATURES = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

try:
    import torchvision
except RuntimeError as error:
    if "torchvision::" not in str(error):
        raise
    # The declaration lives as long as this object does.
    _declarations = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for _signature in _SIGNATURES:
        _declarations.define(_signature)  # type: ignore[no-untyped-call]
    import torchvision

if TYPE_CHECKING:
    import timm

__all__ = ["timm", "torchvision"]


def __getattr__(name: str) -> Any:
    if name == "timm":
        return importlib.import_module("timm")
    raise AttributeError(name)

"""Whether the numbers of a weights file can be a network's: finite, of a size that training reaches, not all alike."""

from collections.abc import Mapping

import torch
from torch import Tensor

from core import errors
from core.backbones import catalogue

# Weights of trained networks stay below 1,000. Running variances go with the square of what a layer sees: of 16-bit
# pictures that nobody normalised, up to about 10^10.
MOST = 1e6
MOST_VARIANCE = 1e12
_VARIANCE = "running_var"


def check(name: str, value: Tensor, label: str) -> None:
    """Refuse, with a `WeightsError`, one tensor whose numbers no training gives; other types than numbers pass."""
    what = _wrong(name, value)
    if what:
        raise errors.WeightsError(f"{label} cannot be used: tensor '{name}' holds {what}.")


def _wrong(name: str, value: Tensor) -> str:
    if name.endswith(catalogue.COUNTER):
        return "a count of batches below zero" if value.numel() and bool((value < 0).any()) else ""
    if (
        not value.is_floating_point() or value.itemsize < 2 or not value.numel()
    ):  # 8-bit floats have no minimum
        return ""
    low, high = (float(one) for one in torch.aminmax(value.detach()))
    # NaN goes through both.
    if not (low > -torch.inf and high < torch.inf):
        return "values that are not finite numbers"
    if name.endswith(_VARIANCE) and low < 0:
        return "a variance below zero"
    most = MOST_VARIANCE if name.endswith(_VARIANCE) else MOST
    largest = max(-low, high)
    if largest > most:
        return f"values as large as {largest:.3g}, which no training gives"
    return ""


def check_learned(tensors: Mapping[str, Tensor], label: str) -> None:
    """Refuse a file in which every matrix and kernel is one number over and over, as zeros are."""
    kernels = [value for value in tensors.values() if value.ndim > 1 and value.is_floating_point()]
    if kernels and all(_constant(value) for value in kernels):
        raise errors.WeightsError(
            f"{label} cannot be used: all its kernels hold the same number over and over, so nothing was learned."
        )


def _constant(value: Tensor) -> bool:
    if value.itemsize < 2 or value.numel() < 2:
        return False
    low, high = torch.aminmax(value.detach())
    return bool(low == high)

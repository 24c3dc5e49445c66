"""Which device a run uses, and whether it computes in bfloat16 there."""

import contextlib

import torch

from core import errors


def choose_device(name: str) -> torch.device:
    """'auto' takes CUDA where there is one; `SettingsError` where CUDA is asked for and missing."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise errors.SettingsError("This machine offers no CUDA device; choose 'auto' or 'cpu'.")
    return torch.device(name)


def prepare(device: torch.device) -> None:
    """Let cuDNN try its algorithms once per shape, as torchvision's reference training does; on CUDA only."""
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True


def autocast_type(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the hardware multiplies it faster than float32, else None (plain float32).

    That is: CUDA devices with bfloat16 tensor cores (compute capability 8 and later), and CPUs with AMX
    tiles. CPUs without AMX emulate bfloat16, which is slower than float32 and less exact.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else None
    if device.type == "cpu":
        tiles = getattr(torch.cpu, "_is_amx_tile_supported", None)  # private, so it may go
        return torch.bfloat16 if tiles is not None and tiles() else None
    return None


def autocast(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Open a context in which forward passes run in `autocast_type`."""
    dtype = autocast_type(device)
    return contextlib.nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)

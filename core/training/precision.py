"""Which device a run uses, and whether it computes in bfloat16 there."""

import contextlib

import torch

from core import errors

BFLOAT16_FEATURES = ("amx_tile", "avx512_bf16")  # of CPUs


def choose_device(name: str) -> torch.device:
    """'auto' takes CUDA where there is one; `SettingsError` where CUDA, or the GPU of that number, is missing."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise errors.SettingsError("This machine offers no CUDA device; choose 'auto' or 'cpu'.")
    device = torch.device(name)
    if device.index is not None and device.type == "cuda" and device.index >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise errors.SettingsError(
            f"This machine has no GPU of number {device.index}; its last one is cuda:{last}."
        )
    return device


def prepare(device: torch.device) -> None:
    """Let cuDNN try its algorithms once per shape, as torchvision's reference training does; on CUDA only."""
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True


def autocast_type(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the hardware multiplies it faster than float32, else None (plain float32).

    That is: CUDA devices with bfloat16 tensor cores (compute capability 8 and later), and CPUs that multiply
    bfloat16 themselves, by AMX tiles or AVX512-BF16. Without either they emulate it, slower than float32.
    Measured with AVX512-BF16 on two Zen 5 cores, images a second: the built-in network at 64 px trains at 464
    against 175 and predicts at 2109 against 911, resnet18 at 224 px trains at 42 against 19, vit_b_16 at 4
    against 1 (`benchmarks/precision.py` repeats this).
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else None
    if device.type == "cpu":
        return torch.bfloat16 if any(_cpu_has(feature) for feature in BFLOAT16_FEATURES) else None
    return None


def _cpu_has(feature: str) -> bool:
    """Ask torch about this processor; its questions are private, so one may go."""
    question = getattr(torch.cpu, f"_is_{feature}_supported", None)
    return question is not None and bool(question())


def autocast(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Open a context in which forward passes run in `autocast_type`."""
    dtype = autocast_type(device)
    return contextlib.nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)

"""What training changed, as plain values. Torch-free."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StageChange:
    """One stage, then against now. ``identical``: all parameters and buffers are, to the bit."""

    stage: str
    identical: bool
    relative_change: float  # ||now - before|| / ||before|| over all parameters
    cka: float | None = (
        None  # debiased linear CKA of pooled features; None: not measured, or it does not vary
    )


@dataclass(frozen=True, kw_only=True)
class EpochChange:
    """All stages of a network after ``epoch``, the input first; epoch 0 is before training."""

    epoch: int
    stages: tuple[StageChange, ...]

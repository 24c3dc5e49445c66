"""What the audit says of one stage, as plain values. Torch-free."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StageAudit:
    """One stage before and after: bit-identical or not, and how far it moved."""

    stage: str
    frozen: bool
    parameters_identical: bool
    buffers_identical: bool
    sha256_before: str
    sha256_after: str
    relative_change: float  # ||after - before|| / ||before|| over all parameters
    cka: float | None  # linear CKA of pooled features, before against after, on validation images

"""The proof of what "frozen" means: hashes of every stage's bytes before and after, and how far it moved."""

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.backbones.backbone import Backbone
from core.freezing.report import StageAudit


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """SHA-256 (hex) over the bytes of a module's parameters, and over those of its buffers."""

    parameters: str
    buffers: str

    @property
    def combined(self) -> str:
        """One SHA-256 (hex) over both."""
        return hashlib.sha256(f"{self.parameters}{self.buffers}".encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class StageSnapshot:
    """A stage at one moment: its fingerprint, and its parameters by name."""

    stage: str
    fingerprint: Fingerprint
    parameters: dict[str, Tensor]


def _digest(tensors: Iterable[tuple[str, Tensor]]) -> str:
    sha256 = hashlib.sha256()
    for name, tensor in sorted(tensors, key=lambda pair: pair[0]):
        # Name, type and shape too: without them, a value could move from one tensor to the next unseen.
        sha256.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        # Contiguous in logical order, so that channels-last and channels-first of equal values agree.
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        sha256.update(raw.numpy().data)
    return sha256.hexdigest()


def fingerprint(module: nn.Module) -> Fingerprint:
    """Hash all parameters and all buffers (BatchNorm's running statistics among them) of ``module``."""
    return Fingerprint(parameters=_digest(module.named_parameters()), buffers=_digest(module.named_buffers()))


def snapshot(backbone: Backbone, *, copy: bool = True) -> tuple[StageSnapshot, ...]:
    """Record every stage, and the neck where it holds anything.

    ``copy=False`` saves memory where the network is not trained before `audit` reads the snapshot ("after").
    """
    parts = [(stage.name, stage.module) for stage in backbone.table]
    if any(True for _ in backbone.neck.parameters()) or any(True for _ in backbone.neck.buffers()):
        parts.append(("neck", backbone.neck))
    return tuple(
        StageSnapshot(
            stage=name,
            fingerprint=fingerprint(module),
            parameters={
                key: value.detach().cpu().clone() if copy else value.detach()
                for key, value in module.named_parameters()
            },
        )
        for name, module in parts
    )


def relative_change(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """``||after - before|| / ||before||`` (Euclidean, over all tensors together); 0 without parameters."""
    moved = length = 0.0
    for name, old in before.items():
        start = old.detach().to("cpu", torch.float64)
        moved += float((after[name].detach().to("cpu", torch.float64) - start).square().sum())
        length += float(start.square().sum())
    if moved == 0.0:
        return 0.0
    return math.sqrt(moved / max(length, torch.finfo(torch.float64).tiny))


def audit(
    before: Collection[StageSnapshot],
    after: Collection[StageSnapshot],
    *,
    frozen: Collection[str],
    cka: Mapping[str, float | None] | None = None,
) -> tuple[StageAudit, ...]:
    """Compare two snapshots of one network, stage by stage.

    ``frozen`` names the stages that were frozen all the time (`core.training.strategies.always_frozen`); a neck counts
    as frozen with the last stage. ``cka`` holds linear CKA by stage where it was measured.
    """
    later = {one.stage: one for one in after}
    last = [one.stage for one in before if one.stage != "neck"][-1:]
    rows = []
    for old in before:
        new = later[old.stage]
        rows.append(
            StageAudit(
                stage=old.stage,
                frozen=old.stage in frozen or (old.stage == "neck" and last[0] in frozen),
                parameters_identical=old.fingerprint.parameters == new.fingerprint.parameters,
                buffers_identical=old.fingerprint.buffers == new.fingerprint.buffers,
                sha256_before=old.fingerprint.combined,
                sha256_after=new.fingerprint.combined,
                relative_change=relative_change(old.parameters, new.parameters),
                cka=None if cka is None else cka.get(old.stage),
            )
        )
    return tuple(rows)

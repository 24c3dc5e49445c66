"""The only place that sets ``requires_grad`` and the mode of frozen stages.

What is frozen can be said as a `FreezePolicy` (the first k stages), or as stage names in any combination:
surgical fine-tuning freezes the later stages, gradual unfreezing calls `apply` again with fewer.
"""

from collections.abc import Collection

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from core import errors
from core.backbones.backbone import Backbone
from core.freezing.policy import BatchNormMode, FreezePolicy

Frozen = FreezePolicy | Collection[str]


def frozen_stages(backbone: Backbone, frozen: Frozen) -> tuple[str, ...]:
    """Name the frozen stages, in the network's order; `SettingsError` for a depth or a name it does not have."""
    names = tuple(stage.name for stage in backbone.table)
    if isinstance(frozen, FreezePolicy):
        errors.within("The freeze depth", frozen.depth, 0, len(names))
        return names[: frozen.depth]
    if isinstance(frozen, str):
        # A lone name is a collection of letters to Python; nobody means that.
        frozen = (frozen,)
    for name in frozen:
        errors.one_of("A frozen stage", name, names)
    return tuple(name for name in names if name in frozen)


def frozen_modules(backbone: Backbone, frozen: Frozen) -> list[nn.Module]:
    """List what stays as it is: the frozen stages, and the neck where the last stage is frozen.

    Necks of some families hold pretrained weights (a final LayerNorm, say). They belong to the features that
    a linear probe reads, so they stay with the last stage.
    """
    names = frozen_stages(backbone, frozen)
    modules: list[nn.Module] = [stage.module for stage in backbone.table if stage.name in names]
    if backbone.table and backbone.table[-1].name in names:
        modules.append(backbone.neck)
    return modules


def apply(backbone: Backbone, frozen: Frozen, *, batch_norm: BatchNormMode | None = None) -> None:
    """Freeze exactly ``frozen``, thaw everything else, and set training mode as `train_mode` does.

    ``batch_norm`` None means the policy's own mode, and "frozen" where stage names are given. Raises
    `SettingsError` where the backbone has no such stages.
    """
    modules = frozen_modules(backbone, frozen)  # checked before anything changes
    backbone.requires_grad_(True)
    for module in modules:
        module.requires_grad_(False)
        for parameter in module.parameters():
            parameter.grad = None  # an optimiser would step along a gradient that is left over
    train_mode(backbone, frozen, batch_norm=batch_norm)


def train_mode(backbone: Backbone, frozen: Frozen, *, batch_norm: BatchNormMode | None = None) -> None:
    """Training mode for what learns, eval mode for what is frozen; to be called after every evaluation.

    With ``batch_norm="learning"`` the BatchNorm layers of frozen stages go into training mode: their
    parameters stay, their running mean and variance follow the target data, and the audit shows it.
    """
    if batch_norm is None:
        batch_norm = frozen.batch_norm if isinstance(frozen, FreezePolicy) else "frozen"
    backbone.train()
    for module in frozen_modules(backbone, frozen):
        module.eval()
        if batch_norm == "learning":
            for part in module.modules():
                if isinstance(part, _BatchNorm):
                    part.train()

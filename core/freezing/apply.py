"""What "frozen" means: no gradients, and eval mode, so that parameters and buffers stay as they are to the bit.

What is frozen is said as stage names, in any combination: the first k of them freeze to depth k, all but the first
are surgical fine-tuning, and gradual unfreezing calls `freeze` again with fewer.
"""

from collections.abc import Collection
from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from core import errors
from core.backbones.backbone import Backbone


def freeze(
    backbone: Backbone, frozen: Collection[str], *, batch_norm: Literal["frozen", "learning"] = "frozen"
) -> None:
    """Freeze exactly the stages ``frozen``, thaw everything else; to be called again after every evaluation.

    What learns is in training mode, what is frozen in eval mode. With ``batch_norm="learning"``, as in much software
    that only sets ``requires_grad = False``, BatchNorm layers of frozen stages are in training mode, too: their
    parameters stay, their running mean and variance follow the target data, and the audit shows it. Raises
    `SettingsError` for a stage that the backbone does not have, before anything changes.
    """
    for name in frozen:
        errors.one_of("A frozen stage", name, [stage.name for stage in backbone.table])
    backbone.requires_grad_(True)
    backbone.train()
    for module in frozen_modules(backbone, frozen):
        module.requires_grad_(False)
        module.eval()
        for parameter in module.parameters():
            parameter.grad = None  # an optimiser would step along a gradient that is left over
        if batch_norm == "learning":
            for part in module.modules():
                if isinstance(part, _BatchNorm):
                    part.train()


def frozen_modules(backbone: Backbone, frozen: Collection[str]) -> list[nn.Module]:
    """List what stays as it is: the frozen stages, and the neck where the last stage is frozen.

    Necks of some families hold pretrained weights (a final LayerNorm, say). They belong to the features that
    a linear probe reads, so they stay with the last stage.
    """
    modules = [stage.module for stage in backbone.table if stage.name in frozen]
    if backbone.table and backbone.table[-1].name in frozen:
        modules.append(backbone.neck)
    return modules

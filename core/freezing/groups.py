"""Optimiser parameter groups: smaller steps far from the head, weight decay on weights only."""

from typing import Any

from torch import nn

from core.backbones.backbone import Backbone


def distances(backbone: Backbone) -> dict[str, int]:
    """Steps from the head: ``{"stem": K, …, last stage: 1, "neck": 1, "head": 0}``, in the network's order."""
    names = [stage.name for stage in backbone.table]
    return {name: len(names) - place for place, name in enumerate(names)} | {"neck": 1, "head": 0}


def _decays(name: str, parameter: nn.Parameter) -> bool:
    # Matrices and convolution kernels shrink. Biases, norms, layer scales, class tokens, position
    # embeddings and relative-position tables do not: Steiner et al. 2021 (arXiv 2106.10270), and the same
    # rule in torchvision's references (--norm-weight-decay 0, --bias-weight-decay 0).
    return parameter.ndim >= 2 and name.endswith("weight")


def parameter_groups(
    backbone: Backbone, *, learning_rate: float, weight_decay: float, stage_decay: float = 1.0
) -> list[dict[str, Any]]:
    """Groups for any ``torch.optim`` optimiser, from the input to the head, that learn the slower the further away.

    Each holds ``params``, ``lr``, ``weight_decay``, ``stage`` and ``scale``: a schedule sets ``group["lr"] = rate *
    group["scale"]``. Frozen parameters are in them, too, for they may thaw; an optimiser skips what has no gradient.
    """
    parts = {stage.name: stage.module for stage in backbone.table}
    parts |= {"neck": backbone.neck, "head": backbone.head}
    away = distances(backbone)
    taken: set[int] = set()  # by identity: the neck's parameters are the head's as well
    groups = []
    for part, module in parts.items():
        # Howard & Ruder 2018, arXiv 1801.06146; Clark et al. 2020, arXiv 2003.10555.
        scale = stage_decay ** away[part]
        members: dict[bool, list[nn.Parameter]] = {True: [], False: []}
        for name, parameter in module.named_parameters():
            if id(parameter) not in taken:
                taken.add(id(parameter))
                members[_decays(name, parameter)].append(parameter)
        for decays, parameters in members.items():
            if parameters:
                group = {
                    "params": parameters,
                    "lr": learning_rate * scale,
                    "weight_decay": weight_decay * decays,
                }
                groups.append(group | {"stage": part, "scale": scale})
    return groups

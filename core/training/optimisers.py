"""From settings to optimiser, and what pulls on the weights besides the loss."""

import itertools

from torch import Tensor, nn, optim

from core.backbones.backbone import Backbone
from core.freezing.groups import parameter_groups
from core.training.config import FinetuneConfig

MOMENTUM = 0.9  # SGD with Nesterov momentum, Sutskever et al. 2013; RMSprop's forgetting factor stays torch's


def build(config: FinetuneConfig, backbone: Backbone) -> optim.Optimizer:
    """Make the optimiser of a resolved ``config``, over all stages and the head, frozen ones included.

    Frozen parameters get no gradient, and an optimiser skips what has none: so gradual unfreezing needs no
    second optimiser. Fused kernels take one pass over the weights where torch has them (CPU and CUDA).
    """
    assert config.learning_rate is not None
    assert config.stage_decay is not None
    groups = parameter_groups(
        backbone,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        stage_decay=config.stage_decay,
        include_frozen=True,
    )
    if config.optimiser == "adamw":
        return optim.AdamW(groups, fused=True)
    if config.optimiser == "sgd":
        return optim.SGD(groups, momentum=MOMENTUM, nesterov=True, fused=True)
    return optim.RMSprop(groups)


def set_rate(optimiser: optim.Optimizer, rate: float) -> None:
    """Set every group's learning rate to ``rate`` times its stage's share."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]


class PullTowards:
    """L2-SP: adds ``strength * (w - start)`` to the gradients of the stages' parameters.

    Li et al. 2018, arXiv 1802.01483. The head has no start; ordinary weight decay takes care of it.
    """

    def __init__(self, backbone: Backbone, strength: float) -> None:
        """Remember the weights that ``backbone`` has now (none, where the strength is 0)."""
        self._strength = strength
        self._pairs: list[tuple[nn.Parameter, Tensor]] = []
        if strength > 0:
            stages = (stage.module.parameters() for stage in backbone.table)
            self._pairs = [(p, p.detach().clone()) for p in itertools.chain.from_iterable(stages)]

    def add_to_gradients(self) -> None:
        """To be called between ``backward`` and the optimiser's step."""
        for parameter, start in self._pairs:
            if parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - start, alpha=self._strength)

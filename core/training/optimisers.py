"""From settings to optimiser, and what pulls on the weights besides the loss."""

from torch import optim

from core.backbones.backbone import Backbone
from core.freezing.groups import parameter_groups
from core.training.config import FinetuneConfig

MOMENTUM = 0.9  # SGD with Nesterov momentum, Sutskever et al. 2013; RMSprop's forgetting factor stays torch's


def build_optimiser(config: FinetuneConfig, backbone: Backbone) -> optim.Optimizer:
    """Make the optimiser of a resolved ``config``, over all stages and the head, frozen ones included.

    So gradual unfreezing needs no second one. Fused kernels take one pass over the weights where torch has them (CPU
    and CUDA). With ``config.l2_sp`` each of its steps pulls the stages towards the weights that they have now.
    """
    assert config.learning_rate is not None
    assert config.stage_decay is not None
    groups = parameter_groups(
        backbone,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        stage_decay=config.stage_decay,
    )
    optimiser: optim.Optimizer
    if config.optimiser == "adamw":
        optimiser = optim.AdamW(groups, fused=True)
    elif config.optimiser == "sgd":
        optimiser = optim.SGD(groups, momentum=MOMENTUM, nesterov=True, fused=True)
    else:
        optimiser = optim.RMSprop(groups)
    if config.l2_sp:
        pull_towards_start(optimiser, backbone, config.l2_sp)
    return optimiser


def pull_towards_start(optimiser: optim.Optimizer, backbone: Backbone, strength: float) -> None:
    """L2-SP (Li et al. 2018, arXiv 1802.01483): pull the stages back to where they started, at every step.

    ``strength * (w - start)`` is added to the gradients of the stages' parameters; the start is what they are now. The
    head has none; ordinary weight decay takes care of it.
    """
    starts = [(p, p.detach().clone()) for stage in backbone.table for p in stage.module.parameters()]

    def add_to_gradients(*_: object) -> None:
        for parameter, start in starts:
            if parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - start, alpha=strength)

    optimiser.register_step_pre_hook(add_to_gradients)


def set_rate(optimiser: optim.Optimizer, rate: float) -> None:
    """Set every group's learning rate to ``rate`` times its stage's share."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]

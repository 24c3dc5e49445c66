"""What each strategy freezes in each epoch, and from which weights it starts."""

import copy

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from core import errors
from core.backbones import stages, weights
from core.backbones.backbone import Backbone
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.views import generator


def frozen_in_epoch(
    config: FinetuneConfig, *, epoch: int, names: tuple[str, ...], first_segment: int
) -> tuple[str, ...]:
    """Say which of the stages ``names`` are frozen in ``epoch`` (from 0) of a resolved ``config``.

    Gradual unfreezing shares the first segment's epochs evenly among K + 1 steps: head alone, last stage and
    head, …, everything; what is added by extending the run trains everything.
    """
    if config.strategy == "surgical":
        return names[1:]
    if config.strategy == "gradual":
        thawed = min(len(names), epoch * (len(names) + 1) // first_segment)
        return names[: len(names) - thawed]
    return names[: config.freeze_depth]


def always_frozen(config: FinetuneConfig, names: tuple[str, ...]) -> tuple[str, ...]:
    """Name the stages that no epoch of a resolved ``config`` trains, however often the run is extended."""
    if config.strategy == "gradual":
        return ()
    return frozen_in_epoch(config, epoch=0, names=names, first_segment=1)


def frozen_depth(frozen: tuple[str, ...], names: tuple[str, ...]) -> int:
    """Count the ``frozen`` among the stages ``names`` from the input: how deep a frozen prefix reaches."""
    return len(frozen) if frozen == names[: len(frozen)] else 0


def cacheable_depth(config: FinetuneConfig, frozen: tuple[str, ...], names: tuple[str, ...]) -> int:
    """Say up to which depth features stay as they are while the stages ``frozen`` are."""
    if config.batch_norm == "learning":
        return 0  # the prefix changes with every batch that passes through it
    return frozen_depth(frozen, names)


def holds_statistics(config: FinetuneConfig) -> bool:
    """Tell whether BatchNorm keeps its pretrained statistics in stages that are trained, too.

    LP-FT's head was solved on features normalised by them. Normalised by the batch instead, features of
    pictures unlike the source's jump in the first step, and the head is lost: measured on 200 digits, 10 epochs,
    60.5 % of test images right instead of 84.3 % (four views), and 96.0 % with the plain view.
    """
    return config.strategy == "lp_ft"


def is_normalised(backbone: Backbone) -> bool:
    """Tell whether the network normalises its features (BatchNorm, LayerNorm, …).

    A random head on features that nothing normalises learns slowly, and the stages learn its mistakes: real
    SqueezeNet at 128 px, 20 aerial photographs a class, 10 epochs, 2 seeds: 35-47 % right from a random head with
    the first stage frozen at any rate from 3e-5 to 3e-4, 71-72 % from a head that starts as a linear probe, whose
    own accuracy is 70 %.
    """
    return any(isinstance(module, _NormBase | nn.LayerNorm | nn.GroupNorm) for module in backbone.modules())


def is_probe(config: FinetuneConfig, depth: int) -> bool:
    """Tell whether a resolved ``config`` asks for a convex problem, to be solved instead of trained.

    Freezing all ``depth`` stages under a linear head is one, also where the strategy is called
    freeze-to-depth, unless crops are fresh in each epoch, features are mixed, or BatchNorm is meant to drift.
    """
    if config.strategy == "linear_probe":
        return True
    return (
        config.strategy == "freeze_to_depth"
        and config.freeze_depth == depth
        and config.head == "linear"
        and config.batch_norm == "frozen"
        and config.views != 0
        and config.mixup == 0
    )


def start(config: FinetuneConfig, given: Backbone | None) -> Backbone:
    """Return a new network with the weights that the strategy starts from, its original head in place.

    ``given`` stands for the pretrained network where it is not None (it stays untouched); otherwise the
    catalogue's ``config.backbone`` is built, and the weights are loaded where the strategy needs them.
    """
    pretrained = STRATEGIES[config.strategy].pretrained
    if given is not None:
        backbone = copy.deepcopy(given)
        if not pretrained:
            initialise(backbone, seed=config.seed)
            backbone.said = ()
    else:
        backbone = stages.build(config.backbone, seed=config.seed)
        if pretrained:
            weights.load_pretrained(backbone, config.weights)
    if config.strategy == "scratch_statistics":
        source = given
        if source is None:
            source = stages.build(config.backbone)
            weights.load_pretrained(source, config.weights)
        match_statistics(backbone, source, seed=config.seed)
    return backbone


def match_statistics(backbone: Backbone, source: Backbone, *, seed: int) -> None:
    """Draw each parameter tensor from a normal distribution with ``source``'s mean and standard deviation.

    Raghu et al. 2019 (arXiv 1902.07208), "Mean Var" initialisation: pretrained scale, no pretrained features.
    BatchNorm's running statistics stay at their beginning.
    """
    drawn = generator(seed, "scratch statistics")
    with torch.no_grad():
        for parameter, model in zip(backbone.parameters(), source.parameters(), strict=True):
            noise = torch.randn(parameter.shape, generator=drawn).to(parameter)
            parameter.copy_(noise * model.std(correction=0) + model.mean())


def initialise(backbone: Backbone, *, seed: int) -> None:
    """Draw all parameters anew, as torch's modules and the ResNet paper do (He et al. 2015, arXiv 1502.01852)."""
    with stages.seeded(generator(seed, "scratch").initial_seed()):
        for name, module in backbone.named_modules():
            own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
            elif own:
                raise errors.SettingsError(
                    f"{backbone.name} cannot start from scratch: its part {name} does not say how it is drawn."
                )
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

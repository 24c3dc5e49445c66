"""The steps of training, and what is measured: what a run does to a network, and nothing of how it is watched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.backbones.backbone import Backbone
from core.backbones.stages import seeded
from core.training.cache import Features, suffix
from core.training.config import FinetuneConfig
from core.training.depthwise import depthwise_gradients
from core.training.precision import autocast
from core.training.schedule import learning_rate
from core.training.views import generator


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Mean cross-entropy and accuracy (0-1)."""

    loss: float
    accuracy: float


def steps_per_epoch(images: int, batch_size: int) -> int:
    """How many steps one pass takes. Batches are equal but for one image, and never one image alone."""
    batches = -(-images // batch_size)
    return batches if batch_size == 1 else max(1, min(batches, images // 2))


def epoch_steps(
    config: FinetuneConfig, *, epoch: int, images: int, segments: Sequence[int]
) -> Iterator[tuple[int, float, Tensor]]:
    """Deal ``images`` out to the steps of ``epoch`` (from 0): step (from 0, over the run), learning rate, numbers (B,).

    All that is random in a run, this order, crops, dropout and mixup, is a function of the seed and the epoch or step
    alone. ``segments``: see `learning_rate`.
    """
    assert config.learning_rate is not None
    steps = steps_per_epoch(images, config.batch_size)
    order = torch.randperm(images, generator=generator(config.seed, "order", epoch))
    for place, numbers in enumerate(order.tensor_split(steps)):
        step = epoch * steps + place
        rate = learning_rate(
            step, segments=segments, steps_per_epoch=steps, peak=config.learning_rate, warm_up=config.warm_up
        )
        yield step, rate, numbers


def add_gradients(
    config: FinetuneConfig,
    backbone: Backbone,
    features: Features,
    numbers: Tensor,
    step: int,
    *,
    view: int,
    size: int,
) -> tuple[Tensor, Tensor]:
    """Leave the gradients of the mean loss on images ``numbers`` (B,); that loss and the hits, both () on the device.

    No more than ``size`` images at once go through the trained stages; gradients add up to those of the whole batch.
    """
    labels = features.labels[numbers.to(features.device)]  # (B,)
    inputs = features.batch(numbers, view)
    if config.mixup:
        inputs, others, share = mixed(config, step, inputs)
    loss_sum, hits = torch.zeros(2, device=features.device).unbind()
    backbone.zero_grad(set_to_none=True)
    parts = steps_per_epoch(len(numbers), size)
    with seeded(generator(config.seed, "dropout", step).initial_seed(), features.device):
        for some in torch.arange(len(numbers), device=features.device).tensor_split(parts):
            with autocast(features.device), depthwise_gradients(features.device):
                scores = suffix(backbone, inputs if parts == 1 else inputs[some], features.depth)
            scores = scores.float()
            loss = functional.cross_entropy(scores, labels[some], label_smoothing=config.label_smoothing)
            if config.mixup:
                other = functional.cross_entropy(
                    scores, labels[others][some], label_smoothing=config.label_smoothing
                )
                loss = share * loss + (1 - share) * other
            loss = loss * (len(some) / len(numbers))
            loss.backward()  # type: ignore[no-untyped-call]
            loss_sum += loss.detach()
            hits += (scores.detach().argmax(dim=1) == labels[some]).sum()
    return loss_sum, hits


def mixed(config: FinetuneConfig, step: int, inputs: Tensor) -> tuple[Tensor, Tensor, float]:
    """Mixup (Zhang et al. 2018, arXiv 1710.09412): inputs, each one's partner, and the share of its own.

    It mixes what enters the trained part. With nothing frozen these are images; with frozen stages they are
    features (Verma et al. 2019, arXiv 1806.05236), so that it works on cached features just as well.
    """
    others = torch.randperm(len(inputs), generator=generator(config.seed, "mixup", step)).to(inputs.device)
    random = np.random.default_rng(generator(config.seed, "mixup share", step).initial_seed())
    share = float(random.beta(config.mixup, config.mixup))
    return inputs * share + inputs[others] * (1 - share), others, share


@torch.no_grad()
def class_scores(backbone: Backbone, features: Features, numbers: Tensor) -> Tensor:
    """Class scores (B, classes) float32 of the plain images ``numbers`` (B,), of a network in eval mode."""
    with autocast(features.device):
        scores = suffix(backbone, features.batch(numbers, 0), features.depth)
    return scores.float()


def measure(scores: Tensor, labels: Tensor) -> Scores:
    """Mean cross-entropy and accuracy of class scores (N, classes) against labels (N,)."""
    return Scores(
        loss=float(functional.cross_entropy(scores, labels)),
        accuracy=float((scores.argmax(dim=1) == labels).float().mean()),
    )

"""One epoch of training, and one evaluation."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, optim
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from core.backbones.backbone import Backbone
from core.events import Event
from core.freezing.apply import Frozen, frozen_modules
from core.training import batch_norm, optimisers, precision
from core.training.cache import Features, Some, suffix
from core.training.config import FinetuneConfig
from core.training.events import BatchDone
from core.training.memory import MicroBatch
from core.training.schedule import learning_rate
from core.training.views import generator


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Mean cross-entropy and accuracy (0-1)."""

    loss: float
    accuracy: float


def steps_per_epoch(images: int, batch_size: int) -> int:
    """How many steps one pass takes. Batches are equal but for one image, and never one image alone."""
    wanted = -(-images // batch_size)
    return wanted if batch_size == 1 else max(1, min(wanted, images // 2))


@dataclass(kw_only=True)
class Loop:
    """What training needs besides the data: the settings, the network, and what moves it."""

    config: FinetuneConfig  # resolved
    backbone: Backbone
    optimiser: optim.Optimizer
    pull: optimisers.PullTowards
    micro: MicroBatch
    segments: list[int]  # epochs of each part of the run, see schedule.learning_rate

    def epoch(self, number: int, features: Features | Some) -> Iterator[Event | Scores]:
        """Train epoch ``number`` (from 0) on ``features``: `BatchDone` per step, `Note`s, and last the `Scores`.

        The order, the crops, dropout and mixup are functions of the seed and the epoch or step alone. A step's
        event comes after the next step is on its way, so that reading the loss does not stop a GPU.
        """
        config = self.config
        assert config.learning_rate is not None
        assert config.epochs is not None
        images, device = len(features), features.device
        steps = steps_per_epoch(images, config.batch_size)
        order = torch.randperm(images, generator=generator(config.seed, "order", number))
        loss_sum, hits = torch.zeros(2, device=device).unbind()
        seen, begin = 0, time.perf_counter()
        waiting: tuple[int, float, Tensor] | None = None
        for place, numbers in enumerate(order.tensor_split(steps)):
            step = number * steps + place
            rate = learning_rate(
                step,
                segments=self.segments,
                steps_per_epoch=steps,
                peak=config.learning_rate,
                warm_up=config.warm_up,
            )
            optimisers.set_rate(self.optimiser, rate)
            loss, right = self._step(step, numbers, features, features.views.of_epoch(number))
            loss_sum += loss * len(numbers)
            hits += right
            yield from self.micro.news()
            if waiting is not None:
                yield self._batch_done(waiting, steps, seen / (time.perf_counter() - begin))
            waiting = (step, rate, loss)
            seen += len(numbers)
        if waiting is not None:
            yield self._batch_done(waiting, steps, seen / (time.perf_counter() - begin))
        yield Scores(loss=float(loss_sum) / images, accuracy=float(hits) / images)

    def _batch_done(self, done: tuple[int, float, Tensor], steps: int, speed: float) -> BatchDone:
        step, rate, loss = done
        assert self.config.epochs is not None
        return BatchDone(
            step=step + 1,
            steps=steps * self.config.epochs,
            loss=float(loss),
            learning_rate=rate,
            images_per_second=speed,
        )

    def _step(
        self, step: int, numbers: Tensor, features: Features | Some, view: int
    ) -> tuple[Tensor, Tensor]:
        """One optimiser step on images ``numbers`` (B,); its mean loss and its hits, both () on the device."""
        device = features.device
        labels = features.labels[numbers.to(device)]  # (B,)
        loss_sum, hits = torch.zeros(2, device=device).unbind()

        def work(size: int) -> None:
            self.optimiser.zero_grad(set_to_none=True)
            loss_sum.zero_()
            hits.zero_()
            inputs, others, share = self._mixed(step, features.batch(numbers, view))
            parts = max(1, min(-(-len(numbers) // size), len(numbers) // self.micro.smallest))
            for some in torch.arange(len(numbers), device=device).tensor_split(parts):
                whole = parts == 1
                with precision.autocast(device):
                    scores = suffix(self.backbone, inputs if whole else inputs[some], features.depth)
                scores = scores.float()
                loss = self._loss(scores, labels[some])
                if share < 1:
                    loss = share * loss + (1 - share) * self._loss(scores, labels[others][some])
                loss = loss * (len(some) / len(numbers))
                loss.backward()  # type: ignore[no-untyped-call]
                loss_sum.add_(loss.detach())
                hits.add_((scores.detach().argmax(dim=1) == labels[some]).sum())

        with seeded(self.config.seed, step, device):
            self.micro.attempt(work, device)
        self.pull.add_to_gradients()
        self.optimiser.step()
        return loss_sum, hits

    def _loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(scores, labels, label_smoothing=self.config.label_smoothing)

    def _mixed(self, step: int, inputs: Tensor) -> tuple[Tensor, Tensor, float]:
        """Mixup (Zhang et al. 2018, arXiv 1710.09412): inputs, each one's partner, and the share of its own.

        It mixes what enters the trained part. With nothing frozen these are images; with frozen stages they are
        features (Verma et al. 2019, arXiv 1806.05236), so that it works on cached features just as well.
        """
        others = torch.randperm(len(inputs), generator=generator(self.config.seed, "mixup", step))
        others = others.to(inputs.device)
        if not self.config.mixup:
            return inputs, others, 1.0
        random = np.random.default_rng(generator(self.config.seed, "mixup share", step).initial_seed())
        share = float(random.beta(self.config.mixup, self.config.mixup))
        return inputs * share + inputs[others] * (1 - share), others, share


@contextlib.contextmanager
def seeded(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Let dropout draw from its own numbers for this step, and put the process's generators back afterwards."""
    number = generator(seed, "dropout", step).initial_seed()
    cuda = (
        [torch.cuda.current_device() if device.index is None else device.index]
        if device.type == "cuda"
        else []
    )
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(number)
        for index in cuda:
            torch.cuda.default_generators[index].manual_seed(number)
        yield


def hold_statistics(backbone: Backbone) -> None:
    """Let every BatchNorm normalise by the statistics that it came with, in stages that are trained, too."""
    for module in backbone.modules():
        if isinstance(module, _BatchNorm):
            module.eval()


def trained_layers(backbone: Backbone, frozen: Frozen) -> list[_BatchNorm]:
    """List the BatchNorm layers that are in training mode and lie in no frozen stage."""
    kept = {id(part) for module in frozen_modules(backbone, frozen) for part in module.modules()}
    return [
        module
        for module in backbone.modules()
        if isinstance(module, _BatchNorm) and module.training and id(module) not in kept
    ]


def recompute_statistics(
    backbone: Backbone, features: Features | Some, view: int, *, frozen: Frozen, seed: int, micro: MicroBatch
) -> None:
    """Set the statistics of what `trained_layers` lists to averages over images of ``features``, 1,024 at most.

    Batches are drawn once a run (``seed``) and are of the size that training uses, since each layer sees what the
    layers before it normalised by their batches. Frozen statistics do not move. Leaves the network in eval mode.
    """
    layers = trained_layers(backbone, frozen)
    backbone.eval()
    if not layers:
        return
    order = torch.randperm(len(features), generator=generator(seed, "statistics"))[: batch_norm.MOST_IMAGES]

    def forward(numbers: Tensor) -> None:
        with precision.autocast(features.device):
            suffix(backbone, features.batch(numbers, view), features.depth)

    def work(size: int) -> None:
        parts = max(1, min(-(-len(order) // size), len(order) // micro.smallest))
        batch_norm.average(layers, order.tensor_split(parts), forward)

    micro.attempt(work, features.device)


def evaluate(backbone: Backbone, features: Features | Some, *, micro: MicroBatch) -> Iterator[Tensor]:
    """Class scores of all images of ``features`` (plain view) in eval mode, chunk by chunk (B, classes) float32."""
    backbone.eval()
    device = features.device
    chunk: list[Tensor] = []
    done = 0

    def work(size: int) -> None:
        chunk.clear()
        numbers = torch.arange(done, min(done + size, len(features)))
        with torch.no_grad(), precision.autocast(device):
            chunk.append(suffix(backbone, features.batch(numbers, 0), features.depth).float())

    while done < len(features):
        micro.attempt(work, device)
        done += len(chunk[0])
        yield chunk[0]


def measure(scores: Tensor, labels: Tensor) -> Scores:
    """Mean cross-entropy and accuracy of class scores (N, classes) against labels (N,)."""
    return Scores(
        loss=float(functional.cross_entropy(scores, labels)),
        accuracy=float((scores.argmax(dim=1) == labels).float().mean()),
    )

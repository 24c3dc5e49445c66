"""One epoch of training, and one evaluation, as a run drives them: watched, and within the memory that there is."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, optim

from core.backbones.backbone import Backbone
from core.events import Event
from core.training import batch_norm, optimisers
from core.training.cache import Features
from core.training.config import FinetuneConfig
from core.training.events import BatchDone
from core.training.memory import MicroBatch
from core.training.steps import Scores, add_gradients, class_scores, epoch_steps, steps_per_epoch


@dataclass(kw_only=True)
class Loop:
    """What training needs besides the data: the settings, the network, and what moves it."""

    config: FinetuneConfig  # resolved
    backbone: Backbone
    optimiser: optim.Optimizer
    micro: MicroBatch
    segments: list[int]  # epochs of each part of the run, see schedule.learning_rate

    def epoch(self, number: int, features: Features) -> Iterator[Event | Scores]:
        """Train epoch ``number`` (from 0) on ``features``: `BatchDone` per step, `Note`s, and last the `Scores`.

        A step's event comes after the next step is on its way, so that reading the loss does not stop a GPU.
        """
        images = len(features)
        loss_sum, hits = torch.zeros(2, device=features.device).unbind()
        seen, begin = 0, time.perf_counter()
        waiting: tuple[int, float, Tensor] | None = None
        for step, rate, numbers in epoch_steps(
            self.config, epoch=number, images=images, segments=self.segments
        ):
            optimisers.set_rate(self.optimiser, rate)
            loss, right = self._gradients(step, numbers, features, features.views.of_epoch(number))
            self.optimiser.step()
            loss_sum += loss * len(numbers)
            hits += right
            yield from self.micro.news()
            if waiting is not None:
                yield self._batch_done(waiting, images, seen / (time.perf_counter() - begin))
            waiting = (step, rate, loss)
            seen += len(numbers)
        if waiting is not None:
            yield self._batch_done(waiting, images, seen / (time.perf_counter() - begin))
        yield Scores(loss=float(loss_sum) / images, accuracy=float(hits) / images)

    def recompute_statistics(self, features: Features, view: int, *, frozen: Collection[str]) -> None:
        """Do as `batch_norm.recompute_statistics` does, to all layers that are trained."""
        layers = batch_norm.trained_layers(self.backbone, frozen)

        def work(size: int) -> None:
            batch_norm.recompute_statistics(
                self.backbone, layers, features, view, seed=self.config.seed, size=size
            )

        self.micro.attempt(work, features.device)

    def _batch_done(self, done: tuple[int, float, Tensor], images: int, speed: float) -> BatchDone:
        step, rate, loss = done
        assert self.config.epochs is not None
        return BatchDone(
            step=step + 1,
            steps=steps_per_epoch(images, self.config.batch_size) * self.config.epochs,
            loss=float(loss),
            learning_rate=rate,
            images_per_second=speed,
        )

    def _gradients(self, step: int, numbers: Tensor, features: Features, view: int) -> tuple[Tensor, Tensor]:
        results: list[tuple[Tensor, Tensor]] = []

        def work(size: int) -> None:
            results.clear()
            results.append(
                add_gradients(self.config, self.backbone, features, numbers, step=step, view=view, size=size)
            )

        self.micro.attempt(work, features.device)
        return results[0]


def evaluate(backbone: Backbone, features: Features, *, micro: MicroBatch) -> Iterator[Tensor]:
    """Class scores of all images of ``features`` (plain view) in eval mode, chunk by chunk (B, classes) float32."""
    backbone.eval()
    chunk: list[Tensor] = []
    done = 0

    def work(size: int) -> None:
        chunk.clear()
        numbers = torch.arange(done, min(done + size, len(features)))
        chunk.append(class_scores(backbone, features, numbers))

    while done < len(features):
        micro.attempt(work, features.device)
        done += len(chunk[0])
        yield chunk[0]

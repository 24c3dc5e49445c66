"""Train the built-in backbone on Tiny ImageNet. Resumable; CPU or GPU.

    python -m tools.pretrain_backbone --archive tiny-imagenet-200.zip --work DIR [--phases 32:7,48:6,64:5]

Low resolution first makes early epochs cheap (progressive resizing, Howard 2018); networks tested at a
somewhat higher resolution than they were trained at do better (Touvron et al. 2019, arXiv 1906.06423).
The exponential moving average of the weights is what gets exported (``tools.export_backbone``).
"""

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn, optim

from core.backbones.tiny_resnet import TinyResNet18
from core.images import augmentation, normalisation
from core.training import precision
from tools import evaluate_backbone, tiny_imagenet


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the result, besides the hardware."""

    phases: tuple[tuple[int, int], ...] = ((32, 7), (48, 6), (64, 5))  # (side in pixels, epochs)
    batch_size: int = 256
    peak_rate: float = 0.4
    warm_up: float = 0.1  # share of all steps
    momentum: float = 0.9
    weight_decay: float = 5e-4  # on convolution and linear weights only
    label_smoothing: float = 0.1
    crop_area: tuple[float, float] = (0.35, 1.0)
    ema_decay: float = 0.999
    seed: int = 0
    initialised_from: tuple[str, ...] = ()  # file names, averaged if several; empty means random weights

    def sides(self) -> tuple[int, ...]:
        """The image side of every epoch."""
        return tuple(side for side, epochs in self.phases for _ in range(epochs))


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """One-cycle learning rate (Smith 2018, arXiv 1803.09820): linear warm-up, cosine to zero."""
    progress = (step + 1) / steps
    if progress < recipe.warm_up:
        return recipe.peak_rate * progress / recipe.warm_up
    return (
        recipe.peak_rate * 0.5 * (1 + math.cos(math.pi * (progress - recipe.warm_up) / (1 - recipe.warm_up)))
    )


@dataclass(frozen=True, kw_only=True)
class CoolDown:
    """An early end of a run: the rate falls linearly to zero over ``steps`` steps after ``start``.

    Any point of a schedule can be cooled down from (Hägele et al. 2024, arXiv 2405.18392), so a run that must
    end before its plan does still ends well.
    """

    start: int
    steps: int
    rate: float  # the rate at ``start``

    def at(self, step: int) -> float:
        """Learning rate of ``step``."""
        return self.rate * max(0.0, 1 - (step + 1 - self.start) / self.steps)


def batches(recipe: Recipe, epoch: int, count: int) -> Iterator[tuple[int, Tensor, torch.Generator]]:
    """Shuffled batches of image numbers, each with its own generator, so that a resumed run repeats none."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(recipe.seed * 1000 + epoch))
    for number, start in enumerate(range(0, count - recipe.batch_size + 1, recipe.batch_size)):
        seed = (recipe.seed * 1000 + epoch) * 100_000 + number
        yield number, order[start : start + recipe.batch_size], torch.Generator().manual_seed(seed)


class Trainer:
    """The network, its moving average, the optimiser and the step counter: what a checkpoint holds."""

    def __init__(self, recipe: Recipe, device: torch.device, initial: list[Path]) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.device, self.step, self.seconds = recipe, device, 0, 0.0
        self.cool_down: CoolDown | None = None
        self.network = TinyResNet18()
        if initial:
            self.network.load_state_dict(average_of(initial))
        self.network = self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.SGD(
            [
                {"params": decayed, "weight_decay": recipe.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=0.0,
            momentum=recipe.momentum,
            nesterov=True,
        )
        self.loss = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)

    def train_batch(
        self, images: Tensor, labels: Tensor, side: int, learning_rate: float, generator: torch.Generator
    ) -> float:
        """One step on uint8 images (B, 3, 64, 64) and labels (B,); returns the loss."""
        self.network.train()
        boxes = augmentation.random_boxes(len(images), generator=generator, area=self.recipe.crop_area)
        inputs = normalisation.IMAGENET.apply(images.to(self.device))
        inputs = augmentation.crop(inputs, boxes, side).contiguous(memory_format=torch.channels_last)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        with precision.autocast(self.device):
            loss: Tensor = self.loss(self.network(inputs).float(), labels.to(self.device))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self._update_average()
        self.step += 1
        return loss.item()

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.recipe.ema_decay, (1 + self.step) / (10 + self.step))
        for kept, new in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - decay)
            else:
                kept.copy_(new)

    def save(self, path: Path) -> None:
        """Write a checkpoint atomically."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "recipe": json.dumps(asdict(self.recipe)),
            "cool_down": asdict(self.cool_down) if self.cool_down else None,
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def resume(self, path: Path) -> None:
        """Continue from ``path``; its recipe must be ours."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["recipe"] != json.dumps(asdict(self.recipe)):
            raise SystemExit(f"{path} belongs to another recipe: {state['recipe']}")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.cool_down = CoolDown(**state["cool_down"]) if state.get("cool_down") else None


def average_of(files: list[Path]) -> dict[str, Tensor]:
    """Average weights, name by name (Izmailov et al. 2018, arXiv 1803.05407: ends of cycles make one better end)."""
    states = [load_file(file) for file in files]
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0)
        if first.is_floating_point()
        else first
        for name, first in states[0].items()
    }


def recalibrate(network: nn.Module, split: tiny_imagenet.Split, side: int, device: torch.device) -> None:
    """Measure BatchNorm's statistics anew on 10,000 whole images at ``side``, as the network is used later.

    Random crops magnify objects, so statistics gathered from them are off for whole images (Touvron et al. 2019).
    """
    chosen = np.sort(np.random.default_rng(0).permutation(len(split.labels))[:10_000])
    shuffled = np.random.default_rng(1).permutation(chosen)

    def batch(start: int) -> Tensor:
        pixels = torch.from_numpy(split.images[np.sort(shuffled[start : start + 250])]).permute(0, 3, 1, 2)
        inputs = augmentation.resize(normalisation.IMAGENET.apply(pixels.to(device)), side)
        return inputs.contiguous(memory_format=torch.channels_last)

    optim.swa_utils.update_bn((batch(start) for start in range(0, len(shuffled), 250)), network)


def accuracy(
    network: nn.Module, split: tiny_imagenet.Split, side: int, device: torch.device
) -> tuple[float, float]:
    """Top-1 and top-5 (0-1) on the whole images, resized to ``side``."""
    scores = evaluate_backbone.scores_of(network, split.images, side, device, normalisation.IMAGENET)
    hits = scores.topk(5).indices == torch.from_numpy(split.labels)[:, None]
    return hits[:, 0].float().mean().item(), hits.any(1).float().mean().item()


def main() -> None:
    """Train, or continue, until the recipe is done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for decoded arrays and the checkpoint"
    )
    parser.add_argument("--phases", default="32:7,48:6,64:5", help="side:epochs, in order")
    parser.add_argument("--peak-rate", type=float, default=Recipe.peak_rate)
    parser.add_argument("--ema-decay", type=float, default=Recipe.ema_decay)
    parser.add_argument("--warm-up", type=float, default=Recipe.warm_up, help="share of all steps")
    parser.add_argument("--smallest-crop", type=float, default=Recipe.crop_area[0], help="share of the area")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument(
        "--init", type=Path, nargs="+", default=[], help="start from (the average of) these .safetensors"
    )
    parser.add_argument(
        "--cool-down", type=int, help="end early: so many more steps, the rate falling to zero"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    phases = tuple(
        (int(side), int(epochs)) for side, epochs in (p.split(":") for p in arguments.phases.split(","))
    )
    recipe = Recipe(
        phases=phases,
        peak_rate=arguments.peak_rate,
        ema_decay=arguments.ema_decay,
        seed=arguments.seed,
        initialised_from=tuple(path.name for path in arguments.init),
        warm_up=arguments.warm_up,
        crop_area=(arguments.smallest_crop, 1.0),
    )
    device = torch.device(arguments.device)
    data = tiny_imagenet.load(arguments.archive, arguments.work)
    trainer = Trainer(recipe, device, arguments.init)
    checkpoint = arguments.work / "checkpoint.pt"
    if checkpoint.exists():
        trainer.resume(checkpoint)
    if arguments.cool_down and trainer.cool_down is None:
        planned = rate(recipe, trainer.step, planned_steps(recipe, len(data.train.labels)))
        trainer.cool_down = CoolDown(start=trainer.step, steps=arguments.cool_down, rate=planned)
    train(trainer, data, checkpoint)


def planned_steps(recipe: Recipe, images: int) -> int:
    """How many steps the whole recipe takes."""
    return images // recipe.batch_size * len(recipe.sides())


def train(trainer: Trainer, data: tiny_imagenet.TinyImageNet, checkpoint: Path) -> None:
    """Train from where ``trainer`` stands to the end of its recipe, or of its cool-down."""
    recipe, cool_down = trainer.recipe, trainer.cool_down
    labels = torch.from_numpy(data.train.labels)
    planned = planned_steps(recipe, len(labels))
    end = planned if cool_down is None else min(planned, cool_down.start + cool_down.steps)
    started, running = time.monotonic() - trainer.seconds, 0.0
    for epoch, side in enumerate(recipe.sides()):
        for number, chosen, generator in batches(recipe, epoch, len(labels)):
            step = epoch * (planned // len(recipe.sides())) + number
            if step < trainer.step or step >= end:
                continue
            learning_rate = rate(recipe, step, planned) if cool_down is None else cool_down.at(step)
            images = torch.from_numpy(data.train.images[chosen.numpy()]).permute(0, 3, 1, 2)
            loss = trainer.train_batch(images, labels[chosen], side, learning_rate, generator)
            running = 0.98 * running + 0.02 * loss if running else loss
            trainer.seconds = time.monotonic() - started
            if trainer.step % 50 == 0:
                print(
                    f"step {trainer.step}/{end} side {side} loss {running:.3f} {trainer.seconds:.0f} s",
                    flush=True,
                )
            if trainer.step % 100 == 0:
                trainer.save(checkpoint)
    recalibrate(trainer.average, data.train, tiny_imagenet.SIDE, trainer.device)
    trainer.save(checkpoint)
    for side in (64, 80):
        top1, top5 = accuracy(trainer.average, data.validation, side, trainer.device)
        print(f"top-1 {top1:.4f} top-5 {top5:.4f} (moving average, {side} px)", flush=True)


if __name__ == "__main__":
    main()

"""A small network for digits, and the one training that every arm of these experiments goes through."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.datasets.dataset import LabelledImages

FEATURES = 64
BATCH = 64
PEAK_RATE = (
    3e-3  # of Adam, reached after 30 % of the steps, then falling to nothing (one cycle, arXiv 1708.07120)
)
# Where a second network is played against, steps without Adam's usual momentum (0.5, as for GANs: arXiv 1511.06434),
# falling as Ganin et al. 2016 (arXiv 1505.07818, section 5.2.2) let theirs fall.
ANNEALED_RATE = 2e-3

Penalty = Callable[[Tensor, Tensor, float], Tensor]
Labelled = tuple[Tensor, Tensor]  # images (N, 3, S, S) and classes (N,)


class DigitNetwork(nn.Module):
    """Images (B, 3, S, S) scaled to -1…1 -> class scores (B, classes), by way of features (B, 64). S = 16 or 28."""

    def __init__(self, classes: int = 10, width: int = 8, side: int = 16) -> None:
        super().__init__()
        blocks = [
            layer
            for into, out, pool in ((3, width, 2), (width, 2 * width, 2), (2 * width, 4 * width, 1))
            for layer in (
                nn.Conv2d(into, out, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(out),
                nn.ReLU(),
                nn.MaxPool2d(pool),
            )
        ]
        self.features = nn.Sequential(
            *blocks,  # (B, 4 · width, S/4, S/4)
            nn.Flatten(),
            nn.Linear(4 * width * (side // 4) ** 2, FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Compute class scores (B, classes)."""
        scores: Tensor = self.head(self.features(images))
        return scores


def built(seed: int, **options: int) -> DigitNetwork:
    """Make a `DigitNetwork` with the random weights of ``seed``; torch's own generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DigitNetwork(**options)


def as_input(labelled: LabelledImages) -> tuple[Tensor, Tensor]:
    """Bring images to (N, 3, S, S) float in -1…1, and labels to (N,)."""
    images = torch.from_numpy(labelled.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images.contiguous(), torch.from_numpy(labelled.labels)


def train(
    network: DigitNetwork,
    labelled: tuple[Tensor, Tensor],
    *,
    steps: int,
    seed: int,
    unlabelled: Tensor | None = None,
    penalty: Penalty | None = None,
    others: Iterable[nn.Parameter] = (),
    others_rate: float = PEAK_RATE,
    annealed: bool = False,
    batch: int = BATCH,
) -> Iterator[int]:
    """Train ``network`` for ``steps`` on ``labelled`` images (N, 3, S, S) with classes (N,); yields after every step.

    With a ``penalty``, ``batch`` images of the ``unlabelled`` (M, 3, S, S) go through the network together with the
    labelled ones, and ``penalty(features of source, features of target, share of steps done)`` joins the loss.
    ``others`` are parameters of the penalty's own, trained along at a rate of their own; ``annealed`` chooses
    a schedule without momentum for two players that pull against each other. Ends in eval mode.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser, schedule = _optimiser(network, list(others), others_rate, steps, annealed=annealed)
    images, labels = labelled
    network.train()
    for step in range(steps):
        source = torch.randint(len(images), (batch,), generator=generator)
        if penalty is None or unlabelled is None:
            loss = nn.functional.cross_entropy(network(images[source]), labels[source])
        else:
            target = torch.randint(len(unlabelled), (batch,), generator=generator)
            features = network.features(torch.cat([images[source], unlabelled[target]]))
            of_source, of_target = features[: len(source)], features[len(source) :]
            loss = nn.functional.cross_entropy(network.head(of_source), labels[source])
            loss = loss + penalty(of_source, of_target, step / steps)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step + 1 == steps:
            network.eval()
        yield step + 1
        network.train(step + 1 < steps)


def _optimiser(
    network: DigitNetwork, others: list[nn.Parameter], others_rate: float, steps: int, *, annealed: bool
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    rate = ANNEALED_RATE if annealed else PEAK_RATE
    groups = [{"params": list(network.parameters()), "lr": rate}]
    if others:
        groups.append({"params": others, "lr": others_rate})
    if annealed:
        optimiser = torch.optim.Adam(groups, betas=(0.5, 0.999))
        return optimiser, torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: float((1 + 10 * step / steps) ** -0.75)
        )
    optimiser = torch.optim.Adam(groups)
    rates = [float(one["lr"]) for one in optimiser.param_groups]
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=steps)


@torch.inference_mode()
def features_of(network: DigitNetwork, images: Tensor) -> NDArray[np.float64]:
    """Features (N, 64) of images (N, 3, S, S), in eval mode."""
    network.eval()
    found: NDArray[np.float64] = network.features(images).double().numpy()
    return found


@torch.inference_mode()
def accuracy(network: DigitNetwork, labelled: tuple[Tensor, Tensor]) -> float:
    """Share of images (N, 3, S, S) whose class (N,) is found, in eval mode."""
    network.eval()
    images, labels = labelled
    return float((network(images).argmax(dim=1) == labels).double().mean())

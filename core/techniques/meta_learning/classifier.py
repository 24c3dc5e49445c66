"""Pretraining without learning to learn: a plain classifier of the known classes, cut off below its last layer."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


def train_as_classifier(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    width: int,
    steps: int,
    batch: int,
    rate: float,
    generator: torch.Generator,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Train an embedding (N, ``width``) below a linear layer that names the classes of ``labels`` (N,), 0, 1, 2, …

    ``told(done, total)`` counts steps.
    """
    head = torch.randn(width, int(labels.max()) + 1, generator=generator).mul_(width**-0.5).requires_grad_()
    optimiser = torch.optim.Adam([*network.parameters(), head], lr=rate)
    network.train()
    for step in range(steps):
        told(step, steps)
        drawn = torch.randint(len(images), (batch,), generator=generator)
        loss = functional.cross_entropy(network(images[drawn]).relu() @ head, labels[drawn])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    network.eval()

"""Going through pictures in mini-batches, epoch by epoch."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from core.training.schedule import warm_up_cosine

WARM_UP = 0.1  # share of the steps


def descend(
    optimiser: torch.optim.Optimizer,
    loss: Callable[[Tensor], Tensor],
    count: int,
    *,
    batch: int,
    epochs: int,
    seed: int,
) -> Iterator[float]:
    """Let ``optimiser`` go through ``count`` pictures in the seed's order; yields the share (0-1) done.

    ``loss`` gets the numbers (B,) of a step's pictures, ``batch`` of them at most. The optimiser's own rate is the
    highest: warmed up to, then fallen from along a cosine. Nothing but its parameters gets a gradient.
    """
    order = torch.Generator().manual_seed(seed)
    group = optimiser.param_groups[0]
    peak, parameters = group["lr"], group["params"]
    batches = -(-count // batch)
    steps = batches * epochs
    for step in range(steps):
        if step % batches == 0:
            parts = torch.randperm(count, generator=order).tensor_split(batches)
        group["lr"] = warm_up_cosine(step, steps=steps, peak=peak, warm_up=WARM_UP)
        optimiser.zero_grad()
        loss(parts[step % batches]).backward(inputs=parameters)  # type: ignore[no-untyped-call]
        optimiser.step()
        yield (step + 1) / steps

"""Training one network on one task or two, with a look at how the tasks pull at the trunk."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector

from core.techniques.multi_task.gradients import cosine, without_conflict
from core.techniques.multi_task.network import TwoHeads

STEPS, RATE = 600, 3e-3  # Adam
BATCH, SECOND_BATCH = 32, 64


def train(
    network: TwoHeads,
    first: tuple[Tensor, Tensor],
    second: tuple[Tensor, Tensor] | None,
    *,
    weight: float,
    surgery: bool,
    generator: torch.Generator,
) -> Iterator[float | None]:
    """Take `STEPS` steps; yields after each the cosine of both tasks' gradients of the trunk (None for one task).

    ``first``: images (M, SIDE, SIDE) with their digits (M,); ``second``: images with the second question's answers.
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    trunk = list(network.trunk.parameters())
    for _ in range(STEPS):
        optimiser.zero_grad()
        images, digits = _batch(first, BATCH, generator)
        gradient = _gradient(functional.cross_entropy(network(images), digits), trunk, network.digits)
        similarity = None
        if second is not None:
            images, answers = _batch(second, SECOND_BATCH, generator)
            loss = weight * functional.cross_entropy(network.answer(images), answers)
            other = _gradient(loss, trunk, network.second)
            similarity = cosine(gradient, other)
            if surgery:
                gradient, other = without_conflict(gradient, other)
            gradient = gradient + other
        _set_gradient(trunk, gradient)
        optimiser.step()
        yield similarity


def _batch(of: tuple[Tensor, Tensor], size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    numbers = torch.randint(len(of[1]), (size,), generator=generator)
    return of[0][numbers], of[1][numbers]


def _gradient(loss: Tensor, trunk: list[nn.Parameter], head: nn.Linear) -> Tensor:
    """Leave the head's gradient in place, hand back the trunk's as one vector (P,)."""
    gradients = torch.autograd.grad(loss, [*trunk, head.weight, head.bias])
    head.weight.grad, head.bias.grad = gradients[-2:]
    return parameters_to_vector(gradients[:-2])


def _set_gradient(trunk: list[nn.Parameter], gradient: Tensor) -> None:
    parts = torch.split(gradient, [parameter.numel() for parameter in trunk])
    for parameter, part in zip(trunk, parts, strict=True):
        parameter.grad = part.view_as(parameter)

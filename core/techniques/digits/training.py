"""The one training that every arm of the experiments on digits' domains goes through."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator

import torch
from torch import Tensor, nn

from core.events import Progress
from core.techniques.digits.network import DigitNetwork
from core.techniques.digits.tensors import Labelled
from core.techniques.runner import working

BATCH = 64
# Of Adam, reached after 30 % of the steps, then falling to nothing (one cycle, arXiv 1708.07120).
PEAK_RATE = 3e-3
# Where a second network is played against, steps without Adam's usual momentum (0.5, as for GANs: arXiv 1511.06434),
# falling as Ganin et al. 2016 (arXiv 1505.07818, section 5.2.2) let theirs fall.
ANNEALED_RATE = 2e-3
EVERY = 20  # steps between two signs of life

Penalty = Callable[[Tensor, Tensor, float], Tensor]  # features of source and of target, share of steps done


def train(
    network: DigitNetwork,
    labelled: Labelled,
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
    rates = [float(group["lr"]) for group in optimiser.param_groups]
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=steps)


def ramp(done: float, peak: float = 1.0, steepness: float = 10.0) -> float:
    """A penalty's weight while training goes from ``done`` 0 to 1: from 0 to ``peak``, first classes, then domains.

    Ganin et al. 2016 (arXiv 1505.07818), section 5.2.2: 2 / (1 + exp(-γ p)) - 1 with γ = 10, the ``steepness``, so that
    a domain classifier that has learned nothing yet does no harm. With ``steepness`` 0 it is ``peak`` throughout.
    """
    return peak if steepness == 0 else peak * (2 / (1 + math.exp(-steepness * done)) - 1)


def signs_of_life(phase: str, trained: Iterator[int], steps: int) -> Generator[Progress, None, None]:
    """Go through a `train` of ``steps`` to its end; says ``phase`` now and then."""
    yield from working(phase, (step / steps for step in trained if step % EVERY == 1))

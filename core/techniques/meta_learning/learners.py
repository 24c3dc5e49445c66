"""Learning to learn, and the two things it is compared with, for several seeds side by side.

All arms start from the same weights and see the same waves, points and rounds, under the same outer optimiser
(Adam, one warm-up and a cosine). Seeds run side by side in one `torch.func.vmap`: the network is so small that a
processor spends its time on calls, not on numbers.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.func import grad, vmap

from core.techniques.meta_learning.maml import adapt, loss_after_adapting
from core.techniques.meta_learning.network import Weights, error, random_weights
from core.techniques.meta_learning.reptile import pull
from core.techniques.meta_learning.sines import Waves, draw_points, draw_waves, everywhere

WAVES = 25  # of a round
RATE = 0.01  # of the inner loop, in training: Finn et al. 2017, section 5.1
OUTER_RATE = 0.01  # the paper has 0.001 and 47 times the rounds
REPTILE_STEPS, REPTILE_RATE = 3, 0.02
STEEPEST = 10.0  # norm at which gradients are clipped
RATES = (0.001, 0.003, 0.01, 0.02, 0.05)  # of the steps on a new wave; chosen per arm and seed
CHOSEN_ON, TESTED_ON = 100, 200  # waves held out, for the step size and for the test

Gradient = Callable[[Weights, Tensor, Tensor], Weights]


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """What one seed gets: its first weights, the rounds' points (rounds, WAVES, 2 shots, 1), and waves held out."""

    weights: Weights
    x: Tensor
    y: Tensor
    chosen_on: Waves
    chosen_x: Tensor  # (CHOSEN_ON, shots, 1)
    tested_on: Waves
    tested_x: Tensor


def course(seed: int, shots: int, rounds: int, variety: float) -> Course:
    """Draw everything that depends on chance, from one seed."""
    generator = torch.Generator().manual_seed(seed)
    weights = random_weights(generator)
    waves = draw_waves(rounds * WAVES, variety, generator)
    x, y = draw_points(waves, 2 * shots, generator)
    chosen_on, tested_on = (draw_waves(count, variety, generator) for count in (CHOSEN_ON, TESTED_ON))
    chosen_x, _ = draw_points(chosen_on, shots, generator)
    tested_x, _ = draw_points(tested_on, shots, generator)
    shape = (rounds, WAVES, 2 * shots, 1)
    return Course(
        weights=weights,
        x=x.reshape(shape),
        y=y.reshape(shape),
        chosen_on=chosen_on,
        chosen_x=chosen_x,
        tested_on=tested_on,
        tested_x=tested_x,
    )


def gradient_of(arm: str, shots: int, inner_steps: int) -> Gradient:
    """Find what an arm hands to the outer optimiser for one wave: a function of weights, x and y."""
    if arm == "maml":
        return partial(grad(loss_after_adapting), shots=shots, rate=RATE, steps=inner_steps)
    if arm == "reptile":
        return partial(pull, shots=shots, rate=REPTILE_RATE, steps=REPTILE_STEPS)
    return grad(error)


def learn(courses: list[Course], gradient: Gradient) -> Iterator[tuple[float, list[Weights]]]:
    """Go through the rounds of all ``courses`` side by side; yields (share done, weights of each) now and then.

    The last item is at 1.0.
    """
    names = list(courses[0].weights)
    weights = {name: torch.stack([own.weights[name] for own in courses]) for name in names}  # (seeds, ...)
    x, y = (torch.stack([getattr(own, name) for own in courses], dim=1) for name in ("x", "y"))
    rounds = len(x)
    every_wave = vmap(vmap(gradient, in_dims=(None, 0, 0)))  # over seeds, over waves
    optimiser = torch.optim.Adam(list(weights.values()), lr=OUTER_RATE)
    for number in range(rounds):
        for group in optimiser.param_groups:
            group["lr"] = OUTER_RATE * _schedule(number / rounds)
        slopes = {
            name: slope.mean(dim=1) for name, slope in every_wave(weights, x[number], y[number]).items()
        }
        lengths = sum(slope.flatten(1).square().sum(dim=1) for slope in slopes.values()).sqrt()  # type: ignore[union-attr]
        shrink = (STEEPEST / lengths).clamp(max=1.0)
        for name in names:
            weights[name].grad = slopes[name] * shrink[:, None, None]
        optimiser.step()
        if (number + 1) % max(1, rounds // 25) == 0 or number + 1 == rounds:
            yield (
                (number + 1) / rounds,
                [
                    {name: weight[place].clone() for name, weight in weights.items()}
                    for place in range(len(courses))
                ],
            )


def _schedule(done: float) -> float:
    """Warm up over the first twentieth, then fall along a cosine."""
    return min(1.0, 20 * done + 0.05) * 0.5 * (1 + math.cos(math.pi * done))


def errors_after(
    weights: Weights, waves: Waves, x: Tensor, rate: float, steps: tuple[int, ...]
) -> list[float]:
    """Mean squared error over the whole range after each number of ``steps`` (ascending) on points x (T, N, 1).

    Each wave starts from the same ``weights``; a run that left all bounds counts as infinite.
    """
    grid = everywhere()
    truth = waves.at(grid)  # (T, 100, 1)
    y = waves.at(x)
    start = {name: weight.expand(len(x), *weight.shape) for name, weight in weights.items()}
    errors, taken = [], 0
    for number in steps:
        todo = number - taken
        start = vmap(lambda own, a, b, todo=todo: adapt(own, a, b, rate, todo))(start, x, y)
        value = float(vmap(error, in_dims=(0, None, 0))(start, grid, truth).mean())
        errors.append(value if math.isfinite(value) else math.inf)
        taken = number
    return errors


def best_rate(weights: Weights, own: Course, steps: tuple[int, ...]) -> float:
    """Choose the step size on a new wave by the mean error after all ``steps``, on waves that are not tested."""

    def mean_error(rate: float) -> float:
        errors = errors_after(weights, own.chosen_on, own.chosen_x, rate, steps)
        return sum(errors) / len(errors)

    return min(RATES, key=mean_error)

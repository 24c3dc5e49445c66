"""Practice: riders ride, feel which way their weights should have been, and ride again.

The simulator is differentiable, so every weight learns directly from how the ride went: backpropagation
through all steps of the ride (through time), then one step of Adam, for all riders at once. The gradient is
written out here and tested against PyTorch's, which would need several times as long for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.riding import policy, rides, simulate
from core.riding.policy import LAYERS, Policies, Single
from core.riding.rides import StartsAndGusts
from core.riding.simulate import RidingScore, RidingTest, Simulation, Tracks

RIDES_AN_UPDATE = len(rides.SPEEDS)  # one at each speed
RATE = 3e-3  # Adam's step
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Kingma & Ba 2015, arXiv 1412.6980
LONGEST_GRADIENT = 1.0  # per rider


@dataclass(frozen=True, kw_only=True)
class Practised:
    """What a test after ``update`` updates found; ``policies`` are a view: copy them to keep them."""

    update: int
    score: RidingScore
    policies: Policies


def practise(
    start: Policies,
    tracks: Tracks,
    seeds: Sequence[int],
    *,
    purpose: str,
    tests: Sequence[int],
    frozen: Sequence[frozenset[int]] | None = None,
) -> Iterator[Practised | None]:
    """Let copies of ``start`` practise on ``tracks``, up to the last update in ``tests``.

    Yields after every update, so that whoever asks may stop: `Practised` for those in ``tests``, otherwise
    None. Riders come in groups of one rider per seed; all groups practise the same rides of a seed, so that
    they differ in nothing but what they start with. ``purpose`` tells independent rides apart. ``frozen`` names,
    for each group, the layers (0, 1, 2) that stay as they are.
    """
    policies = start.copy()
    groups = policies.riders // len(seeds)
    exam = RidingTest(policies.riders)
    steps = round(rides.PRACTICE_SECONDS / rides.DT)
    simulation = Simulation(policies.riders, 1, steps, recorded=True)
    adam = _Adam(policies, _free(frozen or [frozenset()] * groups, len(seeds)))
    random = [policy.generator(seed, purpose) for seed in seeds]
    for update in range(max(tests) + 1):
        if update:
            drawn = [rides.draw(one, rides=1, seconds=rides.PRACTICE_SECONDS) for one in random]
            conditions = StartsAndGusts(
                starts=np.tile(np.stack([one.starts for one in drawn]), (groups, 1, 1, 1)),
                gusts=np.tile(np.stack([one.gusts for one in drawn], axis=1), (1, groups, 1, 1)),
            )
            simulation.run(policies, tracks, conditions)
            adam.step(gradient(policies, tracks, simulation.recording()))
        if update in tests:
            yield Practised(update=update, score=exam.score(policies, tracks), policies=policies)
        else:
            yield None


def cost(recording: simulate.Recording) -> NDArray[np.float64]:
    """Average the cost of all steps, (riders,)."""
    q = ((recording.states[1:] / rides.TYPICAL) ** 2 * rides.WEIGHT).sum(axis=-1, keepdims=True)
    step = np.where(recording.upright, q / (1 + q / rides.FALLEN_COST), rides.FALLEN_COST)
    mean: NDArray[np.float64] = step.mean(axis=(0, 2, 3), dtype=np.float64)
    return mean


def gradient(policies: Policies, tracks: Tracks, recording: simulate.Recording) -> list[Single]:
    """Give the `cost` of each rider, differentiated by each of ``policies.arrays()``.

    Backwards from the last step: ``pull`` is what the rest of the ride would gain from a nudge of the state.
    The cost of lying on the ground is constant, so a fall ends what a ride teaches.
    """
    states, upright = recording.states[1:], recording.upright
    steps, riders, n, _ = states.shape
    speeds = tracks.step.shape[1]
    weight = (rides.WEIGHT / rides.TYPICAL**2).astype(np.float32)
    q = (states**2 * weight).sum(axis=-1, keepdims=True)
    now = (2 / (steps * n)) * weight * states / (1 + q / rides.FALLEN_COST) ** 2 * upright
    now = now.astype(np.float32)

    one, _ = simulate.felt(policies)
    transposed = [np.ascontiguousarray(array.swapaxes(1, 2)) for array in (one, *policies.weights[1:])]
    back = np.ascontiguousarray(tracks.step.swapaxes(2, 3))  # (riders, speeds, 6, 7)
    # Slopes of tanh, turned into what reaches each layer, step by step
    third = rides.MOST_TORQUE * (1 - recording.torque**2)
    second, first = 1 - recording.second**2, 1 - recording.first**2
    through = np.empty((riders, speeds, n // speeds, 7), np.float32)
    pull = np.zeros((riders, n, 6), np.float32)
    felt = np.empty_like(pull)
    wide = np.empty(first.shape[1:], np.float32)
    for t in range(steps - 1, -1, -1):
        pull += now[t]
        np.matmul(pull.reshape(riders, speeds, -1, 6), back, out=through)
        flat = through.reshape(riders, n, 7)
        third[t] *= flat[..., 6:]
        np.matmul(third[t], transposed[2], out=wide)
        second[t] *= wide
        np.matmul(second[t], transposed[1], out=wide)
        first[t] *= wide
        np.matmul(first[t], transposed[0], out=felt)
        np.add(flat[..., :6], felt, out=pull)

    def summed(before: Single, after: Single) -> Single:
        """Sum outer products over all steps and rides: (riders, in, out)."""
        left = before.transpose(1, 3, 0, 2).reshape(riders, before.shape[-1], -1)
        return left @ after.transpose(1, 0, 2, 3).reshape(riders, -1, after.shape[-1])

    by_speed = first.reshape(steps, riders, speeds, n // speeds, -1).sum(axis=(0, 3))  # (riders, speeds, 32)
    seen = summed(recording.states[:-1], first) / rides.TYPICAL.astype(np.float32)[:, None]
    speed = (simulate.SPEED_FELT[:, None] * by_speed).sum(axis=1, keepdims=True)
    return [
        np.concatenate([seen, speed], axis=1),
        by_speed.sum(axis=1, keepdims=True),
        summed(recording.first, second),
        second.sum(axis=(0, 2))[:, None],
        summed(recording.second, third),
        third.sum(axis=(0, 2))[:, None],
    ]


def _free(frozen: Sequence[frozenset[int]], each: int) -> list[Single]:
    """Per layer (riders, 1, 1): 1 where a rider may learn, 0 where the layer is frozen."""
    return [
        np.repeat([0.0 if layer in one else 1.0 for one in frozen], each)[:, None, None].astype(np.float32)
        for layer in range(LAYERS)
    ]


class _Adam:
    """Adam on all riders, each with its own gradient clipped; frozen layers do not move by a bit."""

    def __init__(self, policies: Policies, free: Sequence[Single]) -> None:
        self._arrays = policies.arrays()
        self._free = [one for one in free for _ in range(2)]
        self._mean = [np.zeros_like(one) for one in self._arrays]
        self._square = [np.zeros_like(one) for one in self._arrays]
        self._steps = 0

    def step(self, gradients: Sequence[Single]) -> None:
        self._steps += 1
        free = [one * mask for one, mask in zip(gradients, self._free, strict=True)]
        length = np.sqrt(sum((one**2).sum(axis=(1, 2), keepdims=True) for one in free))
        shorter = np.minimum(1.0, LONGEST_GRADIENT / np.maximum(length, 1e-12))
        for place, found in enumerate(free):
            clipped = found * shorter
            self._mean[place] += (1 - BETA_1) * (clipped - self._mean[place])
            self._square[place] += (1 - BETA_2) * (clipped**2 - self._square[place])
            size = np.sqrt(self._square[place] / (1 - BETA_2**self._steps)) + EPSILON
            self._arrays[place] -= RATE / (1 - BETA_1**self._steps) * self._mean[place] / size

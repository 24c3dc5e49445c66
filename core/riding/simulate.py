"""Ride: many riders, each on many rides at once, step by exact step.

Plain NumPy, because the arrays are small and the steps are many: what a framework does around each operation
would cost several times the operation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.riding import policy, rides
from core.riding.policy import Policies, Single
from core.riding.rides import StartsAndGusts, Track

SPEED_FELT = ((np.array(rides.SPEEDS) - policy.MIDDLE_SPEED) / policy.SPEED_UNIT).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Tracks:
    """Which machine each rider rides."""

    step: Single  # (riders, speeds, 7, 6)
    gust: Single  # (riders, speeds, 1, 6)

    @classmethod
    def of(cls, tracks: Sequence[Track], each: int) -> "Tracks":
        """Give every track to ``each`` riders, one track after the other."""
        step = np.stack([one.step for one in tracks]).astype(np.float32)
        gust = np.stack([one.gust for one in tracks]).astype(np.float32)[:, :, None]
        return cls(step=step.repeat(each, axis=0), gust=gust.repeat(each, axis=0))


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Everything that happened; n = speeds × rides are the rides of one rider."""

    states: Single  # (steps + 1, riders, n, 6)
    first: Single  # (steps, riders, n, 32): what the first layer said
    second: Single  # (steps, riders, n, 32)
    torque: Single  # (steps, riders, n, 1), in parts of `rides.MOST_TORQUE`
    upright: NDArray[np.bool_]  # (steps, riders, n, 1), after the step


def felt(policies: Policies) -> tuple[Single, Single]:
    """Write the first layer over states in SI units: weights (riders, 6, 32), biases (riders, speeds, 1, 32).

    The speed stays as it is during a ride, so what is felt of it is a bias.
    """
    weight, bias = policies.weights[0], policies.biases[0]
    at_speed = bias[:, None] + SPEED_FELT[:, None, None] * weight[:, None, 6:]
    return weight[:, :6] / rides.TYPICAL.astype(np.float32)[:, None], at_speed


class Simulation:
    """One machine of arrays that is used again for every ride: making them anew would cost more than riding."""

    def __init__(self, riders: int, each: int, steps: int, *, recorded: bool) -> None:
        speeds, n = len(rides.SPEEDS), len(rides.SPEEDS) * each
        self.shape = (riders, speeds, each)
        self.steps, self.recorded = steps, recorded
        kept = steps if recorded else 1
        hidden = policy.SIZES[1]
        self._states = np.zeros(((steps if recorded else 1) + 1, riders, n, 6), np.float32)
        self._first = np.empty((kept, riders, n, hidden), np.float32)
        self._second = np.empty((kept, riders, n, hidden), np.float32)
        self._torque = np.empty((kept, riders, n, 1), np.float32)
        self._upright = np.empty((kept, riders, n, 1), np.bool_)
        self._driven = np.empty((riders, n, 7), np.float32)
        self._pushed = np.empty((riders, speeds, each, 6), np.float32)

    def run(
        self, policies: Policies, tracks: Tracks, conditions: StartsAndGusts, strength: float = 1.0
    ) -> NDArray[np.int64]:
        """Ride, and count the steps upright, (riders, n); ``strength`` multiplies the torque asked for.

        A rider who fell stays where he fell.
        """
        riders, speeds, each = self.shape
        n = speeds * each
        one, one_bias = felt(policies)
        one_bias = np.broadcast_to(one_bias, (riders, speeds, each, one.shape[-1])).reshape(riders, n, -1)
        (_, two, three), (_, two_bias, three_bias) = policies.weights, policies.biases
        last, driven, pushed = self.recorded, self._driven, self._pushed
        upright = np.ones((riders, n, 1), np.bool_)
        count = np.zeros((riders, n), np.int64)
        states = self._states
        states[0] = np.broadcast_to(conditions.starts, (riders, speeds, each, 6)).reshape(riders, n, 6)
        for t in range(self.steps):
            now, then, kept = (t, t + 1, t) if last else (t % 2, (t + 1) % 2, 0)
            x, following = states[now], states[then]
            first, second, torque = self._first[kept], self._second[kept], self._torque[kept]
            np.matmul(x, one, out=first)
            first += one_bias
            np.tanh(first, out=first)
            np.matmul(first, two, out=second)
            second += two_bias
            np.tanh(second, out=second)
            np.matmul(second, three, out=torque)
            torque += three_bias
            np.tanh(torque, out=torque)

            driven[..., :6] = x
            np.multiply(torque[..., 0], strength * rides.MOST_TORQUE, out=driven[..., 6])
            after = following.reshape(riders, speeds, each, 6)
            np.matmul(driven.reshape(riders, speeds, each, 7), tracks.step, out=after)
            np.multiply(conditions.gusts[t][..., None], tracks.gust, out=pushed)
            after += pushed
            np.copyto(following, x, where=~upright)
            upright = upright & (np.abs(following[..., :2]) <= rides.FALL).all(axis=-1, keepdims=True)
            self._upright[kept] = upright
            count += upright[..., 0]
        return count

    def recording(self) -> Recording:
        """Look at the last ride; the next one overwrites it."""
        return Recording(
            states=self._states,
            first=self._first,
            second=self._second,
            torque=self._torque,
            upright=self._upright,
        )


@dataclass(frozen=True, kw_only=True)
class RidingScore:
    """How the riders do in the test, (riders,) each."""

    survival: NDArray[np.float64]  # 0-1: how many of the rides were still upright at the end
    seconds: NDArray[np.float64]  # upright, of `rides.TEST_SECONDS`


class RidingTest:
    """The test: `rides.TEST_STARTS` rides, the same for everybody and every time."""

    def __init__(self, riders: int) -> None:
        self._conditions = rides.exam()
        steps = len(self._conditions.gusts)
        self._simulation = Simulation(riders, rides.TEST_STARTS // len(rides.SPEEDS), steps, recorded=False)

    def score(self, policies: Policies, tracks: Tracks, strength: float = 1.0) -> RidingScore:
        """Let every rider ride all of them."""
        count = self._simulation.run(policies, tracks, self._conditions, strength)
        return RidingScore(
            survival=(count == self._simulation.steps).mean(axis=1),
            seconds=rides.DT * count.mean(axis=1),
        )

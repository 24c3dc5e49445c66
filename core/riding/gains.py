"""What the best possible hands would do: the optimal linear regulator (LQR) of a machine.

It answers why riding transfers: if the best answers to the same feelings are alike on two machines, what was
learned on the one is nearly right on the other.
"""

from dataclasses import dataclass

import numpy as np

from core.arrays import Floats
from core.riding import rides
from core.riding.dynamics import discretise, lqr, state_matrices
from core.riding.machines import Machine
from core.riding.policy import Policies


@dataclass(frozen=True, kw_only=True)
class Gains:
    """N·m of torque for each unit of `rides.TYPICAL`, (6,) over the state."""

    torque: Floats

    @property
    def strength(self) -> float:
        """Length of the gains in N·m: how hard the hands answer."""
        return float(np.linalg.norm(self.torque))

    @property
    def direction(self) -> Floats:
        """The gains scaled to length 1: to what the hands answer, and with which sign."""
        return self.torque / self.strength


def optimal_gains(machine: Machine, v: float, *, reversed: bool = False) -> Gains:
    """Solve for the cost that riders are trained with, plus (torque / `rides.MOST_TORQUE`)² for the effort."""
    a, b, _ = discretise(*state_matrices(machine, v, reversed), rides.DT)
    gains = lqr(a, b, np.diag(rides.WEIGHT / rides.TYPICAL**2), rides.MOST_TORQUE**-2)
    return Gains(torque=-gains * rides.TYPICAL)


def learned_gains(policies: Policies) -> Floats:
    """Differentiate what riders do by what they feel, upright and straight ahead at the middle speed: (riders, 6).

    In N·m for each unit of `rides.TYPICAL`, as `Gains.torque`.
    """
    (one, two, three), (one_bias, two_bias, three_bias) = policies.weights, policies.biases
    first = np.tanh(one_bias)  # nothing felt: states and the middle speed are 0
    second = np.tanh(first @ two + two_bias)
    torque = np.tanh(second @ three + three_bias)
    slope = one[:, :6] * (1 - first**2) @ two * (1 - second**2) @ three * (1 - torque**2)
    gains: Floats = rides.MOST_TORQUE * slope[..., 0].astype(np.float64)
    return gains

"""The rider: a small network from what it feels to what its hands do; many riders side by side as one array.

Three layers, 7-32-32-1, with tanh. It feels roll, steer, their rates, heading and lateral distance, each in
units of `rides.TYPICAL`, and the speed; its hands turn the handlebar with at most `rides.MOST_TORQUE`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]

SIZES = (7, 32, 32, 1)
LAYERS = len(SIZES) - 1
MIDDLE_SPEED, SPEED_UNIT = 3.5, 0.5  # m/s: what is felt as 0, and how much more is felt as 1
HEAD_START = 0.2  # a fresh head is this much of the usual size: who knows nothing holds the handlebar lightly


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The weights of ``riders`` networks."""

    weights: tuple[Single, ...]  # per layer (riders, in, out)
    biases: tuple[Single, ...]  # per layer (riders, 1, out)

    @property
    def riders(self) -> int:
        """How many riders there are."""
        return len(self.weights[0])

    def arrays(self) -> list[Single]:
        """List all arrays, layer by layer: weights, then biases."""
        return [array for layer in zip(self.weights, self.biases, strict=True) for array in layer]

    def copy(self) -> "Policies":
        """Copy all weights, so that practice leaves these as they are."""
        return Policies(
            weights=tuple(one.copy() for one in self.weights), biases=tuple(one.copy() for one in self.biases)
        )

    def part(self, riders: slice) -> "Policies":
        """Take some riders out, as copies."""
        return Policies(
            weights=tuple(one[riders].copy() for one in self.weights),
            biases=tuple(one[riders].copy() for one in self.biases),
        )


def together(groups: Sequence[Policies]) -> Policies:
    """Put groups of riders side by side."""
    return Policies(
        weights=tuple(np.concatenate([one.weights[layer] for one in groups]) for layer in range(LAYERS)),
        biases=tuple(np.concatenate([one.biases[layer] for one in groups]) for layer in range(LAYERS)),
    )


def fresh(seeds: Sequence[int], purpose: str = "rider") -> Policies:
    """Make one untrained rider a seed; ``purpose`` tells independent draws of one seed apart.

    Uniform within ±1/√inputs, weights and biases, as `torch.nn.Linear` starts; the head is `HEAD_START` of it.
    """
    made: list[list[Single]] = []
    for seed in seeds:
        random = generator(seed, purpose)
        arrays = []
        for layer in range(LAYERS):
            inputs, outputs = SIZES[layer], SIZES[layer + 1]
            bound = inputs**-0.5 * (HEAD_START if layer == LAYERS - 1 else 1.0)
            arrays += [
                random.uniform(-bound, bound, (rows, outputs)).astype(np.float32) for rows in (inputs, 1)
            ]
        made.append(arrays)
    stacked = [np.stack(column) for column in zip(*made, strict=True)]
    return Policies(weights=tuple(stacked[::2]), biases=tuple(stacked[1::2]))


def shuffled(policies: Policies, seeds: Sequence[int]) -> Policies:
    """Shuffle each layer's weights, and its biases, among themselves: the same numbers, but the skill is gone."""
    made = policies.copy()
    for rider, seed in enumerate(seeds):
        random = generator(seed, "shuffle")
        for array in made.arrays():
            array[rider] = random.permutation(array[rider].reshape(-1)).reshape(array[rider].shape)
    return made


def with_fresh_head(policies: Policies, seeds: Sequence[int]) -> Policies:
    """Keep the first two layers and start the head anew."""
    kept, new = policies.copy(), fresh(seeds, "head")
    return Policies(weights=(*kept.weights[:-1], new.weights[-1]), biases=(*kept.biases[:-1], new.biases[-1]))


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Make the random numbers of one seed for one purpose, independent of every other."""
    return np.random.default_rng([seed, *purpose.encode()])

"""The rider: a small network from what it feels to what its hands do, many riders side by side as one tensor.

Three layers, 7-32-32-1, with tanh. It feels roll, steer, their rates, heading and lateral distance, each in
units of `rides.TYPICAL`, and the speed; its hands turn the handlebar with at most `rides.MOST_TORQUE`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.riding import rides

SIZES = (7, 32, 32, 1)
LAYERS = len(SIZES) - 1
MIDDLE_SPEED = 3.5  # m/s, felt as 0; 0.5 m/s more is felt as 1
SPEED_UNIT = 0.5


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The weights of ``riders`` networks."""

    weights: tuple[Tensor, ...]  # per layer (riders, in, out)
    biases: tuple[Tensor, ...]  # per layer (riders, 1, out)

    @property
    def riders(self) -> int:
        """How many riders there are."""
        return len(self.weights[0])

    def parameters(self) -> list[Tensor]:
        """List all tensors, layer by layer: weights, then biases."""
        return [tensor for layer in zip(self.weights, self.biases, strict=True) for tensor in layer]

    def copy(self) -> "Policies":
        """Copy all weights, so that practice leaves these as they are."""
        return Policies(
            weights=tuple(one.detach().clone() for one in self.weights),
            biases=tuple(one.detach().clone() for one in self.biases),
        )

    def torque(self, seen: Tensor) -> Tensor:
        """Give the torque in N·m, (riders, n, 1), for what is ``seen``: (riders, n, 7) in units of the policy."""
        last = LAYERS - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            seen = torch.baddbmm(bias, seen, weight)
            seen = torch.tanh(seen) if layer < last else rides.MOST_TORQUE * torch.tanh(seen)
        return seen


def fresh(seeds: Sequence[int], purpose: int = 0) -> Policies:
    """Make one untrained rider a seed; ``purpose`` tells independent draws of one seed apart.

    Uniform within ±1/√(inputs), weights and biases, as `torch.nn.Linear` starts.
    """
    weights: list[list[np.ndarray]] = [[] for _ in range(LAYERS)]  # type: ignore[type-arg]
    biases: list[list[np.ndarray]] = [[] for _ in range(LAYERS)]  # type: ignore[type-arg]
    for seed in seeds:
        random = np.random.default_rng([seed, purpose])
        for layer in range(LAYERS):
            inputs, outputs = SIZES[layer], SIZES[layer + 1]
            bound = inputs**-0.5
            weights[layer].append(random.uniform(-bound, bound, (inputs, outputs)))
            biases[layer].append(random.uniform(-bound, bound, (1, outputs)))
    return Policies(
        weights=tuple(torch.tensor(np.stack(one), dtype=torch.float32) for one in weights),
        biases=tuple(torch.tensor(np.stack(one), dtype=torch.float32) for one in biases),
    )


def shuffled(policies: Policies, seeds: Sequence[int]) -> Policies:
    """Shuffle each layer's weights, and its biases, among themselves: the same numbers, no skill."""
    made = policies.copy()
    for rider, seed in enumerate(seeds):
        random = np.random.default_rng([seed, 101])
        for tensor in made.parameters():
            flat = tensor[rider].reshape(-1)
            tensor[rider] = flat[torch.from_numpy(random.permutation(len(flat)))].reshape(tensor[rider].shape)
    return made


def with_fresh_head(policies: Policies, seeds: Sequence[int]) -> Policies:
    """Keep the first two layers and start the last one anew."""
    new = fresh(seeds, purpose=102)
    kept = policies.copy()
    return Policies(weights=(*kept.weights[:-1], new.weights[-1]), biases=(*kept.biases[:-1], new.biases[-1]))


def together(groups: Sequence[Policies]) -> Policies:
    """Put several groups of riders side by side, so that one tensor holds all."""
    return Policies(
        weights=tuple(torch.cat([one.weights[layer] for one in groups]) for layer in range(LAYERS)),
        biases=tuple(torch.cat([one.biases[layer] for one in groups]) for layer in range(LAYERS)),
    )


def part(policies: Policies, of: slice) -> Policies:
    """Take some riders out."""
    return Policies(
        weights=tuple(one[of] for one in policies.weights), biases=tuple(one[of] for one in policies.biases)
    )

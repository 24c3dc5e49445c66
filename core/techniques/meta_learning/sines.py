"""The classic family of tasks: sine waves of different height and shift, known by a few points.

Finn et al. 2017 (arXiv 1703.03400), section 5.1: y = A sin(x - p) with A from 0.1 to 5, p from 0 to pi, x from -5 to 5.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

LOWEST, HIGHEST = 0.1, 5.0  # amplitude
REACH = 5.0  # x lies between -REACH and REACH


@dataclass(frozen=True, kw_only=True, eq=False)
class Waves:
    """Some waves: ``amplitude`` and ``phase``, (T, 1, 1) each."""

    amplitude: Tensor
    phase: Tensor

    def at(self, x: Tensor) -> Tensor:
        """Heights (T, N, 1) of all waves at ``x`` (T, N, 1) or (N, 1)."""
        return self.amplitude * torch.sin(x - self.phase)


def draw_waves(count: int, variety: float, generator: torch.Generator) -> Waves:
    """Draw ``count`` waves, whose phases lie between 0 and ``variety`` times pi."""
    chance = torch.rand(2, count, 1, 1, generator=generator)
    return Waves(
        amplitude=LOWEST + (HIGHEST - LOWEST) * chance[0],
        phase=math.pi * variety * chance[1],
    )


def draw_points(waves: Waves, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw ``count`` points of each wave: x and y, (T, count, 1) each."""
    x = REACH * (2 * torch.rand(len(waves.phase), count, 1, generator=generator) - 1)
    return x, waves.at(x)


def everywhere(points: int = 100) -> Tensor:
    """Evenly spaced x over the whole range: (points, 1)."""
    return torch.linspace(-REACH, REACH, points)[:, None]

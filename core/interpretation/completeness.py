"""Do the parts of a map add up to the whole?

Methods that share a score out among pixels or positions promise that their parts add up to the difference between
the score of the picture and that of the baseline (completeness, Sundararajan et al. 2017, arXiv 1703.01365; summation
to delta, Shrikumar et al. 2017, arXiv 1704.02685). Whether they do depends on the network: so it is measured.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.words import percent

TOLERANCE = 0.05  # of the whole: a gap that nobody would see in a map
_ROUNDING = 1e-5  # of all parts' sizes: what float32 sums lose


@dataclass(frozen=True, kw_only=True)
class Completeness:
    """What the ``parts`` add up to, the ``whole`` that they should, both of class scores, and the parts' ``size``."""

    parts: float
    whole: float
    size: float  # sum of the parts' magnitudes

    @property
    def gap(self) -> float:
        """How far the parts are from the whole, as a share of it; infinite where there is no whole."""
        missing = abs(self.parts - self.whole)
        if missing <= _ROUNDING * self.size:
            return 0.0
        return missing / abs(self.whole) if self.whole else float("inf")

    @property
    def holds(self) -> bool:
        """Whether the parts add up, within `TOLERANCE`."""
        return self.gap <= TOLERANCE

    def sentence(self) -> str:
        """Say what was measured, and, where the parts do not add up, what that means for the map."""
        change = f"{self.whole:.3g} by which the score changes from the mean colour to the picture"
        if self.holds:
            return f"Its parts add up to {self.parts:.3g} of the {change}: {percent(self.gap)} apart."
        apart = f"{percent(self.gap, 0)} apart" if self.gap < 10 else "far apart"
        return (
            f"Its parts do not add up: {self.parts:.3g} of the {change}, {apart}. What is missing or too much could "
            "belong anywhere."
        )


@torch.no_grad()
def measure(network: nn.Module, inputs: Tensor, raw: Tensor, target: int) -> Completeness:
    """Compare an answer ``raw`` for a normalised picture (1, 3, S, S) with what the scores say.

    The baseline is the channel mean, 0 after normalisation.
    """
    scores = network(torch.cat([inputs, torch.zeros_like(inputs)]))[:, target].double()
    parts = raw.double()
    return Completeness(
        parts=float(parts.sum()), whole=float(scores[0] - scores[1]), size=float(parts.abs().sum())
    )

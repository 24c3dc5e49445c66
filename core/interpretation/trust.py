"""How far a map can be trusted: what was measured about it. Torch-free, so that figures can read it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class FaithfulnessCurve:
    """Probability of the class (0-1) while pixels go or come, most important first.

    ``shares`` (N,) of all pixels changed, 0 to 1; ``map`` (N,) in the order of the map; ``shuffled`` (R, N) in the
    order of the same map with its values put in random places: the control.
    """

    shares: NDArray[np.float64]
    map: NDArray[np.float64]
    shuffled: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Area under the map's curve, 0-1."""
        return float(np.trapezoid(self.map, self.shares))

    @property
    def shuffled_areas(self) -> NDArray[np.float64]:
        """Area under each control's curve (R,)."""
        return np.array([np.trapezoid(one, self.shares) for one in self.shuffled])


@dataclass(frozen=True, kw_only=True, eq=False)
class FaithfulnessCurves:
    """Deletion (low is faithful) and insertion (high is faithful)."""

    deletion: FaithfulnessCurve
    insertion: FaithfulnessCurve


@dataclass(frozen=True, kw_only=True)
class Stability:
    """Captum's two metrics of a map.

    ``infidelity`` is `captum.metrics.infidelity`, normalised, in squared units of the class's score;
    ``score_changes`` the mean squared change of the score itself. ``unexplained`` is their ratio: the share of
    the score's changes that the map, at its best scale, does not predict (0: predicts all; 1: nothing).
    ``sensitivity`` is `captum.metrics.sensitivity_max`: how far the map moves, as a share of its own length, when
    every pixel value is shaken a little. None where the map is silent.
    """

    infidelity: float
    score_changes: float
    sensitivity: float

    @property
    def unexplained(self) -> float | None:
        """Infidelity as a share of what there was to predict; None where the score never changed."""
        return self.infidelity / self.score_changes if self.score_changes > 0 else None


@dataclass(frozen=True, kw_only=True, eq=False)
class SanityStep:
    """A map after the parts from the top down to ``part`` were given random weights (``part`` None: none were).

    ``rank`` is Spearman's correlation of the magnitudes with the first map's, -1 to 1; ``ssim`` the structural
    similarity of the two. None where a map is the same everywhere, since then neither is defined.
    """

    part: str | None
    values: NDArray[np.float32]
    rank: float | None
    ssim: float | None

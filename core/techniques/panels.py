"""Pieces of panels that several experiments draw: a mean with its band, a map, enlarged pictures. Torch-free."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from core.arrays import Floats, Labels, Pixels
from core.metrics.classification import CONFIDENCE, mean_interval
from core.techniques.events import Cloud, Colour, Line

Picture = Pixels  # (H, W) or (H, W, 3)


def mean_line(
    name: str,
    colour: Colour,
    x: Sequence[float],
    rows: ArrayLike,
    *,
    share: bool = False,
    dashed: bool = False,
) -> Line:
    """Draw the mean of ``rows`` (seeds, places) with its 95 % t interval; that of a ``share`` stays within 0-1.

    Raises `SettingsError` for fewer than two seeds.
    """
    lowest, highest = (0.0, 1.0) if share else (-np.inf, np.inf)
    intervals = [mean_interval(column) for column in np.asarray(rows).T.tolist()]
    return Line(
        name=name,
        colour=colour,
        x=x,
        y=[interval.value for interval in intervals],
        low=[max(lowest, interval.low) for interval in intervals],
        high=[min(highest, interval.high) for interval in intervals],
        dashed=dashed,
    )


def half_width(values: Floats) -> Floats:
    """Half of the 95 % t interval around the mean over seeds of ``values`` (seeds, …): (…); 0 for one seed alone."""
    if len(values) < 2:
        return np.zeros(values.shape[1:])
    return np.asarray(
        stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values, axis=0), dtype=np.float64
    )


def neighbours_map(
    title: str, colour: Colour, rows: NDArray[Any], labels: Labels, seed: int
) -> tuple[str, tuple[Cloud, ...]]:
    """Lay ``rows`` (N, D) out in a plane so that like ones lie close together: t-SNE (van der Maaten & Hinton 2008)."""
    from sklearn.manifold import TSNE

    near = min(20.0, (len(rows) - 1) / 3)
    flat = TSNE(perplexity=near, init="pca", random_state=seed, max_iter=500).fit_transform(rows)
    points = [(float(x), float(y)) for x, y in flat]
    return title, (Cloud(name=title, colour=colour, points=points, symbols=labels.tolist()),)


def enlarged(picture: Picture, times: int) -> Picture:
    """Make every pixel a square of ``times`` x ``times``."""
    return picture.repeat(times, axis=0).repeat(times, axis=1)

"""Does 80 % sure mean right 80 % of the time?"""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.figures.axes import axis
from core.figures.marks import bars, guide
from core.figures.template import RIGHT, Theme, faded, figure, ground, key
from core.metrics.report import ReliabilityBin
from core.words import points


def reliability(
    bins: Sequence[ReliabilityBin], calibration_error: float, *, theme: Theme = "light"
) -> go.Figure:
    """Draw accuracy by confidence, both in percent; on the diagonal a network is as sure as it is right.

    Bars of bins with few images are pale. ``calibration_error`` (0-1) stands at the top.
    """
    images = sum(each.count for each in bins)
    most = max((each.count for each in bins), default=1)
    accuracy = bars(
        [50 * (each.low + each.high) for each in bins],
        [100 * each.accuracy for each in bins],
        [faded(RIGHT, 0.25 + 0.75 * (each.count / most) ** 0.5) for each in bins],
        rim={"color": RIGHT, "width": 1.5},
        name="Accuracy",
        meta={"also": ["Images", "Mean of the bar (%)"]},
        width=[100 * (each.high - each.low) * 0.92 for each in bins],
        customdata=[[each.count, 100 * each.confidence] for each in bins],
        hover="%{customdata[0]} images<br>%{customdata[1]:.1f} % sure<br>%{y:.1f} % right",
    )
    diagonal = guide([0, 100], [0, 100], ground(theme).ink, width=2, dash="dash")
    said = f"Calibration error {points(calibration_error, sign=False)}, {images} images"
    return figure(
        [accuracy, diagonal],
        theme,
        says=_says(bins, calibration_error, images),
        height=400,
        margin={"t": 44, "r": 20},
        title=key((said, RIGHT, "bar")),
        xaxis=axis("How sure the network is (%)", range=[0, 100], dtick=20),
        yaxis=axis("How often it is right (%)", range=[0, 102], dtick=20),
    )


def _says(bins: Sequence[ReliabilityBin], calibration_error: float, images: int) -> str | None:
    """Say how far confidence is from accuracy, and in which direction."""
    if not images:
        return None
    more = sum(each.count * (each.confidence - each.accuracy) for each in bins) / images
    far, over = points(calibration_error, sign=False), points(abs(more), sign=False)
    return (
        f"How sure and how often right differ by {far} on average over {images:,} images; "
        f"it is {'more' if more > 0 else 'less'} sure than right, by {over}."
    )

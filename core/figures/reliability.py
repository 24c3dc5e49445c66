"""Does 80 % sure mean right 80 % of the time?"""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.figures.template import GUIDE, RIGHT, Theme, faded, figure, ground, key
from core.metrics.report import ReliabilityBin


def reliability(
    bins: Sequence[ReliabilityBin], calibration_error: float, *, theme: Theme = "light"
) -> go.Figure:
    """Draw accuracy by confidence, both in percent; on the diagonal a network is as sure as it is right.

    Bars of bins with few images are pale. ``calibration_error`` (0-1) stands at the top.
    """
    on = ground(theme)
    images = sum(one.count for one in bins)
    most = max((one.count for one in bins), default=1)
    traces = [
        {
            "type": "bar",
            "name": "Accuracy",
            "meta": {"also": ["Images", "Mean of the bar (%)"]},
            "x": [50 * (one.low + one.high) for one in bins],
            "y": [100 * one.accuracy for one in bins],
            "width": [100 * (one.high - one.low) * 0.92 for one in bins],
            "marker": {
                "color": [faded(RIGHT, 0.25 + 0.75 * (one.count / most) ** 0.5) for one in bins],
                "line": {"color": RIGHT, "width": 1.5},
            },
            "customdata": [[one.count, 100 * one.confidence] for one in bins],
            "hovertemplate": "%{customdata[0]} images<br>%{customdata[1]:.1f} % sure<br>"
            "%{y:.1f} % right<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "meta": GUIDE,
            "x": [0, 100],
            "y": [0, 100],
            "line": {"color": on.ink, "width": 2, "dash": "dash"},
            "hoverinfo": "skip",
        },
    ]
    layout = {
        "height": 400,
        "margin": {"t": 44, "r": 20},
        "title": key(
            (f"Calibration error {100 * calibration_error:.1f} points, {images} images", RIGHT, "bar")
        ),
        "xaxis": {"range": [0, 100], "dtick": 20, "title": {"text": "How sure the network is (%)"}},
        "yaxis": {"range": [0, 102], "dtick": 20, "title": {"text": "How often it is right (%)"}},
    }
    return figure(traces, layout, theme)

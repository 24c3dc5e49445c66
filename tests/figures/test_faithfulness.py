"""Charts of faithfulness: what their traces hold, and that Plotly accepts them in both themes."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from core.figures.faithfulness import faithfulness, sanity
from core.figures.template import DATA, GREY, Theme
from core.interpretation.trust import FaithfulnessCurve, FaithfulnessCurves, SanityStep

CURVE = FaithfulnessCurve(
    shares=np.array([0, 0.5, 1]),
    map=np.array([0.8, 0.2, 0.0]),
    shuffled=np.array([[0.8, 0.6, 0], [0.8, 0.4, 0]]),
)
STEPS = tuple(
    SanityStep(part=part, values=np.zeros((2, 2), np.float32), rank=rank, ssim=0.5)
    for part, rank in ((None, 1.0), ("head", 0.7), ("layer4", -0.1), ("stem", None))
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_accepts_both(theme: Theme) -> None:
    for chart in (
        faithfulness(FaithfulnessCurves(deletion=CURVE, insertion=CURVE), theme=theme),
        sanity({"Saliency": STEPS}, theme=theme),
    ):
        go.Figure(json.loads(chart.to_json()))


def test_curves_show_the_map_over_its_control_in_percent() -> None:
    chart = faithfulness(FaithfulnessCurves(deletion=CURVE, insertion=CURVE))
    gold = [trace for trace in chart.data if trace.line.color == DATA]
    grey = [trace for trace in chart.data if trace.line.color == GREY]
    assert [trace.xaxis for trace in gold] == ["x", "x2"]
    assert list(gold[0].y) == pytest.approx([80, 20, 0])
    assert list(gold[0].x) == pytest.approx([0, 50, 100])
    assert list(grey[0].y) == pytest.approx([80, 50, 0])


def test_areas_are_trapezoids() -> None:
    assert CURVE.area == pytest.approx(0.3)
    assert CURVE.shuffled_areas == pytest.approx([0.5, 0.4])


def test_the_sanity_chart_has_a_row_a_method_and_a_column_a_part() -> None:
    chart = sanity({"Saliency": STEPS, "Grad-CAM": STEPS})
    (heat,) = chart.data
    assert [list(row) for row in heat.text] == [["0.70", "-0.10", "–"]] * 2
    assert list(chart.layout.xaxis.ticktext) == ["head", "+ layer4", "+ stem"]
    assert list(chart.layout.yaxis.ticktext) == ["Saliency", "Grad-CAM"]
    assert list(heat.z[0]) == [0.7, 0, None]

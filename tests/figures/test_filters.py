"""Charts of stages and filters: what their traces hold, and that Plotly accepts them in both themes."""

import json

import plotly.graph_objects as go
import pytest

from core.figures.filters import stage_by_stage, tuning, wheel
from core.figures.template import DATA, GREY, ICE, Theme, ground

TRAINED = [(0.9, 1.0, 1.2), (0.1, 0.3, 0.6)]
RANDOM = [(0.8, 1.1, 1.2), (1.0, 1.2, 1.4)]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_accepts_them(theme: Theme) -> None:
    for figure in (
        stage_by_stage(("a", "b"), TRAINED, RANDOM, title="r", theme=theme),
        stage_by_stage((), [], None, title="r", theme=theme),
        tuning((0, 90), (1.0, 0.5), preferred=10, theme=theme),
        tuning((0, 90), (0.0, 0.0), theme=theme),
        wheel([10], [0.2], ["#ff0000"], ["<b>"], chosen=0, theme=theme),
    ):
        checked = go.Figure(json.loads(figure.to_json()))
        assert checked.layout.template.layout.font.color == ground(theme).ink


def test_medians_are_lines_quartiles_are_bands_and_the_control_is_grey() -> None:
    figure = stage_by_stage(("stem", "layer4"), TRAINED, RANDOM, title="Share")
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    control, trained = (trace for trace in figure.data if trace.name)
    assert (trained.line.color, control.line.color) == (ICE, GREY)
    assert list(trained.y) == [1.0, 0.3]
    assert list(control.y) == [1.1, 1.2]
    assert list(bands[1].y) == [1.2, 0.6, 0.1, 0.9]
    assert figure.layout.yaxis.title.text == "Share"
    assert list(figure.layout.xaxis.ticktext) == ["stem", "layer4"]


def test_random_weights_alone_are_called_so() -> None:
    figure = stage_by_stage(("stem", "layer4"), RANDOM, None, title="Share", random_shown=True)
    assert [trace.line.color for trace in figure.data if trace.name] == [GREY]
    assert "Trained" not in figure.layout.title.text


def test_the_tuning_wheel_is_closed_and_scaled_by_its_best() -> None:
    curve, mark = tuning((0, 45, 90, 135), (1.0, 4.0, 1.0, 2.0), preferred=50).data
    assert list(curve.theta) == [0, 45, 90, 135, 180, 225, 270, 315, 0]
    assert list(curve.r) == [0.25, 1, 0.25, 0.5] * 2 + [0.25]
    assert (mark.theta[0], mark.line.color) == (50, DATA)


def test_every_filter_stands_on_both_sides_in_its_own_colour() -> None:
    here, across = wheel([10, 100], [0.1, 0.3], ["#ff0000", "#00ff00"], ["<a>", "b"], chosen=1).data
    assert list(here.theta) == [10, 100]
    assert list(across.theta) == [190, 280]
    assert list(here.marker.color) == ["#ff0000", "#00ff00"]
    assert here.text[0] == "&lt;a&gt;"
    assert here.marker.size[1] > here.marker.size[0]

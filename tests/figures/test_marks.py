"""Marks hold what they were given, and Plotly knows all that they say."""

import plotly.graph_objects as go
import pytest

from core.figures import marks
from core.figures.axes import axis, named_axis, percent_axis, round_up
from core.figures.template import figure
from core.metrics.report import Interval

INTERVAL = Interval(value=80, low=75, high=90)


def test_plotly_accepts_every_mark() -> None:
    traces = [
        marks.points([1], [2], "#ffffff", size=9, symbol="star", rim={"width": 1}, hover="%{x}")
        | marks.whisker([INTERVAL], "#ffffff"),
        marks.line([0, 1], [2, 3], "#ffffff", dash="dot", dots=4),
        marks.guide([0, 1], [2, 3], "#ffffff"),
        marks.level("chance", [0, 1], 10, "#ffffff"),
        marks.band([0, 1], [2, 3], [4, 5], "#ffffff"),
        marks.bars([1], [2], "#ffffff", rim={"width": 1}, orientation="h"),
        marks.cells([[1]], ("#ffffff", "#000000"), **marks.written([["a"]], "#ffffff")),
    ]
    shapes = [
        marks.rule("#ffffff", x=1, dash="dot"),
        marks.rule("#ffffff", y=1, name="chance"),
        marks.box("#ffffff", x=(0, 1)),
        marks.column(2, "#ffffff"),
    ]
    notes = [
        marks.note("a", 0, 1, "#ffffff", anchor="right top", weight=600),
        marks.above_row(2, "b", "#ffffff"),
    ]
    axes = {
        "xaxis": named_axis(["a"], "Names", ink="#ffffff", told="Name"),
        "yaxis": percent_axis("Right (%)"),
    }
    drawn = figure(traces, "light", says="It is.", shapes=shapes, annotations=notes, **axes)
    checked = go.Figure(drawn.to_dict())  # raises for any property that Plotly does not know
    assert checked.layout.meta == {"xaxis": {"name": "Name", "names": ["a"]}, "says": "It is."}


def test_a_whisker_reaches_from_low_to_high() -> None:
    bars = marks.whisker([INTERVAL], "#ffffff", along="x")["error_x"]
    assert (bars["array"], bars["arrayminus"]) == ([10], [5])


def test_a_band_goes_along_the_upper_curve_and_back_along_the_lower_one() -> None:
    band = marks.band([0, 1], [2, 3], [4, 5], "#ffffff")
    assert (band["x"], band["y"]) == ([0, 1, 1, 0], [4, 5, 3, 2])


def test_a_rule_and_a_box_reach_from_edge_to_edge() -> None:
    across = marks.rule("#ffffff", y=50)
    assert (across["xref"], across["x0"], across["x1"], across["y0"], across["y1"]) == ("paper", 0, 1, 50, 50)
    lit = marks.box("#ffffff", y=(1, 2))
    assert (lit["xref"], lit["x0"], lit["x1"], lit["y0"], lit["y1"]) == ("paper", 0, 1, 1, 2)


def test_names_that_would_lie_on_each_other_move_apart_within_the_axis() -> None:
    ends = [(50.0, "b", ""), (49.0, "a", ""), (99.0, "d", ""), (98.0, "c", "")]
    placed = {text: y for y, text, _ in marks.apart(ends, 0, 100, 5)}
    assert placed == {"a": 49, "b": 54, "c": 95, "d": 100}
    assert marks.apart([], 0, 100, 5) == []


def test_an_axis_of_names_cuts_them_and_can_run_downwards() -> None:
    rows = named_axis(["a long name", "<b>"], longest=6, down=True, told="Class")
    assert rows["ticktext"] == ["a lon…", "&lt;b&gt;"]
    assert rows["range"] == [1.5, -0.5]
    assert rows["told"] == {"name": "Class", "names": ["a long name", "&lt;b&gt;"]}
    assert axis({"text": "Hand", "standoff": 4})["title"] == {"text": "Hand", "standoff": 4}


@pytest.mark.parametrize(
    ("number", "end"), [(0.9, 1), (1.2, 1.5), (7.1, 8), (42, 50), (100, 100), (0, 0.001)]
)
def test_an_axis_ends_at_a_round_number(number: float, end: float) -> None:
    assert round_up(number) == pytest.approx(end)

"""The smaller charts: what their traces hold, and that Plotly accepts every one of them in both themes."""

import json
from collections.abc import Callable

import plotly.graph_objects as go
import pytest

from core.figures.class_balance import class_balance
from core.figures.comparison import AccuracyRow, accuracies, differences
from core.figures.confusion import confusion_matrix
from core.figures.drift import drift
from core.figures.learning_curves import LearningCurves, learning_curves
from core.figures.probabilities import probabilities
from core.figures.reliability import reliability
from core.figures.template import DATA, FIRE, GREY, ICE, RIGHT, Theme, ground
from core.freezing.report import StageAudit
from core.metrics.report import Difference, Interval, ReliabilityBin


def stage(name: str, frozen: bool, change: float, cka: float | None) -> StageAudit:
    return StageAudit(
        stage=name,
        frozen=frozen,
        parameters_identical=frozen,
        buffers_identical=frozen,
        sha256_before="a",
        sha256_after="b",
        relative_change=change,
        cka=cka,
    )


def difference(value: float, low: float, high: float) -> Difference:
    return Difference(
        names=("A", "B"),
        difference=Interval(value=value, low=low, high=high),
        paired=False,
        count=10,
        method="",
        verdict="",
    )


AUDIT = (stage("stem", True, 0.0, 1.0), stage("layer1", False, 0.12, 0.8), stage("layer2", False, 0.3, None))
BINS = (
    ReliabilityBin(low=0.4, high=0.6, confidence=0.5, accuracy=0.4, count=10),
    ReliabilityBin(low=0.8, high=1.0, confidence=0.9, accuracy=0.95, count=40),
)
RESULTS = (
    AccuracyRow(name="probe", accuracy=Interval(value=0.9, low=0.85, high=0.93), role="frozen"),
    AccuracyRow(name="scratch", accuracy=Interval(value=0.6, low=0.55, high=0.66), role="control"),
)
DIFFERENCES = (difference(0.3, 0.2, 0.4), difference(0.01, -0.03, 0.05))

EVERY: dict[str, Callable[[Theme], go.Figure]] = {
    "curves": lambda theme: learning_curves(
        LearningCurves(epochs=3, train_loss=[1.0], best_epoch=1),
        panel="loss",
        control=LearningCurves(epochs=3),
        theme=theme,
    ),
    "confusion": lambda theme: confusion_matrix(((3, 1), (0, 4)), ("a", "b"), theme=theme),
    "reliability": lambda theme: reliability(BINS, 0.06, theme=theme),
    "drift": lambda theme: drift(AUDIT, theme=theme),
    "accuracies": lambda theme: accuracies(RESULTS, chance=0.5, theme=theme),
    "differences": lambda theme: differences(DIFFERENCES, theme=theme),
    "probabilities": lambda theme: probabilities([0.7, 0.3], ("a", "b"), theme=theme),
    "balance": lambda theme: class_balance({"train": [3, 4], "test": [1, 1]}, ("a", "b"), theme=theme),
    "balance of many": lambda theme: class_balance(
        {"train": [3] * 90}, tuple(map(str, range(90))), theme=theme
    ),
    "nothing yet": lambda theme: drift((), theme=theme),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", EVERY)
def test_plotly_accepts_what_was_built_without_its_checks(name: str, theme: Theme) -> None:
    figure = EVERY[name](theme)
    checked = go.Figure(json.loads(figure.to_json()))  # raises for any property that Plotly does not know
    assert checked.layout.template.layout.font.color == ground(theme).ink


@pytest.mark.parametrize("name", EVERY)
def test_the_builders_share_nothing_that_a_page_could_spoil(name: str) -> None:
    first = EVERY[name]("light")
    before = first.to_json()
    first.update_layout(height=1, xaxis_title="spoilt")
    assert EVERY[name]("light").to_json() == before


def test_drift_shows_frozen_in_ice_and_trained_in_fire() -> None:
    bars, dots = drift(AUDIT).data
    assert list(bars.x) == pytest.approx([0, 12, 30])
    assert list(bars.text) == ["0 %", "12 %", "30 %"]
    assert list(bars.marker.color) == [ICE, FIRE, FIRE]
    assert list(dots.x) == [1.0, 0.8]  # the third was not measured
    assert list(dots.y) == [0, 1]
    assert "Frozen" in drift(AUDIT).layout.title.text
    assert "Frozen" not in drift(AUDIT[1:]).layout.title.text
    assert list(drift(AUDIT).layout.yaxis.ticktext) == ["stem", "layer1", "layer2"]


def test_tiny_changes_are_not_called_none() -> None:
    assert drift((stage("a", False, 1e-5, None),)).data[0].text == ("< 0.1 %",)


def test_reliability_in_percent_and_pale_where_images_are_few() -> None:
    bars, diagonal = reliability(BINS, 0.061).data
    assert list(bars.x) == pytest.approx([50, 90])
    assert list(bars.y) == pytest.approx([40, 95])
    opacity = [float(colour.rstrip(")").split(",")[-1]) for colour in bars.marker.color]
    assert opacity[0] < opacity[1] == 1
    assert list(diagonal.x) == list(diagonal.y) == [0, 100]
    assert "6.1 points, 50 images" in reliability(BINS, 0.061).layout.title.text


def test_runs_side_by_side_with_their_intervals() -> None:
    figure = accuracies(RESULTS, chance=0.5)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert [dot.x[0] for dot in dots] == pytest.approx([90, 60])
    assert [dot.error_x.array[0] for dot in dots] == pytest.approx([3, 6])
    assert [dot.error_x.arrayminus[0] for dot in dots] == pytest.approx([5, 5])
    assert [dot.marker.color for dot in dots] == [ICE, GREY]
    marks = [trace for trace in figure.data if trace.mode == "lines" and list(trace.x) == [50, 50]]
    assert len(marks) == 2
    texts = [note.text for note in figure.layout.annotations]
    assert {"chance", "probe", "90.0 %", "scratch", "60.0 %"} == set(texts)


def test_a_difference_that_may_be_chance_is_grey() -> None:
    figure = differences(DIFFERENCES)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert [dot.marker.color for dot in dots] == [FIRE, GREY]
    low, high = figure.layout.xaxis.range
    assert low == -high
    assert high >= 40


def test_the_most_probable_classes_in_percent() -> None:
    figure = probabilities([0.1, 0.5, 0.05, 0.25, 0.02, 0.08], ("a", "b", "c", "d", "e", "f"))
    bars = figure.data[1]
    assert list(bars.x) == pytest.approx([50, 25, 10, 8, 5])
    assert list(bars.customdata) == ["b", "d", "a", "f", "c"]
    assert bars.marker.color[0] == RIGHT
    assert [note.text for note in figure.layout.annotations][:2] == ["b", "50.0 %"]


def test_no_certainty_is_made_up_by_rounding() -> None:
    texts = [n.text for n in probabilities([0.99999, 0.00001], ("a", "b")).layout.annotations]
    assert texts == ["a", "> 99.9 %", "b", "< 0.1 %"]


def test_balance_of_few_classes_in_their_own_order() -> None:
    figure = class_balance({"train": [3, 9], "test": [1, 2]}, ("b", "a"))
    assert [list(trace.x) for trace in figure.data] == [[3, 9], [1, 2]]
    assert list(figure.layout.yaxis.ticktext) == ["b", "a"]
    assert [note.text for note in figure.layout.annotations] == ["<b>4</b>", "<b>11</b>"]
    assert "Training" in figure.layout.title.text
    assert figure.data[0].marker.line.color == DATA


def test_balance_of_many_classes_largest_first() -> None:
    figure = class_balance({"train": list(range(90))}, tuple(map(str, range(90))))
    assert list(figure.data[0].y) == sorted(range(90), reverse=True)
    assert figure.data[0].customdata[0][0] == "89"


def test_counts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="counts of train"):
        class_balance({"train": [1]}, ("a", "b"))
    with pytest.raises(ValueError, match="2 class names"):
        probabilities([0.2, 0.3, 0.5], ("a", "b"))

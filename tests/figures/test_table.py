"""Every chart's table has the numbers that were given to the chart, and nothing that was not."""

import importlib
import inspect
import json
import math
import pkgutil
from collections.abc import Callable
from functools import partial

import numpy as np
import plotly.graph_objects as go
import pytest

import core.figures
from core.figures import (
    candidates,
    change,
    class_balance,
    comparison,
    confusion,
    drift,
    faithfulness,
    filters,
    learning_curves,
    own_rides,
    picture_bridge,
    probabilities,
    reliability,
    riding,
    riding_reasons,
    similarity,
    specificity,
    sweep,
    technique_panels,
    techniques,
)
from core.figures.marks import GUIDE
from core.figures.says import figure_says
from core.figures.table import SERIES, FigureTable, notes, tables
from core.figures.template import figure
from core.riding.own_rides import Carried, OwnRide
from core.riding.picture_bridge import PictureArm
from core.techniques.events import Cloud, Clouds, Grid, Line, Lines
from tests.figures import (
    test_advice,
    test_advice_measures,
    test_change,
    test_charts,
    test_faithfulness,
    test_filters,
    test_learning_curves,
    test_riding,
    test_specificity,
    test_sweep,
    test_techniques,
)

LINES = Lines(
    x_title="x",
    y_title="gradient",
    lines=(
        Line(name="a", colour="violet", x=[0, 1], y=[0.9, 1.0], low=[0.8, 0.9], high=[1.0, 1.1]),
        Line(name="b", colour="ice", x=[0, 1], y=[0.25, 0.75]),
    ),
)
CLOUDS = Clouds(plots=(("", (Cloud(name="source", colour="ice", points=[(0.5, -2.0)], symbols=[7]),)),))
GRID = Grid(rows=("r", "s"), columns=("a", "b"), values=[[0.5, float("nan")], [0.125, 0.25]], x_title="digit")
RIDES = [OwnRide(machine="bicycle", number=0, seconds=3.5, fell=True)]
CARRIED = Carried(
    kind="jump-start",
    machine="motorcycle",
    source_first=RIDES[0],
    first=OwnRide(machine="motorcycle", number=0, seconds=5.0, fell=True),
    alone=1.0,
)
ARMS = {"scratch": PictureArm(title="From scratch", what="", role="control")}
READ = test_specificity.REPORT


# Of every builder: a figure, and numbers that were given to it (in the units on screen), all of which are told.
BUILDERS: dict[str, tuple[Callable[[], go.Figure], list[float]]] = {
    "advice_evidence.behind_the_best": (
        partial(test_advice.EVERY["map"], "light"),
        [20, 0, 10, 61, 81, 71, 2, 100],
    ),
    "advice_evidence.accuracy_over_depth": (
        partial(test_advice.EVERY["depths"], "light"),
        [61, 81, 71, 59, 63, 79, 83, 69, 73, 50],
    ),
    "advice_evidence.probe_over_stages": (
        partial(test_advice.EVERY["probes"], "light"),
        [50, 80, 60, 90, 70],
    ),
    "advice_outlook.outlooks": (
        partial(test_advice.EVERY["outlook"], "light"),
        [70, 60, 80, 71, 61, 81, 50, 40, 90, 300, 0.4],
    ),
    "advice_quadrants.quadrants": (
        partial(test_advice.EVERY["quadrants"], "light"),
        [0.2, 100, 0.9, 500, 0.6, 300**0.5],
    ),
    "advice_record.regrets": (
        partial(test_advice.EVERY["record"], "light"),
        [1, 0.5, 1.5, 2, 2.5, 5, 4.5, 5.5, 9],
    ),
    "candidates.pareto": (
        lambda: candidates.pareto(test_advice_measures.NETWORKS),
        [90, 80, 70, 40, 10, 20, 100, 4, 25, 50],
    ),
    "change.stages_over_epochs": (test_change.draw, [0, 5, 10, 11, 1, 4]),
    "change.classes_before_and_now": (
        lambda: change.classes_before_and_now(("a", "b"), (0.3, 0.7), (0.9, 0.1)),
        [30, 70, 90, 10],
    ),
    "class_balance.class_balance": (
        lambda: class_balance.class_balance(
            {"train": [3, 9], "test": [1, 2]}, ("a class with a long name", "b")
        ),
        [3, 9, 1, 2],
    ),
    "comparison.accuracies": (
        lambda: comparison.accuracies(test_charts.RESULTS, chance=0.5),
        [90, 85, 93, 60, 55, 66, 50],
    ),
    "comparison.differences": (
        lambda: comparison.differences(test_charts.DIFFERENCES),
        [30, 20, 40, 1, -3, 5],
    ),
    "comparison.classes_compared": (
        lambda: comparison.classes_compared(
            [
                comparison.ClassPair(name="a", first=0.9, second=0.5, count=10),
                comparison.ClassPair(name="b", first=0.2, second=0.3, count=7),
            ],
            ("A", "B"),
        ),
        [90, 50, 20, 30, 10, 7],
    ),
    "confusion.confusion_matrix": (
        lambda: confusion.confusion_matrix(((3, 1), (0, 4)), ("a", "b")),
        [3, 1, 0, 4],
    ),
    "drift.drift": (lambda: drift.drift(test_charts.AUDIT), [0, 12, 30, 1, 0.8]),
    "faithfulness.faithfulness": (
        lambda: faithfulness.faithfulness(
            test_faithfulness.FaithfulnessCurves(
                deletion=test_faithfulness.CURVE, insertion=test_faithfulness.CURVE
            )
        ),
        [80, 20, 0, 50, 60, 40, 100],
    ),
    "faithfulness.sanity": (lambda: faithfulness.sanity({"Saliency": test_faithfulness.STEPS}), [0.7, -0.1]),
    "filters.stage_by_stage": (
        lambda: filters.stage_by_stage(("a", "b"), test_filters.TRAINED, test_filters.RANDOM, title="Share"),
        [0.9, 1.0, 1.2, 0.1, 0.3, 0.6, 0.8, 1.1, 1.4],
    ),
    "filters.tuning": (lambda: filters.tuning((0, 90), (1.0, 0.5), preferred=10), [0, 90, 1, 0.5]),
    "filters.wheel": (
        lambda: filters.wheel([10, 100], [0.2, 0.3], ["#ff0000"] * 2, ["p", "q"]),
        [10, 100, 0.2, 0.3],
    ),
    "learning_curves.learning_curves": (
        lambda: learning_curves.learning_curves(
            test_learning_curves.run(2), control=test_learning_curves.run(1), panel="loss"
        ),
        [2, 1, 2.2, 1.1, 0.05, 1.995],
    ),
    "own_rides.own_rides": (
        lambda: own_rides.own_rides(
            RIDES, [], [CARRIED], {"bicycle": "Bicycle", "motorcycle": "Motorcycle"}, whole=8.0
        ),
        [3.5, 1, RIDES[0].nobody, 100 * RIDES[0].difficulty],
    ),
    "picture_bridge.few_shot": (
        lambda: picture_bridge.few_shot({"scratch": np.array([[0.5, 0.8], [0.6, 0.9]])}, ARMS, (5, 20)),
        [55, 85, 5, 20, 50],
    ),
    "probabilities.probabilities": (
        lambda: probabilities.probabilities([0.7, 0.3], ("a", "b")),
        [70, 30],
    ),
    "reliability.reliability": (
        lambda: reliability.reliability(test_charts.BINS, 0.06),
        [50, 40, 10, 90, 95, 40],
    ),
    "riding.learning": (
        lambda: riding.learning(test_riding.REPORT, test_riding.THREE, terms=["jump_start"]),
        [2, 30, 95, 98, 42, 92, 1, 3, 10, 80],
    ),
    "riding_reasons.strength": (
        lambda: riding_reasons.strength((1.0, 2.0), np.array([[0.3, 0.9], [0.5, 1.0]]), chosen=2.0),
        [1, 2, 40, 95],
    ),
    "riding_reasons.gains": (
        lambda: riding_reasons.gains({"bicycle": np.array([0.5, 0, 0.7, 0, 0.25, 0.1])}),
        [0.5, 0.7, 0.25, 0.1],
    ),
    "riding_reasons.doses": (
        lambda: riding_reasons.doses(
            (0, 15), {"bicycle": np.array([[30.0, 4.0], [32.0, np.inf], [34.0, np.inf]])}
        ),
        [0, 32, 30, 34],
    ),
    "riding_reasons.stability": (lambda: riding_reasons.stability((test_riding.BENCHMARK_BICYCLE,)), [1, 14]),
    "similarity.scales": (
        lambda: similarity.scales(
            test_advice_measures.MEASURED, "<b>last", tuple(test_advice_measures.KNOWN.values())[1:]
        ),
        [80, 75, 90, 0.2, 0.15, 0.3, 10, 50, 20],
    ),
    "similarity.by_stage": (
        lambda: similarity.by_stage(test_advice_measures.MEASURED, test_advice_measures.KNOWN),
        [20, 60, 10, 50, 90, 0.2, 0.15, 0.3],
    ),
    "specificity.accuracy_by_stage": (
        lambda: specificity.accuracy_by_stage(READ, test_specificity.CLASSICAL),
        [60, 90, 80, 50, 40, 30, 25],
    ),
    "specificity.selectivity_by_stage": (
        lambda: specificity.selectivity_by_stage(READ.stages),
        [0.3, 0.2, 0.5, 0.1, 0.05],
    ),
    "specificity.similarity_of_stages": (lambda: specificity.similarity_of_stages(READ), [1, 0.5, 0]),
    "specificity.published": (
        specificity.published,
        [100 * value for curve in specificity.CURVES for value in curve.accuracy] + [100 * specificity.BASE],
    ),
    "sweep.accuracy_over_depth": (
        lambda: sweep.accuracy_over_depth(test_sweep.report(test_sweep.events())),
        [90, 91, 90.5, 88.5, 40.5, 86.5, 3, 1, 2, 5, 34],
    ),
    "technique_panels.lines": (
        lambda: technique_panels.draw(LINES)[0][1],
        [0, 1, 0.9, 0.8, 1.1, 0.25, 0.75],
    ),
    "techniques.scores": (
        lambda: techniques.scores(test_techniques.report()),
        [80, 81, 82, 60, 61, 62, 50, 51, 52],
    ),
}


def numbers(found: list[FigureTable]) -> list[float]:
    return [
        float(value)
        for one in found
        for column in one.columns.values()
        for value in column
        if isinstance(value, int | float)
    ]


def test_every_builder_is_tried_here() -> None:
    known = {
        f"{room.name}.{name}"
        for room in pkgutil.iter_modules(core.figures.__path__)
        if room.name != "template"
        for name, made in inspect.getmembers(
            importlib.import_module(f"core.figures.{room.name}"), inspect.isfunction
        )
        if not name.startswith("_")
        and made.__module__ == f"core.figures.{room.name}"
        and inspect.signature(made).return_annotation is go.Figure
    }
    assert known == set(BUILDERS)


@pytest.mark.parametrize("name", BUILDERS)
def test_the_table_has_the_numbers_that_were_given(name: str) -> None:
    build, given = BUILDERS[name]
    found = tables(build())
    told = numbers(found)
    missing = [
        one
        for one in given
        if not any(math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) for other in told)
    ]
    assert not missing
    for one in found:
        assert len({len(column) for column in one.columns.values()}) == 1, "columns of equal length"
        assert all(one.columns), "every column has a name"
        assert any(one.columns.values())


@pytest.mark.parametrize("name", BUILDERS)
def test_a_figure_on_its_way_to_the_browser_tells_the_same(name: str) -> None:
    drawn = BUILDERS[name][0]()
    sent = go.Figure(json.loads(drawn.to_json()), _validate=False)  # arrays are base64 by then
    assert tables(sent) == tables(drawn)


@pytest.mark.parametrize("name", BUILDERS)
def test_one_sentence_is_read_off_any_figure(name: str) -> None:
    said = figure_says(BUILDERS[name][0]())
    assert said.endswith(".")
    assert len(said) < 400
    assert not any(sign in said for sign in ("nan", "None", "inf"))


def table_of(name: str, place: int = 0) -> dict[str, list]:
    return tables(BUILDERS[name][0]())[place].columns


def test_series_over_the_same_places_stand_side_by_side() -> None:
    loss, batches = tables(BUILDERS["learning_curves.learning_curves"][0]())
    assert loss.title == "Loss (nats)"
    assert loss.columns == {
        "Epoch": [1, 2],
        "From scratch": [2.2, None],
        "Training": [2, 1],
        "Validation": [2.2, 1.1],
    }
    assert list(batches.columns) == ["Epoch", "Loss of a batch (nats)"]
    assert len(batches.columns["Epoch"]) == 40


def test_a_line_of_one_value_is_a_series_of_its_own() -> None:
    assert tables(BUILDERS["picture_bridge.few_shot"][0]())[0].columns[SERIES][-1] == "chance"


def test_a_band_and_an_error_bar_become_both_ends() -> None:
    rows = table_of("technique_panels.lines")
    assert rows == {
        SERIES: ["a", "a", "b", "b"],
        "x": [0, 1, 0, 1],
        "gradient": [0.9, 1.0, 0.25, 0.75],
        "Low": [0.8, 0.9, None, None],
        "High": [1.0, 1.1, None, None],
    }
    assert table_of("comparison.accuracies") == {
        "Run": ["probe", "scratch", "chance"],
        "Test accuracy (%), with 95 % interval": [90, 60, 50],
        "95 % from": [85, 55, None],
        "to": [93, 66, None],
    }


def test_panels_that_say_more_of_the_same_rows_are_joined() -> None:
    assert table_of("drift.drift") == {
        "Stage": ["stem", "layer1", "layer2"],
        "Frozen or trained": ["frozen", "trained", "trained"],
        "Change (%)": [0, 12, 30],
        "CKA": [1, 0.8, None],
    }


def test_names_that_the_chart_cuts_are_whole_in_the_table() -> None:
    assert table_of("class_balance.class_balance")["Class"] == ["a class with a long name", "b"]


def test_a_heat_map_is_a_grid_and_so_is_a_confusion_matrix() -> None:
    (one,) = tables(technique_panels.draw(GRID)[0][1])
    assert one.columns == {"Row": ["r", "s"], "a": [0.5, 0.125], "b": [None, 0.25]}
    assert one.grid
    (one,) = tables(BUILDERS["confusion.confusion_matrix"][0]())
    assert one.title == "Pictures; columns: predicted class"
    assert one.columns == {"True class": ["a", "b"], "a": [3, 0], "b": [1, 4]}


def test_a_wide_confusion_matrix_lists_the_cells_that_have_pictures() -> None:
    counts = np.diag(np.full(60, 2))
    counts[3, 7] = 1
    (one,) = tables(confusion.confusion_matrix(counts, tuple(f"class {number}" for number in range(60))))
    row = one.columns["Pictures"].index(1)
    assert len(one.columns["Pictures"]) == 61
    assert (one.columns["True class"][row], one.columns["Predicted class"][row]) == ("class 3", "class 7")


def test_points_keep_what_is_written_on_them() -> None:
    (one,) = tables(technique_panels.draw(CLOUDS)[0][1])
    assert one.columns == {"Symbol": ["7"], "Across": [0.5], "Upwards": [-2.0]}


def test_markup_is_gone_and_a_name_with_signs_is_itself() -> None:
    assert table_of("similarity.by_stage")["Stage"][:2] == ["stem", "<b>last"]
    assert notes(BUILDERS["riding.learning"][0]()) == ["Jump-start +40 points [40, 40]"]
    assert notes(BUILDERS["own_rides.own_rides"][0]()) == ["jump-start +3.5 s"]


def test_box_of_odd_inputs() -> None:
    """What no chart of ours draws yet: names twice, arrays of NumPy, symmetric bars, nothing at all."""
    trace = {
        "type": "bar",
        "x": ["a", "b"],
        "y": np.array([1.5, np.nan]),
        "error_y": {"type": "data", "array": np.array([0.5, 0.25])},
    }
    layout = {"xaxis": {"title": {"text": "Name"}}, "yaxis": {"title": {"text": "<b>Height</b><br>(m)"}}}
    (one,) = tables(
        figure([trace, {"type": "scatter", "x": [0], "y": [0], "meta": GUIDE}], "light", **layout)
    )
    assert one.columns == {"Name": ["a", "b"], "Height (m)": [1.5, None], "Low": [1, None], "High": [2, None]}
    heat = {"type": "heatmap", "z": [[1, 2]], "x": ["p", "p"], "y": ["q"]}
    (one,) = tables(figure([heat], "light", yaxis={"title": {"text": "Row"}}))
    assert one.columns == {"Row": ["q"], "p": [1], "p (2)": [2]}
    box = {"type": "box", "name": "seeds", "y": [3.0, 4.0]}
    violin = {"type": "violin", "name": "more", "y": [5.0], "x": ["p"]}
    (one,) = tables(figure([box, violin], "light", xaxis={"title": {"text": "Name"}}))
    assert one.columns == {SERIES: ["seeds", "seeds", "more"], "y": [3, 4, 5], "Name": [None, None, "p"]}
    assert tables(figure([], "light")) == []
    assert figure_says(figure([], "light")) == "Nothing is drawn yet."

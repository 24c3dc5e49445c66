"""Charts of the advice: what their traces hold, and that Plotly accepts every one of them in both themes."""

import dataclasses
import json
from collections.abc import Callable

import plotly.graph_objects as go
import pytest

from core.advice.evidence import Cell
from core.advice.report import Measures, Outlook, Policy, StageMeasures
from core.figures.advice_evidence import accuracy_over_depth, behind_the_best, probe_over_stages
from core.figures.advice_outlook import outlooks
from core.figures.advice_quadrants import KnownDataSet, TaskPlace, quadrants
from core.figures.advice_record import regrets
from core.figures.depth_axis import depth_axis
from core.figures.template import FIRE, ICE, Theme, faded, ground
from core.metrics.report import Interval


def interval(value: float, by: float = 0.1) -> Interval:
    return Interval(value=value, low=value - by, high=value + by)


ARMS = ("k0", "k1", "k2")
OUTLOOKS = tuple(
    Outlook(
        arm=arm,
        accuracy=interval(accuracy),
        behind=Interval(value=behind, low=0.0, high=behind + 0.02),
        seconds=seconds,
        best_share=0.5,
    )
    for arm, accuracy, behind, seconds in (
        ("k0", 0.7, 0.01, 90.0),
        ("k1", 0.71, 0.0, 300.0),
        ("k2", 0.5, 0.21, 0.4),
    )
)
LANDMARKS = (
    KnownDataSet(title="Ants and bees", about="photographs", unlike=0.2, per_class=100, near=True),
    KnownDataSet(title="MNIST", about="digits", unlike=0.9, per_class=500),
    KnownDataSet(title="Exactly there too", about="digits", unlike=0.9, per_class=500),
)
CELLS = tuple(
    Cell(
        task=task,
        per_class=per_class,
        images=2 * per_class,
        classes=2,
        chance=0.5,
        test_images=100,
        epochs=10,
        accuracy={
            arm: (value - 0.01, value + 0.03) for arm, value in zip(ARMS, (0.6, 0.8, 0.7), strict=True)
        },
        seconds=dict.fromkeys(ARMS, 1.0),
    )
    for task, per_class in (("mnist-6000", 20), ("hymenoptera", 20), ("mnist-6000", 5))
)
MEASURES = Measures(
    backbone="tiny_resnet18",
    stages=tuple(
        StageMeasures(
            stage=name,
            frechet=None,
            neighbours=interval(value),
            logme=interval(0),
            h_score=interval(0),
            probe=interval(value + 0.1),
        )
        for name, value in (("stem", 0.5), ("layer1", 0.8), ("layer2", 0.6))
    ),
    images=40,
    classes=2,
    per_class=20,
    chance=0.5,
    seconds={},
)


def policy(name: str, value: float) -> Policy:
    return Policy(
        name=name,
        title=f"The {name} one",
        what="Does it.",
        regret=interval(value, 0.5),
        percentile_90=interval(3 * value),
        fair_regret=interval(value),
        worst=9.0,
        worst_task="mnist-6000",
        worst_per_class=None,
        cost=0.5,
    )


POLICIES = (policy("advice-described", 2.0), policy("full", 1.0), policy("probe", 5.0))

EVERY: dict[str, Callable[[Theme], go.Figure]] = {
    "quadrants": lambda theme: quadrants(
        LANDMARKS, TaskPlace(unlike=(0.5, 0.7), per_class=(10, 30)), theme=theme
    ),
    "quadrants, nothing known": lambda theme: quadrants((), None, theme=theme),
    "outlook": lambda theme: outlooks(
        OUTLOOKS, stages=2, advised="k1", equal=("k0", "k1"), chance=0.5, theme=theme
    ),
    "given away": lambda theme: outlooks(
        OUTLOOKS, stages=2, advised="k1", equal=("k0", "k1"), quantity="behind", theme=theme
    ),
    "record": lambda theme: regrets(POLICIES, theme=theme),
    "map": lambda theme: behind_the_best(CELLS[:2], ARMS, stages=2, theme=theme),
    "depths": lambda theme: accuracy_over_depth([CELLS[0], CELLS[2]], ARMS, stages=2, theme=theme),
    "probes": lambda theme: probe_over_stages((MEASURES,), theme=theme),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", EVERY)
def test_plotly_accepts_what_was_built_without_its_checks(name: str, theme: Theme) -> None:
    figure = EVERY[name](theme)
    go.Figure(json.loads(figure.to_json()))  # raises for any property that Plotly does not know


def named(figure: go.Figure, name: str) -> dict:
    return next(trace for trace in json.loads(figure.to_json())["data"] if trace.get("name") == name)


def test_the_task_lies_in_the_middle_of_what_is_known_about_it() -> None:
    figure = EVERY["quadrants"]("light")
    dot = named(figure, "your task")
    assert dot["x"] == [pytest.approx(0.6)]
    assert dot["y"] == [pytest.approx((10 * 30) ** 0.5)]  # the middle of a logarithmic axis
    box = named(figure, "what is known")
    assert (min(box["x"]), max(box["x"]), min(box["y"]), max(box["y"])) == (0.5, 0.7, 10, 30)


def test_names_on_the_map_never_cover_each_other_and_near_ones_come_first() -> None:
    texts = named(EVERY["quadrants"]("light"), "known data sets")["text"]
    assert texts[0].strip() == "Ants and bees"
    assert [one.strip() for one in texts[1:]].count("") >= 0
    crowd = [
        KnownDataSet(title=f"Data set {number}", about="", unlike=0.3, per_class=50, near=number == 7)
        for number in range(8)
    ]
    written = [one.strip() for one in named(quadrants(crowd, None), "known data sets")["text"] if one.strip()]
    assert "Data set 7" in written
    assert len(written) <= 4  # right, left, above, below


def test_the_stack_is_ice_below_and_fire_above() -> None:
    axis = depth_axis(("k0", "k1", "k3", "lp_ft"), 3, on=ground("light"))
    columns = list(zip(*axis.trace["z"], strict=True))  # from the picture's end upwards; 0 is frozen
    assert columns == [(1, 1, 1), (0, 1, 1), (0, 0, 0), (1, 1, 1)]
    assert axis.trace["colorscale"] == [[0, ICE], [1, FIRE]]
    assert axis.x["ticktext"] == ["0", "1", "3 all", "LP-FT"]


def test_what_is_clearly_behind_is_faint_and_the_probe_is_ice() -> None:
    figure = EVERY["outlook"]("light")
    assert named(figure, "k0")["marker"]["color"] == faded(FIRE, 1.0)
    assert named(figure, "k2")["marker"]["color"] == faded(ICE, 0.38)
    assert named(figure, "k1")["marker"]["size"] > named(figure, "k0")["marker"]["size"]
    assert named(figure, "k1")["y"] == [pytest.approx(71)]
    assert named(figure, "k1")["error_y"]["array"] == [pytest.approx(10)]
    ticks = json.loads(figure.to_json())["layout"]["xaxis"]["ticktext"]
    assert ticks == ["0<br>90 s", "1<br>5 min", "2 all<br><1 s"]


def test_points_given_away_grow_downwards_and_keep_their_range() -> None:
    figure = EVERY["given away"]("light")
    low, high = json.loads(figure.to_json())["layout"]["yaxis"]["range"]
    assert low > 23
    assert high < 0
    assert named(figure, "k2")["y"] == [pytest.approx(21)]


def test_the_record_is_sorted_so_that_losses_stand_above_the_advice() -> None:
    figure = json.loads(EVERY["record"]("light").to_json())
    assert [trace["name"] for trace in figure["data"]] == ["full", "advice-described", "probe"]
    assert [trace["x"] for trace in figure["data"]] == [[1.0], [2.0], [5.0]]
    lit = figure["layout"]["shapes"]
    assert [one["y0"] < 1 < one["y1"] for one in lit] == [True]


def test_the_map_counts_points_behind_each_rows_best() -> None:
    trace = named(EVERY["map"]("light"), "behind")
    assert trace["z"] == [[pytest.approx(20), 0, pytest.approx(10)]] * 2
    assert trace["text"] == [["20", "best", "10"]] * 2
    labels = json.loads(EVERY["map"]("light").to_json())["layout"]["yaxis"]["ticktext"]
    assert labels == ["Ants and bees", "MNIST"]  # photographs first


def test_of_several_best_depths_each_is_framed_and_counted() -> None:
    level = dataclasses.replace(CELLS[0], accuracy=CELLS[0].accuracy | {"k0": CELLS[0].accuracy["k1"]})
    drawn = json.loads(behind_the_best([level, CELLS[1]], ARMS, stages=2).to_json())
    texts = next(trace for trace in drawn["data"] if trace.get("name") == "behind")["text"]
    framed = {
        (round(one["y0"] + 0.42), round(one["x0"] + 0.46))
        for one in drawn["layout"]["shapes"]
        if one["type"] == "rect"
    }
    assert sorted(words.count("best") for words in texts) == [1, 2]
    assert framed == {
        (row, place) for row, words in enumerate(texts) for place, word in enumerate(words) if word == "best"
    }
    assert len(framed) == 3


def test_a_curve_for_each_number_of_pictures_with_bars_over_seeds() -> None:
    curve = named(EVERY["depths"]("light"), "20")
    assert curve["y"] == [pytest.approx(61), pytest.approx(81), pytest.approx(71)]
    assert curve["error_y"]["array"] == [pytest.approx(2)] * 3
    names = json.loads(EVERY["depths"]("light").to_json())["layout"]["annotations"]
    assert abs(names[0]["y"] - names[1]["y"]) >= 6  # equal ends, names apart


def test_the_best_stage_wears_the_star() -> None:
    probe = named(EVERY["probes"]("light"), "probe")
    assert probe["marker"]["symbol"] == ["circle", "star", "circle"]

"""The charts of measured similarity and of candidate networks: what their traces hold, and that Plotly accepts them."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from core.advice.candidates_report import Candidate, Comparison, Examined, Pace, compared
from core.advice.landmarks import Landmark, Scale
from core.advice.report import Measures, StageMeasures
from core.figures import candidates, similarity
from core.figures.template import GREY, ICE, Theme
from core.interpretation.specificity_report import Reading
from core.metrics.classification import wilson
from core.metrics.report import Interval


def interval(value: float) -> Interval:
    return Interval(value=value, low=value - 0.05, high=value + 0.1)


def stage(name: str, accuracy: float, frechet: float | None = 0.5) -> StageMeasures:
    return StageMeasures(
        stage=name,
        frechet=None if frechet is None else interval(frechet),
        neighbours=interval(accuracy),
        logme=interval(0.2),
        h_score=interval(0.4),
    )


def measures(*rows: StageMeasures) -> Measures:
    return Measures(
        backbone="tiny_resnet18",
        stages=rows,
        images=40,
        classes=2,
        per_class=20,
        chance=0.5,
        seconds={},
    )


MEASURED = measures(stage("stem", 0.6), stage("<b>last", 0.8))
MARKS = (
    Landmark(task="textures", per_class=20, value=0.1),
    Landmark(task="satellite", per_class=20, value=0.5),
    Landmark(task="hymenoptera", per_class=20, value=0.9),
)
KNOWN = {
    (name, "neighbours"): Scale(measure="neighbours", stage=name, landmarks=MARKS)
    for name in ("stem", "<b>last")
}


def examined(title: str, right: int, milliseconds: float, megabytes: float) -> Examined:
    reading = Reading(right=np.arange(100) < right)
    return Examined(
        candidate=Candidate(name=title),
        title=title,
        image_size=64,
        last="layer4",
        best="layer4",
        probe=reading,
        probe_best=reading,
        neighbours=wilson(50, 100),
        neighbours_best=wilson(50, 100),
        logme=interval(0.1),
        h_score=interval(0.5),
        parameters=1000,
        megabytes=megabytes,
        pace=Pace(median=milliseconds, low=milliseconds, high=milliseconds, batch=8, threads=1),
        seconds=1.0,
    )


def comparison(*rows: Examined) -> Comparison:
    return compared(rows, [], np.arange(100) % 2)


NETWORKS = comparison(
    examined("slow", 90, 40, 100), examined("beaten <i>", 70, 20, 25), examined("fast", 80, 10, 4)
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_accepts_what_was_built_without_its_checks(theme: Theme) -> None:
    for chart in (
        similarity.scales(MEASURED, "<b>last", tuple(KNOWN.values())[1:], theme=theme),
        similarity.scales(MEASURED, "stem", (), theme=theme),
        similarity.by_stage(MEASURED, KNOWN, theme=theme),
        similarity.by_stage(measures(stage("only", 0.7, None)), theme=theme),
        candidates.pareto(NETWORKS, theme=theme),
        candidates.pareto(comparison(examined("only", 50, 3, 1)), theme=theme),
        candidates.pareto(comparison(), theme=theme),
    ):
        go.Figure(json.loads(chart.to_json()))
        assert "<b>last" not in chart.to_json()
        assert "<i>" not in chart.to_json()


def test_plain_votes_come_first_and_what_was_not_measured_has_no_scale() -> None:
    notes = [one.text for one in similarity.scales(MEASURED, "stem", ()).layout.annotations]
    assert notes[0] == "Nearest neighbours"
    assert "Linear probe" not in notes
    without = measures(stage("stem", 0.6, None))
    assert not any(
        "Distance" in one.text for one in similarity.scales(without, "stem", ()).layout.annotations
    )
    titles = [one.text for one in similarity.by_stage(MEASURED).layout.annotations]
    assert [("neighbours" in titles[0]), len(titles)] == [True, 4]


def test_the_dot_stands_among_the_ticks_where_it_should() -> None:
    chart = similarity.scales(MEASURED, "<b>last", (KNOWN["<b>last", "neighbours"],))
    ticks = next(one for one in chart.data if one.name == "measured data sets")
    dot = next(one for one in chart.data if one.name == "Nearest neighbours")
    textures, satellite, bees = ticks.x
    # Accuracy .8 with chance .5 lies 60 % of the way: a quarter of the way from .5 to .9.
    assert dot.x[0] == pytest.approx(satellite + 0.25 * (bees - satellite))
    assert textures < satellite < dot.x[0]
    assert dot.error_x.array[0] == pytest.approx(2 * dot.error_x.arrayminus[0])
    notes = [one.text for one in chart.layout.annotations]
    assert "<b>80 %</b>" in notes[1]  # the accuracy itself
    assert "Aerial scenes" in notes


def test_names_of_landmarks_do_not_overlap() -> None:
    close = tuple(
        Landmark(task=task, per_class=20, value=value)
        for task, value in (
            ("textures", 0.5),
            ("satellite", 0.58),
            ("hymenoptera", 0.62),
            ("mnist-6000", 0.63),
        )
    )
    scale = Scale(measure="neighbours", stage="stem", landmarks=close)
    chart = similarity.scales(measures(stage("stem", 0.8)), "stem", (scale,))
    titles = {one.title for one in close}
    named = [one.text for one in chart.layout.annotations if one.text in titles]
    assert named == ["Ants and bees"]  # at .62, the nearest to .6; no other name fits beside it


def test_every_known_data_set_is_a_grey_line_over_the_stages() -> None:
    chart = similarity.by_stage(MEASURED, KNOWN)
    lines = [one for one in chart.data if one.name in {"Textures", "Aerial scenes", "Ants and bees"}]
    assert len(lines) == 3
    assert list(lines[0].y) == pytest.approx([10.0, 10.0])
    own = next(one for one in chart.data if one.name == "Nearest neighbours")
    assert list(own.y) == pytest.approx([20.0, 60.0])  # of the way from chance to perfect, in percent
    assert own.line.color == ICE


def test_bubbles_have_the_size_and_colour_that_they_earn() -> None:
    bubbles = {one.name: one for one in candidates.pareto(NETWORKS).data if one.mode == "markers"}
    assert bubbles["slow"].marker.size == pytest.approx(
        2 * bubbles["beaten <i>"].marker.size
    )  # area by megabytes
    assert bubbles["slow"].marker.color == bubbles["fast"].marker.color == ICE
    assert bubbles["beaten <i>"].marker.color != ICE
    assert GREY not in (bubbles["slow"].marker.color, bubbles["fast"].marker.color)
    share = wilson(90, 100)
    assert bubbles["slow"].y[0] == pytest.approx(90)
    assert bubbles["slow"].error_y.array[0] == pytest.approx(100 * (share.high - 0.9))


def test_the_front_goes_from_the_fastest_to_the_best() -> None:
    front = next(one for one in candidates.pareto(NETWORKS).data if one.name == "front")
    assert list(front.x)[:2] == [10, 40]
    assert list(front.y)[:2] == pytest.approx([80, 90])


def test_a_crowd_names_the_front_first() -> None:
    crowd = [examined(f"beaten number {number}", 80, 20.1 + number / 1000, 50) for number in range(12)]
    chart = candidates.pareto(comparison(*crowd, examined("best of all", 81, 20, 50)))
    assert "best of all" in [one.text for one in chart.layout.annotations]
    assert len(chart.layout.annotations) < 6

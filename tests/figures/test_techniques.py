import numpy as np
import pytest

from core.figures import techniques as figures
from core.figures.template import FIRE, GREY
from core.techniques.events import Cloud, Clouds, Grid, Line, Lines, Score
from core.techniques.report import Report
from core.techniques.technique import Axis
from tests.techniques.test_contract import toy


def report(**changes):
    technique = toy(**changes)
    places = (1.0, 10.0) if technique.axis else (None,)
    return Report.of(
        technique,
        [
            Score(arm=arm, seed=seed, x=x, value=value + 0.01 * seed)
            for arm, value in (("new", 0.8), ("old", 0.6), ("none", 0.5))
            for seed in range(3)
            for x in places
        ],
    )


def test_every_arm_has_its_mean_interval_and_seeds():
    drawn = figures.scores(report()).data
    dots = [one for one in drawn if "error_x" in one and one["error_x"]["array"]]
    assert [round(one["x"][0], 6) for one in dots] == [81.0, 61.0, 51.0]
    seeds = drawn[0]
    assert list(seeds["x"]) == pytest.approx([80, 81, 82])
    assert dots[0]["marker"]["color"] == FIRE
    assert dots[1]["marker"]["color"] == GREY
    assert dots[2]["marker"]["line"]["color"] == GREY  # the control is hollow
    found = report().mean("new")
    assert dots[0]["error_x"]["array"][0] == pytest.approx(100 * (found.high - found.value))


def test_over_an_axis_arms_are_lines_in_bands():
    drawn = figures.scores(report(axis=Axis(title="Images", logarithmic=True)))
    lines = [one for one in drawn.data if one["mode"] == "lines+markers"]
    assert [list(one["x"]) for one in lines] == [[1, 10]] * 3
    assert [one["line"]["dash"] for one in lines] == ["solid", "solid", "dot"]
    assert drawn.layout.xaxis.type == "log"
    assert list(drawn.layout.xaxis.ticktext) == ["1", "10"]


def test_an_experiment_that_has_just_begun_can_be_drawn():
    for axis in (None, Axis(title="Images")):
        found = Report(technique=toy(axis=axis))
        assert figures.scores(found).layout.height > 100


def test_panels_say_what_they_are_given():
    lines = figures.panel(
        Lines(
            x_title="x",
            y_title="share",
            share=True,
            lines=(Line(name="a", colour="violet", x=[0, 1], y=[0.9, 1.0], low=[0.8, 0.9], high=[1.0, 1.1]),),
        )
    )
    band, line = lines.data
    assert list(line["y"]) == [90, 100]
    assert max(band["y"]) == 100  # nothing is above all
    clouds = figures.panel(
        Clouds(
            plots=tuple(
                (title, (Cloud(name="s", colour="gold", points=np.eye(2).tolist()),)) for title in "ab"
            )
        )
    )
    assert [one["xaxis"] for one in clouds.data] == ["x", "x2"]
    grid = figures.panel(
        Grid(rows=("r",), columns=("a", "b"), values=[[0.5, float("nan")]], share=True, low=0, high=1)
    )
    assert list(grid.data[0]["text"][0]) == ["50", ""]
    assert (grid.data[0]["zmin"], grid.data[0]["zmax"]) == (0, 100)

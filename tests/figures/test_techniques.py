import numpy as np
import pytest

from core.figures import technique_panels as panels
from core.figures import techniques as figures
from core.figures.template import FIRE, GREY, ICE
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


def test_the_key_names_every_line_in_its_colour_and_rows_need_none():
    entries = figures.key(report(axis=Axis(title="Images")))
    drawn = figures.scores(report(axis=Axis(title="Images"))).data
    lines = {one["name"]: one["line"]["color"] for one in drawn if one["mode"] == "lines+markers"}
    assert {one.name: one.colour for one in entries} == lines
    assert [one.mark for one in entries] == ["line", "line", "dots"]
    assert figures.key(report()) == []


def test_lines_stay_within_what_a_share_can_be():
    lines = Lines(
        x_title="x",
        y_title="share",
        share=True,
        lines=(Line(name="a", colour="violet", x=[0, 1], y=[0.9, 1.0], low=[0.8, 0.9], high=[1.0, 1.1]),),
    )
    [(title, drawn)] = panels.draw(lines)
    band, line = drawn.data
    assert title == ""
    assert list(line["y"]) == [90, 100]
    assert max(band["y"]) == 100  # nothing is above all
    assert panels.key(lines) == []  # the axis says what the only line is


def test_every_plot_of_clouds_is_a_figure_and_colours_that_differ_within_one_are_explained():
    source, target = (
        Cloud(name=name, colour=colour, points=np.eye(2).tolist(), symbols=[3, 4])
        for name, colour in (("source", "ice"), ("target", "fire"))
    )
    both = Clouds(plots=(("before", (source, target)), ("after", (source, target))))
    assert [title for title, _ in panels.draw(both)] == ["before", "after"]
    assert [list(one["text"]) for one in panels.draw(both)[1][1].data] == [["3", "4"]] * 2
    assert [(one.name, one.colour) for one in panels.key(both)] == [("source", ICE), ("target", FIRE)]
    assert panels.key(Clouds(plots=(("source", (source,)), ("target", (target,))))) == []


def test_a_heat_map_writes_its_numbers_and_a_wide_one_is_turned():
    [(_, drawn)] = panels.draw(
        Grid(rows=("r",), columns=("a", "b"), values=[[0.5, float("nan")]], share=True, low=0, high=1)
    )
    assert list(drawn.data[0]["text"][0]) == ["50", ""]
    assert (drawn.data[0]["zmin"], drawn.data[0]["zmax"]) == (0, 100)
    digits = tuple("0123456789")
    wide = Grid(
        rows=("r", "s"), columns=digits, values=np.arange(20).reshape(2, 10).tolist(), x_title="digit"
    )
    [(_, turned)] = panels.draw(wide)
    assert tuple(turned.data[0]["y"]) == digits
    assert [row[0] for row in turned.data[0]["z"]] == list(range(10))
    assert turned.layout.yaxis.title.text == "digit"


def test_a_logarithmic_axis_names_its_places_in_full():
    lines = Lines(
        x_title="x",
        y_title="gradient",
        logarithmic_y=True,
        lines=tuple(Line(name=name, colour="ice", x=[1, 2], y=[0.04, 1.5]) for name in "ab"),
    )
    axis = panels.draw(lines)[0][1].layout.yaxis
    assert {"0.05", "0.1", "0.2", "1"} <= set(axis.ticktext)

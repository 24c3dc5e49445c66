"""The charts of the view "Before and after": what their traces hold."""

import itertools
import json

import plotly.graph_objects as go
import pytest

from core.errors import SettingsError
from core.figures.change import classes_before_and_now, stages_over_epochs
from core.figures.template import FIRE, GREY, ICE, ROLES, Theme
from core.interpretation.change_report import EpochChange, StageChange

NAMES = ("stem", "layer1", "layer2")


def after(epoch: int, *rows: tuple[float, float | None]) -> EpochChange:
    stages = tuple(
        StageChange(stage=name, identical=change == 0, relative_change=change, cka=cka)
        for name, (change, cka) in zip(NAMES, rows, strict=True)
    )
    return EpochChange(epoch=epoch, stages=stages)


HISTORY = (
    after(0, (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)),
    after(1, (0.0, 1.0), (0.05, 0.9), (0.1, None)),
    after(4, (0.0, 1.0), (0.1, 0.8), (0.11, -0.1)),
)


def draw(panel: str = "change", **more: object) -> go.Figure:
    settings = {"frozen": ("stem",), "epoch": 1, "result": 4} | more
    return stages_over_epochs(HISTORY, panel=panel, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_accepts_what_was_built_without_its_checks(theme: Theme) -> None:
    for figure in (
        draw("change", theme=theme),
        draw("similarity", theme=theme),
        stages_over_epochs((), frozen=(), panel="change", epoch=0, result=0, theme=theme),
        classes_before_and_now(("a", "b"), (0.5, 0.5), (0.1, 0.9), theme=theme),
    ):
        go.Figure(json.loads(figure.to_json()))


def test_frozen_stages_are_ice_at_zero_and_trained_ones_fire_in_percent() -> None:
    stem, layer1, layer2 = draw().data
    assert list(stem.x) == [0, 1, 4]
    assert list(stem.y) == [0, 0, 0]
    assert stem.line.color == ICE
    assert list(layer1.y) == pytest.approx([0, 5, 10])
    assert layer2.line.color == FIRE, "the last trained stage has the whole colour"
    assert layer1.line.color not in (FIRE, ICE), "earlier ones are paler"


def test_from_scratch_is_grey() -> None:
    assert draw(role="control").data[-1].line.color == ROLES["control"] == GREY


def test_similarity_shows_gaps_where_it_was_not_measured_and_room_below_zero() -> None:
    figure = draw("similarity")
    assert list(figure.data[2].y) == [1, None, -0.1]
    assert list(figure.layout.yaxis.range) == [-0.1, 1.03]


def test_names_stand_at_the_ends_of_their_lines_without_lying_on_each_other() -> None:
    notes = {note.text: note.y for note in draw().layout.annotations}
    assert set(notes) == {"layer1", "layer2", "frozen"}
    assert notes["frozen"] == 0
    assert notes["layer1"] == pytest.approx(10)
    low, high = draw().layout.yaxis.range
    assert notes["layer2"] - notes["layer1"] >= 0.07 * (high - low)
    crowded = stages_over_epochs(
        [after(1, (0.1, 1.0), (0.1, 0.999), (0.1, 0.998))],
        frozen=(),
        panel="similarity",
        epoch=1,
        result=1,
    )
    places = sorted(note.y for note in crowded.layout.annotations)
    assert places[-1] <= crowded.layout.yaxis.range[1]
    assert min(b - a for a, b in itertools.pairwise(places)) > 0.07


def test_the_shown_epoch_is_marked_and_the_results_is_bold() -> None:
    figure = draw()
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (1, 1)
    assert list(figure.layout.xaxis.ticktext) == ["before", "1", "<b>4</b>"]
    assert list(figure.layout.xaxis.tickvals) == [0, 1, 4]


def test_names_from_outside_are_made_harmless_and_panels_checked() -> None:
    figure = classes_before_and_now(("<b>a</b>", "b"), (0.5, 0.5), (0.9, 0.1))
    assert figure.layout.yaxis.ticktext[0] == "&lt;b&gt;a&lt;/b&gt;"
    with pytest.raises(SettingsError, match="panel"):
        draw("drift")


def test_the_likeliest_classes_now_joined_to_where_they_were() -> None:
    before, now = [0.2] * 6, [0.0, 0.5, 0.1, 0.05, 0.15, 0.2]
    figure = classes_before_and_now(tuple("abcdef"), before, now)
    assert list(figure.layout.yaxis.ticktext) == ["b", "f", "e", "c", "d"]
    grey, fire = figure.data[-2:]
    assert (grey.marker.color, fire.marker.color) == (GREY, FIRE)
    assert list(fire.x) == pytest.approx([50, 20, 15, 10, 5])
    assert list(grey.x) == pytest.approx([20] * 5)
    assert list(figure.data[0].x) == pytest.approx([20, 50])
    with pytest.raises(ValueError, match="3 names"):
        classes_before_and_now(("a", "b", "c"), (0.5, 0.5), (0.5, 0.5))

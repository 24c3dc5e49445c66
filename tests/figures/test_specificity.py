"""The charts of general to specific: what their traces hold, and that Plotly accepts them."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from core.figures import specificity
from core.figures.template import DATA, GREY, ICE, Theme
from core.interpretation.quartiles import Quartiles
from core.interpretation.specificity_report import (
    ClassicalReading,
    Reading,
    Readings,
    SpecificityReport,
    StageReading,
)
from core.interpretation.yosinski import CURVES


def read(right: int, of: int = 100) -> Readings:
    flags = np.arange(of) < right
    return Readings(probe=Reading(right=flags), neighbours=Reading(right=flags[::-1] & (np.arange(of) > 50)))


def stage(name: str, right: int, random: int) -> StageReading:
    spread = Quartiles(median=0.3, low=0.2, high=0.5)
    return StageReading(
        name=name,
        channels=8,
        trained=read(right),
        random=read(random),
        selectivity=None if name == "silent" else spread,
        shuffled=None if name == "silent" else Quartiles(median=0.1, low=0.05, high=0.2),
        cka_random=None if name == "silent" else -0.02,
    )


REPORT = SpecificityReport(
    stages=(stage("stem", 60, 50), stage("silent", 90, 40), stage("<b>last", 80, 30)),
    cka=((1.0, 0.5, None), (0.5, 1.0, -0.01), (None, -0.01, 1.0)),
    images=100,
    classes=4,
    chance=0.25,
    voters=5,
    seconds=1.0,
)
CLASSICAL = (ClassicalReading(name="HOG", size=10, readings=read(40)),)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_accepts_what_was_built_without_its_checks(theme: Theme) -> None:
    for chart in (
        specificity.accuracy_by_stage(REPORT, CLASSICAL, theme=theme),
        specificity.accuracy_by_stage(REPORT, measure="neighbours", theme=theme),
        specificity.selectivity_by_stage(REPORT.stages, theme=theme),
        specificity.similarity_of_stages(REPORT, theme=theme),
        specificity.published(theme=theme),
    ):
        go.Figure(json.loads(chart.to_json()))  # raises for any property that Plotly does not know
        assert "<b>last" not in chart.to_json()  # a name is text, never markup


def test_accuracies_stand_at_their_stages_with_their_intervals() -> None:
    chart = specificity.accuracy_by_stage(REPORT, CLASSICAL)
    traces = {trace.name: trace for trace in chart.data}
    assert list(traces["learned weights"].y) == [60, 90, 80]
    assert list(traces["random weights"].y) == [50, 40, 30]
    assert list(traces["no network"].y) == [40]
    assert list(traces["chance"].y) == [25, 25]
    assert [round(x) for x in traces["learned weights"].x] == [1, 2, 3]  # right of the classical mark
    assert list(chart.layout.xaxis.ticktext) == ["HOG", "stem", "silent", "&lt;b&gt;last"]
    wilson = REPORT.stages[0].trained.probe.accuracy
    assert traces["learned weights"].error_y.array[0] == pytest.approx(100 * (wilson.high - 0.6))
    assert traces["learned weights"].error_y.arrayminus[0] == pytest.approx(100 * (0.6 - wilson.low))
    colours = {name: trace.line.color for name, trace in traces.items()}
    assert (colours["learned weights"], colours["random weights"], colours["no network"]) == (ICE, GREY, DATA)


def test_the_other_measure_is_drawn_when_asked_for() -> None:
    chart = specificity.accuracy_by_stage(REPORT, measure="neighbours")
    pretrained = next(trace for trace in chart.data if trace.name == "learned weights")
    assert pretrained.y[0] == 100 * REPORT.stages[0].trained.neighbours.accuracy.value


def test_a_silent_stage_has_no_selectivity_mark() -> None:
    chart = specificity.selectivity_by_stage(REPORT.stages)
    assert [[round(x) for x in trace.x] for trace in chart.data] == [[0, 2], [0, 2]]


def test_similarity_keeps_what_is_unknown_empty_and_clips_the_debiased_rest() -> None:
    heat = specificity.similarity_of_stages(REPORT).data[0]
    assert [list(row) for row in heat.z] == [[1, 0.5, None], [0.5, 1, 0], [None, 0, 1], [0, None, 0]]


def test_published_curves_are_drawn_as_they_stand_in_the_table() -> None:
    traces = {trace.name: trace for trace in specificity.published().data}
    for curve in CURVES:
        assert list(traces[curve.name].y) == [100 * value for value in curve.accuracy]

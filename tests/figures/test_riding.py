"""The riding charts: what is drawn is what was measured, on hand-made reports."""

import numpy as np
import pytest

from core.figures import riding, riding_reasons
from core.figures.template import FIRE, GREY, ICE, WRONG
from core.riding.experiment import ARMS
from core.riding.experiment_report import RiderCurve, RidingReport
from core.riding.machines import BENCHMARK_BICYCLE, SHARP_1971
from core.riding.named import LAST_TESTS

UPDATES = (0, 10, 40, 80)


def _curve(arm: str, *means: float, updates: tuple[int, ...] = UPDATES) -> RiderCurve:
    """Two seeds around each mean, so that the mean is exact and the band is not empty."""
    survival = np.array([means, means]) + np.array([[-0.01], [0.01]])
    return RiderCurve(arm=arm, updates=updates, survival=survival, seconds=6 * survival)


REPORT = RidingReport(
    target="motorcycle",
    seeds=(0, 1),
    curves=(
        _curve("scratch", 0.02, 0.3, 0.95, 0.98),
        _curve("bicycle", 0.42, 0.92, 0.98, 0.98),
        _curve("reversed", 0.02, 0.02, 0.5, 0.95),
        _curve("bicycle_two_frozen", 0.42, 0.6, 0.9, 0.98),
    ),
)
THREE = ["scratch", "bicycle", "reversed"]


def _lines(figure: object) -> dict[str, dict[str, object]]:
    return {trace["name"]: trace for trace in figure.data if trace["name"]}  # type: ignore[attr-defined]


def _notes(figure: object) -> str:
    return "\n".join(note["text"] for note in figure.layout.annotations)  # type: ignore[attr-defined]


def test_curves_are_means_in_percent_with_their_bands_and_colours() -> None:
    figure = riding.learning(REPORT, [*THREE, "bicycle_two_frozen"])
    lines = _lines(figure)
    assert [lines[ARMS[arm].title]["line"]["color"] for arm in THREE] == [GREY, FIRE, WRONG]
    assert lines[ARMS["bicycle_two_frozen"].title]["line"]["color"] == ICE
    scratch = lines["From scratch"]
    assert list(scratch["x"]) == list(UPDATES)
    np.testing.assert_allclose(scratch["y"], [2, 30, 95, 98])
    np.testing.assert_allclose(scratch["customdata"][1], [29, 31])
    assert not figure.layout.annotations


def test_no_two_arms_look_alike_but_those_of_one_strip() -> None:
    """Frozen to depth 1 or 2 is one handle; all other arms can stand in one chart."""
    report = RidingReport(
        target="motorcycle", seeds=(0, 1), curves=tuple(_curve(arm, 0, 0.2, 0.4, 1) for arm in ARMS)
    )
    arms = [arm for arm in ARMS if arm != "bicycle_first_frozen"]
    lines = _lines(riding.learning(report, arms)).values()
    looks = [(trace["line"]["color"], trace["line"]["dash"]) for trace in lines]
    assert len(set(looks)) == len(arms)


def test_an_unfinished_report_leaves_the_axes_standing() -> None:
    whole = riding.learning(REPORT, ["scratch"])
    part = RidingReport(target="motorcycle", seeds=(0, 1), curves=(_curve("scratch", 0.02, updates=(0,)),))
    begun = riding.learning(
        part, ["scratch"], terms=["slope", "negative_transfer", "jump_start", "asymptote"]
    )
    nothing = riding.learning(None, ["scratch"], terms=["jump_start"])
    assert not nothing.data
    for figure in (begun, nothing):
        assert figure.layout.xaxis.range == whole.layout.xaxis.range
        assert figure.layout.yaxis.range == whole.layout.yaxis.range
        assert figure.layout.title.text == whole.layout.title.text


def test_names_say_what_the_curves_say() -> None:
    figure = riding.learning(REPORT, THREE, terms=["jump_start", "slope", "negative_transfer"])
    text = _notes(figure)
    assert "Jump-start<br>+40 points" in text
    assert "+5.0 an update" in text  # bicycle: (92 - 42) / 10
    assert "+2.3 an update" in text  # scratch: (95 - 2) / 40
    assert "+40 updates" in text  # 80 instead of 40
    arrow = next(trace for trace in figure.data if list(trace["x"]) == [0, 0])
    np.testing.assert_allclose(arrow["y"], [2, 42])


def test_names_whose_riders_are_away_are_not_drawn() -> None:
    figure = riding.learning(REPORT, ["reversed"], terms=["jump_start", "slope", "negative_transfer"])
    assert not figure.layout.annotations


def test_asymptote_and_forgetting_look_further() -> None:
    updates = (*UPDATES, *range(100, 100 + 20 * LAST_TESTS, 20))
    long = RidingReport(
        target="motorcycle",
        seeds=(0, 1),
        curves=(_curve("scratch", *[0.5] * 4, *[0.97] * LAST_TESTS, updates=updates),),
    )
    forgot = RidingReport(
        target="bicycle",
        seeds=(0, 1),
        curves=(_curve("bicycle", 0.99, *[0.5] * (len(updates) - 2), 0.6, updates=updates),),
    )
    figure = riding.learning(long, ["scratch"], terms=["asymptote", "forgetting"], forgetting=forgot)
    assert figure.layout.xaxis.range[1] == updates[-1]
    assert "97.0 %" in _notes(figure)
    assert "99.0 % → 60.0 %" in _notes(figure)
    assert _lines(figure)["From the bicycle, on the bicycle again"]["line"]["dash"] == "dot"


def test_torque_doses_and_gains() -> None:
    survival = np.array([[0.3, 0.9], [0.5, 1.0]])
    figure = riding_reasons.strength((1.0, 2.0), survival, chosen=2.0)
    chosen = figure.data[-1]
    assert (chosen["x"][0], chosen["y"][0]) == (2.0, pytest.approx(95))
    figure = riding_reasons.doses(
        (0, 15), {"bicycle": np.array([[30.0, 4.0], [32.0, np.inf], [34.0, np.inf]])}
    )
    assert list(figure.data[0]["y"]) == [32]  # never has no dot
    direction = np.array([0.5, 0, 0.7, 0, 0.5, 0.1])
    figure = riding_reasons.gains({"bicycle": direction, "reversed": -direction}, theme="dark")
    np.testing.assert_allclose(figure.data[1]["x"], -direction)


def test_stability_crosses_zero_where_the_benchmark_does() -> None:
    figure = riding_reasons.stability((BENCHMARK_BICYCLE, SHARP_1971))
    speeds, rates = np.array(figure.data[0]["x"]), np.array(figure.data[0]["y"])
    stable = speeds[rates < 0]
    assert stable.min() == pytest.approx(4.29, abs=0.13)
    assert stable.max() == pytest.approx(6.02, abs=0.13)

"""What is read from learning curves, on hand-made ones."""

from math import inf

import numpy as np
import pytest

from core import errors
from core.riding import experiment_report as reports
from core.riding.experiment_report import RiderCurve, RidingReport

CURVE = RiderCurve(
    arm="bicycle",
    updates=(0, 2, 4),
    survival=np.array([[0.2, 0.9, 0.8], [0.0, 0.1, 0.5], [0.95, 0.9, 1.0], [0.1, 0.2, 0.9]]),
    seconds=np.full((4, 3), 2.0),
)


def test_updates_until_the_goal() -> None:
    assert CURVE.until_goal().tolist() == [2, inf, 0, 4]
    assert CURVE.until_goal(0.99).tolist() == [inf, inf, 4, inf]
    assert CURVE.at(4).tolist() == [0.8, 0.5, 1.0, 0.9]
    with pytest.raises(errors.SettingsError, match="update must be one of 0, 2, 4"):
        CURVE.at(3)


def test_medians_with_riders_who_never_got_there() -> None:
    found = reports.median(np.array([2, inf, 0, 4]))
    assert found.value == 3
    assert found.low == 0
    assert found.high == inf
    assert reports.median(np.array([4.0, 4.0, 4.0])).low == 4


def test_means_and_bands_agree() -> None:
    values = np.random.default_rng(0).uniform(size=(20, 3))
    alone = reports.mean(values[:, 1])
    average, low, high = reports.band(values)
    assert average[1] == pytest.approx(alone.value)
    # The width of a normal interval, within what 20 seeds and resampling allow
    expected = 1.96 * values[:, 1].std() / np.sqrt(20)
    assert alone.high - alone.value == pytest.approx(expected, rel=0.15)
    assert high[1] - low[1] == pytest.approx(2 * expected, rel=0.15)


def test_reports_survive_json() -> None:
    report = RidingReport(target="motorcycle", seeds=(1, 2, 3, 4), curves=(CURVE,))
    again = RidingReport.from_json(report.to_json())
    assert again.curve("bicycle").updates == CURVE.updates
    assert np.array_equal(again.curve("bicycle").survival, CURVE.survival)
    assert again.has(["bicycle"])
    assert not again.has(["bicycle", "scratch"])
    with pytest.raises(errors.SettingsError, match="arm must be one of bicycle"):
        again.curve("scratch")

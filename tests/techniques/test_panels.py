"""Means with their bands, and enlarged pictures."""

import numpy as np
import pytest
from scipy import stats

from core.errors import SettingsError
from core.techniques.panels import enlarged, half_width, mean_line

ROWS = np.array([[0.5, 0.9], [0.7, 1.0], [0.6, 1.0]])  # (seeds, places)


def test_a_band_is_the_t_interval_and_that_of_a_share_stays_a_share() -> None:
    line = mean_line("DANN", "fire", [1.0, 2.0], ROWS)
    low, high = stats.t.interval(0.95, 2, loc=ROWS.mean(axis=0), scale=stats.sem(ROWS, axis=0))
    assert line.y == pytest.approx(ROWS.mean(axis=0))
    assert line.low == pytest.approx(low)
    assert line.high == pytest.approx(high)
    assert line.high[1] > 1
    assert mean_line("DANN", "fire", [1.0, 2.0], ROWS, share=True).high[1] == 1
    assert half_width(ROWS) == pytest.approx((high - low) / 2)


def test_one_seed_has_no_band() -> None:
    assert half_width(ROWS[:1]).tolist() == [0.0, 0.0]
    with pytest.raises(SettingsError, match="at least two runs"):
        mean_line("DANN", "fire", [1.0, 2.0], ROWS[:1])


def test_pixels_become_squares_grey_or_coloured() -> None:
    grey = np.array([[1, 2]], dtype=np.uint8)
    assert enlarged(grey, 2).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]
    assert enlarged(np.zeros((2, 3, 3), dtype=np.uint8), 4).shape == (8, 12, 3)

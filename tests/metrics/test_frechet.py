import numpy as np
import pytest
from scipy.linalg import sqrtm

from core.metrics import frechet
from core.metrics.frechet import ChannelSpread

SOURCE = ChannelSpread(mean=np.array([1.0, 5.0, -2.0]), deviation=np.array([0.5, 2.0, 1.0]))


def draw(images: int, *, seed: int = 0, shift: float = 0.0, stretch: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return SOURCE.mean + SOURCE.deviation * (shift + stretch * random.normal(size=(images, 3)))


def test_by_hand() -> None:
    # One channel, unit source: mean 3, deviation 2 on very many images -> 9 + (2 - 1)².
    unit = ChannelSpread(mean=np.zeros(1), deviation=np.ones(1))
    rows = np.tile([[1.0], [5.0]], (50_000, 1))
    assert frechet.distance(rows, unit) == pytest.approx(10.0, abs=1e-3)


def test_it_is_the_distance_between_gaussians_where_channels_are_independent() -> None:
    first, second = np.diag([1.0, 1.0, 1.0]), np.diag([4.0, 0.25, 1.0])
    mean = np.array([1.0, 0.0, -2.0])
    exact = mean @ mean + np.trace(first + second - 2 * np.real(sqrtm(first @ second)))
    unit = ChannelSpread(mean=np.zeros(3), deviation=np.ones(3))
    rows = mean + np.random.default_rng(0).normal(size=(200_000, 3)) * [2.0, 0.5, 1.0]
    assert frechet.distance(rows, unit) == pytest.approx(exact / 3, rel=0.01)


def test_channels_count_in_units_of_the_source() -> None:
    scale = np.array([100.0, 0.01, 7.0])
    scaled = ChannelSpread(mean=SOURCE.mean * scale, deviation=SOURCE.deviation * scale)
    rows = draw(40, shift=1.0)
    assert frechet.distance(rows * scale, scaled) == pytest.approx(frechet.distance(rows, SOURCE))


@pytest.mark.parametrize("images", [10, 100])
def test_few_images_of_the_source_itself_are_not_far_on_average(images: int) -> None:
    found = [frechet.distance(draw(images, seed=seed), SOURCE) for seed in range(400)]
    # Uncorrected, 10 images give 0.15.
    assert np.mean(found) == pytest.approx(0.0, abs=0.2 / images)


def test_further_is_more_and_the_interval_says_how_sure() -> None:
    folds = np.arange(200) % 20
    near, far = (frechet.measured(draw(200, shift=shift, seed=3), SOURCE, folds) for shift in (0.3, 1.0))
    assert near.high < far.low
    assert near.low < 0.09 < near.high
    assert far.low < 1.0 < far.high


def test_the_interval_never_goes_below_zero() -> None:
    found = frechet.measured(draw(30), SOURCE, np.arange(30) % 10)
    assert 0 <= found.low <= found.value <= found.high


def test_a_channel_silent_at_the_source_does_not_decide() -> None:
    silent = ChannelSpread(mean=np.zeros(2), deviation=np.array([1.0, 0.0]))
    rows = np.random.default_rng(0).normal(size=(500, 2)) * [1.0, 1e-8]
    assert frechet.distance(rows, silent) == pytest.approx(0.0, abs=0.01)


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="features"):
        frechet.distance(np.zeros((5, 2)), SOURCE)
    with pytest.raises(ValueError, match="two images"):
        frechet.distance(np.zeros((1, 3)), SOURCE)

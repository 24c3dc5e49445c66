import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf, ledoit_wolf_shrinkage

from core.interpretation import readout
from core.metrics import jackknife, transferability

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def clouds(images: int, size: int, classes: int, apart: float = 2.0, seed: int = 0) -> tuple[Floats, Labels]:
    random = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    centres = apart * random.normal(size=(classes, size))
    return 3.0 + centres[labels] + random.normal(size=(images, size)), labels


def brute_force(features: Floats, labels: Labels) -> float:
    """The same by definition: the density of the labels, maximised over both precisions by a general optimiser."""
    images = len(labels)
    found = []
    for label in np.unique(labels):
        y = (labels == label).astype(float)

        def loss(logs: Floats, y: Floats = y) -> float:
            covariance = np.exp(-logs[1]) * np.eye(images) + np.exp(-logs[0]) * features @ features.T
            return -float(multivariate_normal.logpdf(y, cov=covariance)) / images

        # There may be two summits: some noise, or hardly any.
        climbs = [
            minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-9})
            for start in ([3.0, 3.0], [5.0, 12.0])
        ]
        found.append(-min(one.fun for one in climbs))
    return float(np.mean(found))


@pytest.mark.parametrize(("size", "apart"), [(3, 1.0), (40, 0.4)])  # fewer and more features than images
def test_logme_is_the_largest_evidence(size: int, apart: float) -> None:
    features, labels = clouds(24, size, 3, apart)
    assert transferability.logme(features, labels) == pytest.approx(brute_force(features, labels), abs=1e-5)


def test_logme_ignores_rotation_scale_and_silent_features() -> None:
    features, labels = clouds(60, 8, 3)
    value = transferability.logme(features, labels)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    assert transferability.logme(features @ rotation, labels) == pytest.approx(value, abs=1e-7)
    assert transferability.logme(1e4 * features, labels) == pytest.approx(value, abs=1e-7)
    silent = np.hstack([features, np.zeros((60, 100))])
    assert transferability.logme(silent, labels) == pytest.approx(value, abs=1e-7)


def test_logme_of_silent_features_is_that_of_noise_alone() -> None:
    # Nothing but noise of variance mean(y²) = 1/2 explains either class.
    value = transferability.logme(np.zeros((10, 4)), [0, 1] * 5)
    assert value == pytest.approx(-0.5 * np.log(2 * np.pi * np.e * 0.5))


def test_a_constant_feature_tells_hardly_more_than_the_labels() -> None:
    labels = np.arange(400) % 4
    value = transferability.logme(np.ones((400, 1)), labels) - transferability.label_evidence(labels)
    assert -0.02 < value < 0  # the price of one weight, spread over 400 images


def test_label_evidence_by_hand() -> None:
    assert transferability.label_evidence([0, 1]) == pytest.approx(-0.5 * np.log(2 * np.pi * np.e / 4))
    uneven = -0.5 * np.log(2 * np.pi * np.e * 3 / 16)  # shares 1/4 and 3/4, the same variance
    assert transferability.label_evidence([0, 1, 1, 1]) == pytest.approx(uneven)


def test_labels_among_the_features_cap_logme() -> None:
    labels = np.arange(300) % 3
    value = transferability.logme(np.eye(3)[labels], labels)
    assert np.isfinite(value)
    assert 8 < value < 11


def test_h_score_by_hand() -> None:
    labels = [0, 0, 1, 1]
    assert transferability.h_score([[1.0], [1.0], [-1.0], [-1.0]], labels) == pytest.approx(1.0)
    # Means 1 and -1, so variance 1 between the classes, of 2 in all.
    assert transferability.h_score([[2.0], [0.0], [-2.0], [0.0]], labels) == pytest.approx(0.5)
    assert transferability.h_score([[7.0], [7.0], [7.0], [7.0]], labels) == 0.0


@pytest.mark.parametrize("size", [5, 90])
def test_h_score_is_the_published_formula(size: int) -> None:
    features, labels = clouds(60, size, 4, 0.5)
    estimate = LedoitWolf().fit(features)
    means = np.stack([features[labels == label].mean(axis=0) for label in range(4)])[labels]
    between = np.cov(means, rowvar=False, bias=True)
    expected = np.trace((1 - estimate.shrinkage_) * np.linalg.inv(estimate.covariance_) @ between)
    assert transferability.h_score(features, labels) == pytest.approx(expected, rel=1e-6)
    rows = transferability.FeatureRows.of(features - features.mean(axis=0), labels)
    found = transferability._ledoit_wolf(rows.features, rows.features.T @ rows.features / 60, size)
    assert found == pytest.approx(ledoit_wolf_shrinkage(features), rel=1e-6)


def test_h_score_ignores_rotation_shift_and_scale() -> None:
    features, labels = clouds(60, 8, 3)
    value = transferability.h_score(features, labels)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    assert transferability.h_score(50 * features @ rotation - 9, labels) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("size", [4, 100])
def test_classes_that_are_there_score_above_shuffled_ones(size: int) -> None:
    features, labels = clouds(80, size, 4, 0.8)
    folds = readout.deal(labels, jackknife.GROUPS, 0)
    logme, h_score = transferability.scores(features, labels, folds)
    assert logme.value == pytest.approx(
        transferability.logme(features, labels) - transferability.label_evidence(labels)
    )
    assert h_score.value == pytest.approx(transferability.h_score(features, labels) / 3)
    shuffled = np.random.default_rng(0).permutation(labels)
    chance = transferability.scores(features, shuffled, readout.deal(shuffled, jackknife.GROUPS, 0))
    assert logme.low > chance[0].high
    assert h_score.low > chance[1].high
    assert chance[0].value < 0.05  # nothing more than the labels alone say


def test_leaving_out_by_subtraction_is_leaving_out() -> None:
    features, labels = clouds(12, 5, 2, 0.5)
    folds = np.arange(12) // 2 % 3
    parts = [
        transferability.logme(features[folds != fold], labels[folds != fold])
        - transferability.label_evidence(labels[folds != fold])
        for fold in range(3)
    ]
    expected = jackknife.interval(0.0, parts)
    found, _ = transferability.scores(features, labels, folds)
    assert found.high - found.value == pytest.approx(expected.high, rel=1e-6)


def test_the_interval_holds_what_other_images_give() -> None:
    """Over 40 draws of 100 images, about as many intervals hold the figure of the next draw's size as they should."""
    random = np.random.default_rng(5)
    centres = 0.5 * random.normal(size=(3, 6))
    labels = np.arange(100) % 3
    draws = [centres[labels] + random.normal(size=(100, 6)) for _ in range(40)]
    folds = readout.deal(labels, jackknife.GROUPS, 0)
    found = [transferability.scores(one, labels, folds)[0] for one in draws]
    typical = float(np.mean([one.value for one in found]))
    assert sum(one.low <= typical <= one.high for one in found) >= 34


def test_jackknife_of_a_mean_is_the_textbook_error() -> None:
    values = np.array([1.0, 4.0, 2.0, 8.0, 5.0])
    parts = [float(np.delete(values, number).mean()) for number in range(5)]
    found = jackknife.interval(float(values.mean()), parts)
    error = values.std(ddof=1) / np.sqrt(5)
    assert found.high - found.value == pytest.approx(2.7764451 * error)
    with pytest.raises(ValueError, match="two groups"):
        jackknife.interval(1.0, [1.0])


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="labels"):
        transferability.logme(np.zeros((3, 2)), [0, 1])
    with pytest.raises(ValueError, match="finite"):
        transferability.logme([[np.nan], [0.0]], [0, 1])
    with pytest.raises(ValueError, match="two classes"):
        transferability.h_score(np.zeros((3, 2)), [1, 1, 1])

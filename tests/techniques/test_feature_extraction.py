"""Pretrained features against hand-made ones: the mathematics, and a small run."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.preprocessing import StandardScaler

from core import errors
from core.events import Note, Progress
from core.interpretation import specimen
from core.techniques.events import Panel, Score
from core.techniques.feature_cache import FeatureCache
from core.techniques.feature_extraction import experiment, features, readout, selection
from core.techniques.feature_extraction.entry import TECHNIQUE, FeatureExtractionSettings


def test_group_lasso_chooses_what_the_closed_form_chooses() -> None:
    """With orthogonal features, soft thresholding solves the group lasso: kept are |x_j^T y| / N > penalty."""
    random = np.random.default_rng(0)
    rows, size, classes = 60, 8, 3
    labels = np.arange(rows) % classes
    centred = random.normal(size=(rows, size))
    centred -= centred.mean(axis=0)
    design = np.linalg.qr(centred)[0] * np.sqrt(rows)  # columns orthogonal, each of mean 0 and variance 1
    targets = (labels[:, None] == np.arange(classes)).astype(float)
    pull = np.linalg.norm(design.T @ (targets - targets.mean(axis=0)), axis=1) / rows  # (size,)
    strictness = float(np.sort(pull)[3] / pull.max()) * 1.001  # between the fourth and the fifth smallest
    assert selection.chosen(design, labels, strictness).tolist() == (pull > strictness * pull.max()).tolist()
    assert selection.chosen(design, labels, strictness).sum() == 4


def test_group_lasso_keeps_the_informative_feature_even_where_the_penalty_would_switch_off_all() -> None:
    random = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), 20)
    design = random.normal(size=(80, 30))
    design[:, 7] += 5 * labels
    standard = StandardScaler().fit_transform(design)
    assert np.flatnonzero(selection.chosen(standard, labels, 1.0001)).tolist() == [7]
    assert np.flatnonzero(selection.chosen(standard, labels, 0.6)).tolist() == [7]


def test_readout_is_ridge_with_the_penalty_that_leaving_one_out_prefers() -> None:
    random = np.random.default_rng(2)
    labels = np.repeat(np.arange(3), 10)
    centres = random.normal(size=(3, 12))
    train, test = (centres[labels] + random.normal(size=(30, 12)) for _ in range(2))
    scaler = StandardScaler().fit(train)
    standard = scaler.transform(train)
    targets = np.where(labels[:, None] == np.arange(3), 1.0, -1.0)
    losses = [
        np.square(cross_val_predict(Ridge(alpha), standard, targets, cv=LeaveOneOut()) - targets).mean()
        for alpha in readout.PENALTIES
    ]
    best = Ridge(readout.PENALTIES[int(np.argmin(losses))]).fit(standard, targets)
    expected = best.predict(scaler.transform(test)).argmax(axis=1) == labels
    assert readout.right(train, labels, test, labels).tolist() == expected.tolist()


def test_colour_histogram_counts_colours() -> None:
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    image[0, 0] = (255, 0, 64)  # levels 3, 0, 1
    found = features.colour_histogram(image)
    assert found[0] == pytest.approx(np.sqrt(3 / 4))
    assert found[3 * 16 + 1] == pytest.approx(np.sqrt(1 / 4))
    assert np.count_nonzero(found) == 2


def test_stage_features_are_the_averages_of_what_the_network_answers() -> None:
    network = specimen.random("tiny_resnet18", 3)
    images = np.random.default_rng(0).integers(0, 256, size=(2, 32, 32, 3), dtype=np.uint8)
    found = features.stage_features(network, images)
    with torch.no_grad():
        expected = network.backbone.run_stages(network.input(images), stop=3).mean(dim=(2, 3))
    assert [stage.shape[1] for stage in found] == [32, 32, 64, 128, 256]
    np.testing.assert_allclose(found[2], expected.numpy(), rtol=1e-4, atol=1e-5)


def test_features_are_computed_once_per_picture() -> None:
    asked: list[int] = []

    def compute(images: np.ndarray) -> list[int]:
        asked.append(len(images))
        return [int(image.sum()) for image in images]

    images = np.arange(4 * 12, dtype=np.uint8).reshape(4, 2, 2, 3)
    known = FeatureCache(compute)
    assert list(known.learn(images[:3])) == [1.0]
    assert list(known.learn(images)) == [1.0]
    assert list(known.learn(images)) == []
    assert asked == [3, 1]
    assert known.of(images[[2, 0]]) == [int(images[2].sum()), int(images[0].sum())]


@pytest.fixture(scope="module")
def settings() -> FeatureExtractionSettings:
    return FeatureExtractionSettings(data="lfw-faces", most=3, test_images=6, seeds=2)


def test_small_run(settings: FeatureExtractionSettings) -> None:
    events = list(TECHNIQUE.run(settings))
    scores = [event for event in events if isinstance(event, Score)]
    assert isinstance(events[0], Progress)
    assert [event.done for event in events if isinstance(event, Progress)][-1] == 1.0
    wanted = {(arm.name, seed, x) for arm in TECHNIQUE.arms for seed in (0, 1) for x in (2.0, 3.0)}
    assert {(one.arm, one.seed, one.x) for one in scores} == wanted
    assert len(scores) == len(wanted)
    assert {event.name for event in events if isinstance(event, Panel)} == {"stages", "choice", "map"}
    assert any("strongest hand-made" in event.message for event in events if isinstance(event, Note))
    again = (event for event in experiment.run(settings) if isinstance(event, Score))
    assert [next(again) for _ in range(16)] == scores[:16]  # the first seed


def test_bad_settings_are_one_sentence() -> None:
    with pytest.raises(errors.SettingsError, match="most must lie between 2 and 100"):
        FeatureExtractionSettings(most=1)
    with pytest.raises(errors.SettingsError, match="data must be one of everyday-closeups"):
        TECHNIQUE.settings_of({"data": "cats"})


def test_the_strictest_choice_keeps_a_feature():
    from core.techniques.feature_extraction.selection import chosen

    features = np.random.default_rng(0).normal(size=(4, 500))
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    assert chosen(standard, np.array([0, 1, 0, 1]), strictness=0.999).any()

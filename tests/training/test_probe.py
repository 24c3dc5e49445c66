import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from core import errors
from core.training import probe


def solve(features, labels, *, images=None, seed=0) -> probe.Probe:
    *_, last = probe.fit(features, labels, images=images or len(labels), seed=seed)
    assert isinstance(last, probe.Probe)
    return last


def problem(rows: int, size: int, classes: int, seed: int = 0):
    random = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    centres = random.normal(0, 1, (classes, size))
    return random.normal(0, 2, (rows, size)) * random.uniform(0.1, 9, size) + centres[labels] + 3, labels


@pytest.mark.parametrize(("rows", "size", "classes"), [(90, 12, 3), (60, 8, 2), (30, 200, 3)])
def test_the_solution_is_logistic_regression_on_standardised_features(rows, size, classes):
    features, labels = problem(rows, size, classes)
    found = solve(features, labels)
    assert found.converged
    standard = (features - features.mean(0)) / features.std(0)
    wanted = LogisticRegression(C=found.strength, max_iter=5000, tol=1e-8).fit(standard, labels)
    scores = features @ found.weight.T + found.bias
    probabilities = np.exp(scores - scores.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    assert np.allclose(probabilities, wanted.predict_proba(standard), atol=2e-3)


def test_it_is_written_into_a_layer():
    features, labels = problem(40, 6, 3)
    found = solve(features, labels)
    layer = nn.Linear(6, 3)
    probe.write(found, layer)
    scores = layer(torch.from_numpy(features).float()).detach().numpy()
    assert np.allclose(scores, features @ found.weight.T + found.bias, atol=1e-4)


def test_noise_gets_a_stronger_penalty_than_signal():
    random = np.random.default_rng(0)
    labels = np.arange(120) % 2
    noise = random.normal(size=(120, 30))
    signal = random.normal(size=(120, 30)) + 2.0 * labels[:, None] * (np.arange(30) < 3)
    assert solve(noise, labels).strength < solve(signal, labels).strength


def test_constant_features_get_no_weight():
    features, labels = problem(40, 6, 2)
    features[:, 2] = 5.0
    found = solve(features, labels)
    assert np.all(found.weight[:, 2] == 0)
    assert np.isfinite(found.weight).all()


def test_one_image_per_class_is_enough():
    found = solve(*problem(3, 6, 3))
    assert found.strength == probe.DEFAULT_STRENGTH
    features, labels = problem(3, 6, 3)
    assert np.array_equal((features @ found.weight.T + found.bias).argmax(1), labels)


def test_a_class_of_one_image_is_never_held_out():
    labels = np.array([0, 0, 0, 0, 1, 2, 2])
    folds = probe.fold_numbers(labels, 3, seed=0)
    assert folds[4] == -1
    assert sorted(folds[:4]) == [0, 0, 1, 2]
    assert sorted(folds[5:]) == [0, 1]
    features, _ = problem(7, 4, 3)
    assert np.isfinite(solve(features, labels).weight).all()


def test_views_of_an_image_share_its_fold():
    """If they did not, an image's twin in training would make a memorising probe look best."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2
    noise = random.normal(size=(60, 40))
    doubled = np.concatenate([noise, noise + random.normal(0, 1e-3, noise.shape)])
    twice = solve(doubled, np.tile(labels, 2), images=60)
    assert twice.strength <= solve(noise, labels).strength


def test_classes_need_not_be_balanced_or_in_order():
    random = np.random.default_rng(1)
    labels = np.array([2] * 30 + [0] * 5 + [1] * 9)
    features = random.normal(size=(44, 5)) + 4 * np.eye(5)[labels]
    found = solve(features, labels)
    assert np.mean((features @ found.weight.T + found.bias).argmax(1) == labels) > 0.95


def test_features_that_tell_nothing_apart_are_refused_in_one_sentence():
    labels = np.arange(6) % 2
    with pytest.raises(errors.DataError, match="answers all training pictures alike"):
        solve(np.full((6, 4), 3.0), labels)
    with pytest.raises(errors.WeightsError, match="beyond all numbers"):
        solve(np.full((6, 4), np.inf), labels)
    assert np.isfinite(solve(np.eye(6)[:, :4], labels).weight).all()

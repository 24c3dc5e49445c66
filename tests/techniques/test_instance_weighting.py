"""Importance weighting and TrAdaBoost: the mathematics, and a small run."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core import errors
from core.events import Note, Progress
from core.techniques.digits.scanned import scanned_digits
from core.techniques.events import Panel, Score
from core.techniques.instance_weighting import experiment, parity
from core.techniques.instance_weighting.entry import TECHNIQUE, InstanceWeightingSettings
from core.techniques.instance_weighting.importance import effective_size, importance_weights
from core.techniques.instance_weighting.tradaboost import boost, vote


def test_importance_weights_are_the_ratio_of_the_densities() -> None:
    """Two normal distributions of variance 1, at 0 and at d: p_target / p_source = exp(d x - d^2 / 2)."""
    random = np.random.default_rng(0)
    shift = 0.8
    source = random.normal(size=(20_000, 1))
    target = random.normal(size=(10_000, 1)) + shift
    found = importance_weights(source, target)
    exact = np.exp(shift * source[:, 0] - shift**2 / 2)
    np.testing.assert_allclose(np.log(found), np.log(exact), atol=0.15)
    # What they are for: averages over the weighted source are averages over the target.
    assert (found * source[:, 0]).mean() == pytest.approx(shift, abs=0.05)


def test_effective_size_counts_equal_weights_and_ignores_zeros() -> None:
    assert effective_size(np.array([2.0, 2.0, 2.0, 0.0])) == pytest.approx(3.0)
    assert effective_size(np.array([1.0, 3.0])) == pytest.approx(1.6)


def _as_in_the_paper(source, source_labels, target, target_labels, *, rounds, test):  # type: ignore[no-untyped-def]
    """Figure 1 of Dai et al. 2007, example by example, without any of our code."""
    n, m = len(source), len(target)
    images, labels = [*source, *target], [*source_labels, *target_labels]
    w = [1.0] * (n + m)
    beta = 1 / (1 + math.sqrt(2 * math.log(n) / rounds))
    kept = []
    for _ in range(rounds):
        p = [one / sum(w) for one in w]
        h = LogisticRegression(C=1.0, max_iter=1000).fit(images, labels, [one * (n + m) for one in p])
        answers = h.predict(images)
        epsilon = sum(w[i] * abs(answers[i] - labels[i]) for i in range(n, n + m)) / sum(w[n:])
        epsilon = min(max(epsilon, 0.5 / m), 0.49)
        beta_t = epsilon / (1 - epsilon)
        for i in range(n + m):
            loss = abs(int(answers[i]) - int(labels[i]))
            w[i] *= beta**loss if i < n else beta_t ** (-loss)
        kept.append((h, beta_t))
    votes = []
    for one in test:
        left = right = 1.0
        for h, beta_t in kept[rounds // 2 :]:
            left *= beta_t ** -float(h.predict([one])[0])
            right *= beta_t**-0.5
        votes.append(int(left >= right))
    return [one / sum(w) for one in w], votes


def test_tradaboost_does_what_the_paper_says() -> None:
    random = np.random.default_rng(3)
    source, target, test = (random.normal(size=(count, 2)) for count in (30, 12, 15))
    source_labels = (source[:, 0] > 0).astype(np.int64)  # another rule than the target's
    target_labels, test_labels = ((rows.sum(axis=1) > 0).astype(np.int64) for rows in (target, test))
    weights, votes = _as_in_the_paper(source, source_labels, target, target_labels, rounds=7, test=test)
    found = boost(source, source_labels, target, target_labels, 7)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-6)
    assert vote(found, test).tolist() == votes
    assert np.ptp(found.weights[:30]) > 0  # there was something to turn down
    assert (vote(found, test) == test_labels).mean() > 0.6


def test_tradaboost_turns_down_what_contradicts_the_target() -> None:
    """One feature, one rule; the source holds a group far out with the opposite labels."""
    random = np.random.default_rng(0)
    source = np.concatenate([random.normal(size=(40, 2)), random.normal(size=(20, 2))])
    right = (source[:, 0] > 0).astype(np.int64)
    labels = right.copy()
    labels[40:] = 1 - labels[40:]
    target = random.normal(size=(20, 2))
    found = boost(source, labels, target, (target[:, 0] > 0).astype(np.int64), 15)
    assert found.weights[40:60].mean() < 0.2 * found.weights[:40].mean()


def test_parts_share_no_image_and_are_biased_as_asked() -> None:
    images = np.arange(1797, dtype=np.float64)[:, None]
    _, digits = scanned_digits()
    domains = parity.draw(images, digits, source_images=100, share=0.9, wrong=0.25, seed=4)
    seen = np.concatenate([part.images[:, 0] for part in (domains.source, domains.target, domains.test)])
    assert len(np.unique(seen)) == 100 + parity.TARGET_IMAGES + parity.TEST_IMAGES
    assert (domains.source.digits < 5).mean() == pytest.approx(0.9)
    assert (domains.test.digits >= 5).mean() == pytest.approx(0.9)
    assert (domains.source.labels != domains.source.digits % 2).mean() == pytest.approx(0.25)
    assert (domains.test.labels == domains.test.digits % 2).all()


def test_small_run() -> None:
    settings = InstanceWeightingSettings(seeds=2, rounds=2, source_images=80)
    events = list(TECHNIQUE.run(settings))
    scores = [event for event in events if isinstance(event, Score)]
    assert isinstance(events[0], Progress)
    assert isinstance(events[-1], Progress)
    assert events[-1].done == 1.0
    wanted = {
        (arm.name, seed, float(x))
        for arm in TECHNIQUE.arms
        for seed in (0, 1)
        for x in experiment.TARGET_LABELS
    }
    assert {(one.arm, one.seed, one.x) for one in scores} == wanted
    assert len(scores) == len(wanted)
    assert {event.name for event in events if isinstance(event, Panel)} == {"digits", "extremes"}
    assert any("effective sample size" in event.message for event in events if isinstance(event, Note))
    assert [event for event in experiment.run(settings) if isinstance(event, Score)] == scores


def test_all_labels_the_same_is_answered_by_that_label() -> None:
    images = np.zeros((3, 2))
    found = boost(images, np.ones(3, dtype=np.int64), images[:1], np.ones(1, dtype=np.int64), 2)
    assert vote(found, images).tolist() == [1, 1, 1]


def test_bad_settings_are_one_sentence() -> None:
    with pytest.raises(errors.SettingsError, match=r"share must lie between 0\.5 and 1"):
        InstanceWeightingSettings(share=0.2)
    with pytest.raises(errors.SettingsError, match="rounds must be a number"):
        TECHNIQUE.settings_of({"rounds": "many"})

"""Negative transfer: the sources that disagree, the detectors against scikit-learn, and a small run."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from core import errors
from core.datasets.dataset import LabelledImages
from core.events import Note, Progress
from core.techniques.digits.network import random_network
from core.techniques.events import Panel, Score
from core.techniques.negative_transfer import detection, experiment, sources
from core.techniques.negative_transfer.entry import TECHNIQUE, NegativeTransferSettings

RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 2  # two classes and five neighbours: no ties
CLOUDS = RANDOM.normal(size=(60, 4)) + LABELS[:, None]
DIGITS = LabelledImages(
    images=RANDOM.integers(0, 256, size=(400, 16, 16, 3), dtype=np.uint8), labels=np.arange(400) % 10
)


def test_nearest_neighbours_are_scikit_learns():
    expected = cross_val_score(KNeighborsClassifier(5, algorithm="brute"), CLOUDS, LABELS, cv=LeaveOneOut())
    assert detection.nearest_neighbours(CLOUDS, LABELS) == pytest.approx(expected.mean())


def test_a_tie_goes_to_the_nearest():
    # Along a line: 0's neighbours are 1 (b), 2 (b), 3 (c), 4 (c), 5 (a): b and c tie, b is nearer.
    features = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    labels = np.array([1, 1, 1, 2, 2, 0])
    alone = labels.copy()
    alone[0] = 2  # were the tie to go to c, the first image would now be right
    assert detection.nearest_neighbours(features, labels) > detection.nearest_neighbours(features, alone)


def test_detectors_expect_a_gain_from_good_features_and_right_names():
    noise = RANDOM.normal(size=(60, 4))
    apart = noise + 8 * LABELS[:, None]
    assert detection.foreseen(apart, noise, LABELS, LABELS) == {"knn": True, "logme": True, "answers": True}
    assert detection.foreseen(noise, apart, LABELS, 1 - LABELS) == {
        "knn": False,
        "logme": False,
        "answers": False,
    }
    assert detection.foreseen(apart, noise, LABELS, None)["answers"]


def test_features_alone_cannot_see_wrong_names():
    noise = RANDOM.normal(size=(60, 4))
    found = detection.foreseen(noise + 8 * LABELS[:, None], noise, LABELS, 1 - LABELS)
    assert found["knn"]
    assert not found["answers"]


def test_a_share_of_the_digits_takes_the_next_ones_name():
    everyone = sources.renamed(DIGITS, 1.0, seed=0)
    assert (everyone.labels == (DIGITS.labels + 1) % 10).all()
    assert (sources.renamed(DIGITS, 0.0, seed=0).labels == DIGITS.labels).all()
    half = sources.renamed(DIGITS, 0.5, seed=0).labels
    wrong = half != DIGITS.labels
    assert 0.4 < wrong.mean() < 0.6
    assert (half[wrong] == (DIGITS.labels[wrong] + 1) % 10).all()


def test_a_head_for_other_classes_is_replaced_and_the_rest_kept():
    start = random_network(0, classes=12)
    found = experiment.transferred(start, seed=1)
    assert found.head.out_features == 10
    assert all(
        torch.equal(a, b)
        for a, b in zip(start.features.parameters(), found.features.parameters(), strict=True)
    )
    same = experiment.transferred(random_network(0), seed=1)
    assert torch.equal(same.head.weight, random_network(0).head.weight)


def test_a_case_is_foreseen_when_the_word_came_true():
    case = experiment.SourceCase(arm="agrees", images=20, gain=-0.1, expected={"knn": True, "answers": False})
    assert not case.foreseen("knn")
    assert case.foreseen("answers")


SMALL = {"seeds": 2, "source_steps": 5, "steps": 5}
AGAIN = 20  # events of a second run


@pytest.fixture(scope="module")
def events():
    settings = NegativeTransferSettings(**SMALL)
    return list(TECHNIQUE.run(settings)), list(itertools.islice(TECHNIQUE.run(settings), AGAIN))


def test_a_run_scores_every_arm_everywhere_and_repeats_itself(events):
    first, second = events
    assert isinstance(first[0], Progress)
    scores = [one for one in first if isinstance(one, Score)]
    assert second == first[: len(second)]
    assert {(one.arm, one.seed, one.x) for one in scores} == {
        (arm.name, seed, count) for arm in TECHNIQUE.arms for seed in (0, 1) for count in experiment.IMAGES
    }
    done = [one.done for one in first if isinstance(one, Progress)]
    assert done == sorted(done)
    assert done[-1] == 1


def test_the_panel_and_the_last_remark_count_the_same_cases(events):
    panel = [one for one in events[0] if isinstance(one, Panel)][-1]
    remark = [one.message for one in events[0] if isinstance(one, Note)][-1]
    cases = 3 * len(experiment.IMAGES) * 2
    assert f"of {cases} cases" in remark
    assert f"k-NN {round(panel.drawing.values[0][-1] * cases)}," in remark
    # What always expects a gain is right in exactly those cases in which there was one.
    scores = {(one.arm, one.seed, one.x): one.value for one in events[0] if isinstance(one, Score)}
    gains = sum(
        scores[arm, seed, x] > scores["scratch", seed, x] for arm, seed, x in scores if arm != "scratch"
    )
    assert remark.endswith(f"always expecting a gain {gains}.")


def test_a_source_without_disagreement_is_the_agreeing_one():
    one = NegativeTransferSettings(**SMALL | {"disagreement": 0.0})
    scores = {}
    for event in TECHNIQUE.run(one):
        if isinstance(event, Score):
            scores[event.arm, event.seed, event.x] = event.value
            if event.seed:
                break
    for count in experiment.IMAGES:
        assert scores["agrees", 0, count] == scores["disagrees", 0, count]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"disagreement": 1.2}, "disagreement must lie between 0 and 1"),
        ({"disagree_in": "colour"}, "disagree in must be one of"),
        ({"steps": 0}, "steps must lie between"),
        ({"seeds": 1}, "seeds must lie between"),
    ],
)
def test_bad_settings_are_one_sentence(wrong, words):
    with pytest.raises(errors.SettingsError, match=words):
        NegativeTransferSettings(**wrong)

"""Zero-shot: the two methods against independent computations, the display, the experiment, and real animals."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.naive_bayes import BernoulliNB

from core.errors import DataError, SettingsError
from core.techniques.events import Panel, Progress, Score
from core.techniques.report import Report
from core.techniques.zero_shot import dap, eszsl, segments
from core.techniques.zero_shot.attributes import read_attributes
from core.techniques.zero_shot.calibration import accuracy_by_handicap, handicapped, per_class
from core.techniques.zero_shot.entry import TECHNIQUE, ZeroShotSettings
from core.techniques.zero_shot.experiment import hide, run
from core.techniques.zero_shot.recognition import by_dap, by_eszsl


def test_eszsl_minimises_its_objective() -> None:
    random = np.random.default_rng(0)
    x, s = random.normal(size=(12, 4)), random.random((3, 2))
    labels = np.arange(12) % 3
    y = np.where(labels[:, None] == np.arange(3), 1.0, -1.0)
    gamma, lam = 0.7, 0.3

    def objective(values: np.ndarray) -> float:
        v = values.reshape(4, 2)
        fit = np.square(x @ v @ s.T - y).sum()
        penalties = (
            gamma * np.square(v @ s.T).sum() + lam * np.square(x @ v).sum() + gamma * lam * np.square(v).sum()
        )
        return float(fit + penalties)

    found = minimize(objective, np.zeros(8), method="BFGS", options={"gtol": 1e-9}).x.reshape(4, 2)
    np.testing.assert_allclose(eszsl.solve(x, labels, s, gamma, lam), found, atol=1e-5)


def test_daps_posterior_is_bayes_rule_by_enumeration() -> None:
    present = np.array([[0.9, 0.2]])
    descriptions = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    priors = np.array([0.6, 0.25])
    expected = [
        (0.9 / 0.6) * (0.8 / 0.75),
        (0.9 / 0.6) * (0.2 / 0.25),
        (0.1 / 0.4) * (0.2 / 0.25),
    ]
    np.testing.assert_allclose(np.exp(dap.class_scores(present, descriptions, priors))[0], expected)


def test_certain_detectors_make_dap_a_naive_bayes_of_descriptions() -> None:
    descriptions = segments.DESCRIPTIONS
    certain = descriptions.clip(dap.CERTAIN, 1 - dap.CERTAIN)
    scores = dap.class_scores(certain, descriptions, np.full(7, 0.5))
    library = BernoulliNB(alpha=1e-3, fit_prior=False).fit(descriptions, np.arange(10))
    np.testing.assert_array_equal(scores.argmax(axis=1), library.predict(descriptions))


def test_what_no_seen_class_lacks_says_nothing() -> None:
    features = np.random.default_rng(0).normal(size=(20, 3))
    labels = np.arange(20) % 2
    descriptions = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])  # both seen classes have the first
    present, priors = dap.detect([features] * 2, labels, descriptions, [features] * 2)
    assert (present[:, 0] == 0.5).all()
    np.testing.assert_allclose(priors, [0.5, 0.5])
    assert present[:, 1].std() > 0


def test_separable_attributes_name_a_class_that_was_never_seen() -> None:
    random = np.random.default_rng(1)
    descriptions = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1], [1, 1, 0], [0, 1, 1]], dtype=float)
    labels = np.repeat(np.arange(6), 30)
    features = descriptions[labels] @ random.normal(size=(3, 8)) + 0.05 * random.normal(size=(180, 8))
    seen, unseen = labels < 4, labels >= 4
    scores, present = by_dap([features[seen]] * 3, labels[seen], [features[unseen]] * 3, descriptions)
    assert ((present > 0.5) == (descriptions[labels[unseen]] > 0.5)).mean() > 0.95
    assert (scores[:, 4:].argmax(axis=1) + 4 == labels[unseen]).mean() > 0.95
    linear = by_eszsl(features[seen], labels[seen], features[unseen], descriptions, random)
    assert (linear[:, 4:].argmax(axis=1) + 4 == labels[unseen]).mean() > 0.95


def test_a_handicap_moves_accuracy_from_seen_to_unseen() -> None:
    scores = np.array([[2.0, 1.0], [1.5, 1.0], [3.0, 0.0]])
    labels, is_seen = np.array([0, 1, 0]), np.array([True, False])
    assert handicapped(scores, is_seen, 0.0).tolist() == [0, 0, 0]
    assert handicapped(scores, is_seen, 0.6).tolist() == [0, 1, 0]
    seen, unseen = accuracy_by_handicap(scores, labels, is_seen, np.array([0.0, 0.6, 1.2, 9.0]))
    assert seen.tolist() == [1.0, 1.0, 0.5, 0.0]
    assert unseen.tolist() == [0.0, 1.0, 1.0, 1.0]


def test_every_class_counts_the_same() -> None:
    right, labels = np.array([True, True, True, False]), np.array([0, 0, 0, 1])
    assert per_class(right, labels, np.array([0, 1])) == 0.5


def test_the_display_tells_all_digits_apart_and_draws_what_is_lit() -> None:
    assert len({tuple(one) for one in segments.DESCRIPTIONS}) == 10
    assert segments.DESCRIPTIONS.sum(axis=1).tolist() == [6, 2, 5, 5, 4, 5, 6, 3, 7, 6]
    one, eight = segments.drawing(segments.DESCRIPTIONS[1]), segments.drawing(segments.DESCRIPTIONS[8])
    assert one[:, :4].sum() < 0.05 * one.sum()  # a one is at the right
    assert (eight >= one - 1e-9).all()
    drawn = np.stack([segments.drawing(each) for each in segments.DESCRIPTIONS])
    assert segments.same_as_drawing(drawn).argmax(axis=1).tolist() == list(range(10))
    lit = segments.at_strokes(drawn)[..., 0]
    assert lit[segments.DESCRIPTIONS == 1].min() > lit[segments.DESCRIPTIONS == 0].max()


def test_hidden_digits_are_nowhere_among_the_known() -> None:
    for seed in range(5):
        one = hide(ZeroShotSettings(unseen=4, per_class=20), seed)
        assert (~one.is_seen).sum() == 4
        assert one.is_seen[one.known_labels].all()
        assert len(one.known) + len(one.asked) == 1797
        common = segments.DESCRIPTIONS[one.is_seen].mean(axis=0)
        assert 0 < common.min() <= common.max() < 1


def test_the_experiment_scores_all_arms_and_repeats_itself() -> None:
    settings = ZeroShotSettings(seeds=2, per_class=20)
    events = list(run(settings))
    assert isinstance(events[0], Progress)
    scores = [event for event in events if isinstance(event, Score)]
    assert {(one.arm, one.seed, one.quantity) for one in scores} == {
        (arm.name, seed, of.name) for arm in TECHNIQUE.arms for seed in (0, 1) for of in TECHNIQUE.quantities
    }
    assert {event.name for event in events if isinstance(event, Panel)} == {"strokes", "bias", "named"}
    assert [one for one in run(settings) if isinstance(one, Score)] == scores


def test_strokes_recognise_unseen_digits_and_shuffled_ones_do_not() -> None:
    report = Report.of(TECHNIQUE, run(ZeroShotSettings(seeds=6, first_seed=100)))
    assert report.verdict.judgement == "helps"
    assert report.compare("shuffled", "guess").judgement == "no difference"


@pytest.mark.parametrize(("name", "value"), [("unseen", 1), ("unseen", 6), ("per_class", 0), ("seeds", 1)])
def test_bad_settings_are_one_sentence(name: str, value: int) -> None:
    with pytest.raises(SettingsError, match="must lie between"):
        ZeroShotSettings(**{name: value})


def test_the_entry_needs_neither_torch_nor_scikit_learn() -> None:
    code = (
        "import sys, core.techniques.zero_shot.entry; "
        "assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_animals_that_were_never_shown_are_named_by_their_attributes(shared_data: Path) -> None:
    from benchmarks.zero_shot import features, measure
    from core.datasets.own_images import from_zip
    from core.interpretation import specimen

    for name in ("cifar100-animals.zip", "awa2-attributes"):
        if not (shared_data / name).exists():
            pytest.skip(f"needs ../shared/data/{name}, which is not on this machine")
    attributes = read_attributes(shared_data / "awa2-attributes")
    assert (len(attributes.classes), len(attributes.names)) == (50, 85)
    assert attributes.names[attributes.names.index("black")] == "black"
    zebra = attributes.has[attributes.classes.index("zebra")]
    assert zebra[attributes.names.index("stripes")] == 1
    assert zebra[attributes.names.index("flippers")] == 0
    data = from_zip(shared_data / "cifar100-animals.zip", side=32)
    assert data.test is not None
    descriptions = attributes.of(data.class_names)
    network = specimen.pretrained("tiny_resnet18")
    train, test = (
        (features(network, part.images[::step]), part.labels[::step])
        for part, step in ((data.train, 4), (data.test, 2))
    )
    rows = [measure(train, test, descriptions, 4, seed, with_dap=False) for seed in range(6)]
    accuracy = np.mean([row["ESZSL: unseen"] for row in rows])
    assert accuracy > 0.28  # chance is 0.25
    assert accuracy > np.mean([row["ESZSL, shuffled: unseen"] for row in rows])


def test_attributes_that_are_missing_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not hold the attributes"):
        read_attributes(tmp_path)
    (tmp_path / "classes.txt").write_text("1 ant\n2 polar+bear\n")
    (tmp_path / "predicates.txt").write_text("1 black\n")
    for kind in ("binary", "continuous"):
        (tmp_path / f"predicate-matrix-{kind}.txt").write_text("0\n1\n")
    found = read_attributes(tmp_path)
    assert found.classes == ("ant", "polar bear")
    assert found.of(("polar bear",))[0].tolist() == [[1.0]]
    with pytest.raises(DataError, match="No attributes are known of cat"):
        found.of(("ant", "cat"))
    (tmp_path / "classes.txt").write_text("1 ant\n")
    with pytest.raises(DataError, match="do not fit"):
        read_attributes(tmp_path)

"""Zero-shot: the two methods against independent computations, the display, the experiment, and real animals."""

import hashlib
import io
import pickle
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.naive_bayes import BernoulliNB

from core.datasets.fetching import RemoteFile
from core.datasets.torchvision_sets import DOWNLOADS
from core.errors import DataError, DownloadError, SettingsError
from core.events import Progress
from core.techniques.events import Panel, Score
from core.techniques.report import Report
from core.techniques.zero_shot import animals, dap, eszsl, segments
from core.techniques.zero_shot import attributes as attributes_module
from core.techniques.zero_shot.attributes import read_attributes
from core.techniques.zero_shot.calibration import accuracy_by_handicap, handicapped, per_class
from core.techniques.zero_shot.entry import ANIMALS, TECHNIQUE, AnimalSettings, ZeroShotSettings
from core.techniques.zero_shot.experiment import hide, run
from core.techniques.zero_shot.recognition import by_dap, by_eszsl
from core.vision import torchvision


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


@pytest.mark.parametrize(("name", "value"), [("unseen", 1), ("unseen", 11), ("per_class", 19), ("seeds", 21)])
def test_bad_settings_of_the_animals_are_one_sentence(name: str, value: int) -> None:
    with pytest.raises(SettingsError, match="must lie between"):
        AnimalSettings(**{name: value})


def test_animals_that_were_never_shown_are_named_by_their_attributes(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.interpretation import specimen
    from tests.techniques.real_animals import measure, prepared

    for name in ("cifar100-animals.zip", "awa2-attributes"):
        if not (shared_data / name).exists():
            pytest.skip(f"needs ../shared/data/{name}, which is not on this machine")
    attributes = read_attributes(shared_data / "awa2-attributes")
    assert (len(attributes.classes), len(attributes.names)) == (50, 85)
    assert attributes.fingerprint(animals.NAMES) == animals.FINGERPRINT
    zebra = attributes.has[attributes.classes.index("zebra")]
    assert zebra[attributes.names.index("stripes")] == 1
    assert zebra[attributes.names.index("flippers")] == 0
    monkeypatch.setattr(animals, "TESTED", 20)
    network = specimen.pretrained("tiny_resnet18")
    found = prepared(network, shared_data / "cifar100-animals.zip", attributes, 30, 32)
    rows = [measure(found, 4, seed) for seed in range(4)]
    accuracy = np.mean([row["eszsl", "unseen"] for row in rows])
    assert accuracy > 0.28  # chance is 0.25
    assert accuracy > np.mean([row["shuffled", "unseen"] for row in rows])


# --- what is fetched: the attributes ----------------------------------------------------------------------


def attribute_files(change: float = 0.0) -> dict[str, str]:
    """AwA2's four files in their authors' form, of invented numbers: the 17 animals and one more, 12 attributes."""
    random = np.random.default_rng(0)
    names = (*animals.NAMES, "blue+whale")
    strength = random.uniform(0, 100, (len(names), 12)).round(2)
    strength[3, 4] += change
    return {
        "classes.txt": "".join(f"{number:6}\t{name}\r\n" for number, name in enumerate(names, start=1)),
        "predicates.txt": "".join(f"{number:6}\tattribute{number}\n" for number in range(1, 13)),
        "predicate-matrix-binary.txt": "\n".join(
            " ".join(str(int(one > 50)) for one in row) for row in strength
        ),
        "predicate-matrix-continuous.txt": "\n".join(
            " ".join(f"{one:6.2f}" for one in row) for row in strength
        ),
    }


def serve_attributes(server: Any, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the attributes come from this machine; the fingerprint of the right ones."""
    with zipfile.ZipFile(server.folder / "AwA2-base.zip", "w") as archive:
        archive.writestr("Animals_with_Attributes2/README-attributes.txt", "About them.")
        for name, text in files.items():
            archive.writestr(f"Animals_with_Attributes2/{name}", text)
    monkeypatch.setattr(
        attributes_module,
        "ARCHIVE",
        replace(attributes_module.ARCHIVE, url=f"{server.address}/AwA2-base.zip"),
    )
    right = server.folder.parent / "right"
    right.mkdir()
    for name, text in attribute_files().items():
        (right / name).write_text(text)
    return read_attributes(right).fingerprint(animals.NAMES)


def test_attributes_are_fetched_once_and_kept_without_their_archive(
    server: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = serve_attributes(server, attribute_files(), monkeypatch)
    found = attributes_module.download_attributes(animals.NAMES, fingerprint)
    assert found.strength.shape == (18, 12)
    assert sorted(path.name for path in data_folder.rglob("*")) == sorted(
        ["awa2-attributes", *attribute_files()]
    )
    (server.folder / "AwA2-base.zip").unlink()
    again = attributes_module.download_attributes(animals.NAMES, fingerprint)
    np.testing.assert_array_equal(again.strength, found.strength)


@pytest.mark.parametrize("wrong", ["one number", "a page instead", "half an archive"])
def test_attributes_other_than_those_are_one_sentence_and_are_not_kept(
    wrong: str, server: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = serve_attributes(server, attribute_files(change=0.01), monkeypatch)
    archive = server.folder / "AwA2-base.zip"
    if wrong == "a page instead":
        archive.write_text("<html>Please sign in to this network.</html>")
    elif wrong == "half an archive":
        archive.write_bytes(archive.read_bytes()[:300])
    words = "not those that this experiment was built with" if wrong == "one number" else "arrived damaged"
    with pytest.raises(DownloadError, match=words) as caught:
        attributes_module.download_attributes(animals.NAMES, fingerprint)
    assert "\n" not in str(caught.value)
    assert list(data_folder.rglob("*")) == []


def test_a_copy_that_was_changed_is_named_with_its_folder(
    server: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = serve_attributes(server, attribute_files(), monkeypatch)
    attributes_module.download_attributes(animals.NAMES, fingerprint)
    (data_folder / "awa2-attributes" / "predicates.txt").write_text("1\tblack\n")
    with pytest.raises(DownloadError, match="awa2-attributes is not theirs; remove that folder"):
        attributes_module.download_attributes(animals.NAMES, fingerprint)


# --- what is fetched: the pictures ------------------------------------------------------------------------


def serve_cifar100(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive in CIFAR-100's own form, of a hundred classes with 22 and 4 invented pictures of each."""
    kind = torchvision.datasets.CIFAR100
    names = [*animals.NAMES, *(f"thing {number}" for number in range(83))]
    random = np.random.default_rng(1)
    colours = random.integers(0, 200, (100, 3, 1))
    contents = {kind.meta["filename"]: pickle.dumps({"fine_label_names": sorted(names)})}
    for attribute, count in (("train_list", 22), ("test_list", 4)):
        labels = np.tile(np.arange(100), count)
        noise = random.integers(0, 56, (len(labels), 3, 1024))
        pixels = (colours[labels] + noise).reshape(len(labels), 3072).astype(np.uint8)
        contents[getattr(kind, attribute)[0][0]] = pickle.dumps(
            {"fine_labels": labels.tolist(), "data": pixels}
        )
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
    archive = server.folder / "cifar-100-python.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{kind.base_folder}/{name}")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    whole = hashlib.md5(archive.read_bytes()).hexdigest()
    for attribute in ("train_list", "test_list"):
        monkeypatch.setattr(kind, attribute, [[name, md5[name]] for name, _ in getattr(kind, attribute)])
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": md5[kind.meta["filename"]]})
    monkeypatch.setattr(kind, "tgz_md5", whole)
    file = RemoteFile(
        url=f"{server.address}/{archive.name}", checksum=f"md5:{whole}", place="cifar-100-python.tar.gz"
    )
    monkeypatch.setitem(DOWNLOADS, "cifar100", replace(DOWNLOADS["cifar100"], files=(file,)))


@pytest.mark.filterwarnings("ignore:Python 3.14 will, by default, filter")  # torchvision's tarfile call
def test_the_animals_are_fetched_shown_scored_and_repeated_offline(
    server: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(animals, "FINGERPRINT", serve_attributes(server, attribute_files(), monkeypatch))
    serve_cifar100(server, monkeypatch)
    settings = AnimalSettings(seeds=2, unseen=4, per_class=20)
    events = list(TECHNIQUE.run(settings))
    assert isinstance(events[0], Progress)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    scores = [event for event in events if isinstance(event, Score)]
    assert {(one.arm, one.seed, one.quantity) for one in scores} == {
        (arm.name, seed, of.name) for arm in ANIMALS.arms for seed in (0, 1) for of in ANIMALS.quantities
    }
    assert {event.name for event in events if isinstance(event, Panel)} == {"attributes", "bias"}
    assert sorted(path.name for path in data_folder.iterdir()) == ["awa2-attributes", "cifar-100-python"]
    for path in server.folder.iterdir():
        path.unlink()
    assert [one for one in TECHNIQUE.run(settings) if isinstance(one, Score)] == scores


def test_leaving_while_it_fetches_leaves_nothing_behind(
    server: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(animals, "FINGERPRINT", serve_attributes(server, attribute_files(), monkeypatch))
    serve_cifar100(server, monkeypatch)
    server.pause = 0.1  # seconds for 64 KiB of 7 MB
    running = TECHNIQUE.run(AnimalSettings())
    for event in running:
        if isinstance(event, Progress) and event.phase.startswith("Fetching CIFAR-100, "):
            break
    running.close()
    assert [path.name for path in data_folder.iterdir()] == ["awa2-attributes"]


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

"""Meta-learning: second derivatives, Reptile's direction and prototypes, each against an independent computation."""

import hashlib
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from sklearn.neighbors import NearestCentroid
from torch.func import grad

from core.errors import DownloadError, SettingsError
from core.events import Progress
from core.techniques.events import Panel, Score
from core.techniques.meta_learning import (
    experiment,
    learners,
    new_characters,
    new_digits,
    omniglot,
    prototypes,
)
from core.techniques.meta_learning.entry import OMNIGLOT, TECHNIQUE, MetaLearningSettings, OmniglotSettings
from core.techniques.meta_learning.learners import course, errors_after, gradient_of, learn
from core.techniques.meta_learning.maml import adapt, loss_after_adapting
from core.techniques.meta_learning.network import Weights, error, predict, random_weights
from core.techniques.meta_learning.reptile import pull
from core.techniques.meta_learning.sines import draw_points, draw_waves
from core.vision import torchvision


def _task(seed: int, points: int) -> tuple[Weights, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    weights = random_weights(generator)
    x, y = draw_points(draw_waves(1, 1.0, generator), points, generator)
    return weights, x[0], y[0]


def test_the_inner_loop_is_plain_gradient_descent() -> None:
    weights, x, y = _task(0, 6)
    network = torch.nn.Sequential(
        torch.nn.Linear(1, 40),
        torch.nn.ReLU(),
        torch.nn.Linear(40, 40),
        torch.nn.ReLU(),
        torch.nn.Linear(40, 1),
    )
    with torch.no_grad():
        for layer, number in ((network[0], 1), (network[2], 2), (network[4], 3)):
            layer.weight.copy_(weights[f"weight{number}"].T)
            layer.bias.copy_(weights[f"bias{number}"][0])
    before = {name: one.clone() for name, one in weights.items()}
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    for _ in range(3):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(network(x), y).backward()
        optimiser.step()
    adapted = adapt(weights, x, y, rate=0.01, steps=3)
    torch.testing.assert_close(predict(adapted, x), network(x).detach())
    for name, one in before.items():
        assert torch.equal(weights[name], one)  # the start stays as it was


@pytest.mark.parametrize("steps", [1, 2])
def test_mamls_gradient_agrees_with_finite_differences(steps: int) -> None:
    weights, x, y = _task(1, 8)
    weights = {name: one.double() for name, one in weights.items()}
    x, y = x.double(), y.double()

    def loss(values: Weights) -> float:
        return float(loss_after_adapting(values, x, y, shots=4, rate=0.01, steps=steps))

    found = grad(loss_after_adapting)(weights, x, y, shots=4, rate=0.01, steps=steps)
    generator = torch.Generator().manual_seed(2)
    first_order = grad(error)(adapt(weights, x[:4], y[:4], 0.01, steps), x[4:], y[4:])
    second_order_matters = False
    for _ in range(3):
        way = {
            name: torch.randn(one.shape, generator=generator, dtype=torch.float64)
            for name, one in weights.items()
        }
        size = 1e-6
        ahead, behind = (
            loss({name: one + sign * size * way[name] for name, one in weights.items()}) for sign in (1, -1)
        )
        slope = sum(float((found[name] * way[name]).sum()) for name in weights)
        assert slope == pytest.approx((ahead - behind) / (2 * size), rel=1e-4, abs=1e-6)
        without = sum(float((first_order[name] * way[name]).sum()) for name in weights)
        second_order_matters |= abs(without - slope) > 1e-2 * abs(slope)
    assert second_order_matters  # what is left out by first-order MAML would have been seen


def test_maml_without_steps_is_plain_training() -> None:
    weights, x, y = _task(3, 8)
    assert float(loss_after_adapting(weights, x, y, shots=4, rate=0.01, steps=0)) == float(
        error(weights, x[4:], y[4:])
    )


def test_one_reptile_step_is_the_plain_gradient_and_two_take_turns() -> None:
    weights, x, y = _task(4, 6)
    plain = grad(error)(weights, x[:3], y[:3])
    for name, one in pull(weights, x, y, shots=3, rate=0.02, steps=1).items():
        torch.testing.assert_close(one, plain[name], rtol=1e-3, atol=1e-4)
    moved = {name: one - 0.02 * plain[name] for name, one in weights.items()}
    then = grad(error)(moved, x[3:], y[3:])
    for name, one in pull(weights, x, y, shots=3, rate=0.02, steps=2).items():
        torch.testing.assert_close(one, plain[name] + then[name], rtol=1e-3, atol=1e-4)


def test_waves_are_the_papers() -> None:
    waves = draw_waves(4000, 1.0, torch.Generator().manual_seed(0))
    assert 0.1 <= float(waves.amplitude.min()) < 0.2
    assert 4.9 < float(waves.amplitude.max()) <= 5.0
    assert 0.0 <= float(waves.phase.min()) < 0.1
    assert 3.1 < float(waves.phase.max()) <= np.pi
    x, y = draw_points(waves, 3, torch.Generator().manual_seed(1))
    assert x.shape == y.shape == (4000, 3, 1)
    assert float(x.abs().max()) <= 5.0
    expected = float(waves.amplitude[5]) * np.sin(float(x[5, 2]) - float(waves.phase[5]))
    assert float(y[5, 2]) == pytest.approx(expected, rel=1e-4)
    assert float(draw_waves(9, 0.0, torch.Generator()).phase.abs().max()) == 0.0


def test_errors_are_those_of_each_wave_adapted_alone() -> None:
    one = course(0, 5, 1, 1.0)
    few = type(one.tested_on)(amplitude=one.tested_on.amplitude[:3], phase=one.tested_on.phase[:3])
    found = errors_after(one.weights, few, one.tested_x[:3], 0.01, (0, 2))
    grid = torch.linspace(-5, 5, 100)[:, None]
    for place, steps in enumerate((0, 2)):
        alone = []
        for number in range(3):
            x = one.tested_x[number]
            height, shift = few.amplitude[number], few.phase[number]
            adapted = adapt(one.weights, x, height * torch.sin(x - shift), 0.01, steps)
            alone.append(float(error(adapted, grid, height * torch.sin(grid - shift))))
        assert found[place] == pytest.approx(np.mean(alone), rel=1e-4)
    assert errors_after(one.weights, few, one.tested_x[:3], 1e6, (30,)) == [float("inf")]


def test_seeds_that_learn_side_by_side_learn_as_alone() -> None:
    courses = [course(seed, 5, 12, 1.0) for seed in (0, 1)]
    gradient = gradient_of("maml", 5, 1)
    *_, (done, together) = learn(courses, gradient)
    *_, (_, alone) = learn(courses[1:], gradient)
    assert done == 1.0
    for name, one in alone[0].items():
        torch.testing.assert_close(together[1][name], one, rtol=1e-3, atol=1e-4)
        assert not torch.equal(one, courses[1].weights[name])


def test_prototypes_are_the_nearest_centroids_of_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    support, queries = torch.randn(12, 5, generator=generator), torch.randn(30, 5, generator=generator)
    labels = torch.arange(12) % 3
    scores = prototypes.class_scores(support, labels, queries, 3)
    library = NearestCentroid().fit(support.numpy(), labels.numpy())
    np.testing.assert_array_equal(scores.argmax(dim=1), library.predict(queries.numpy()))
    distance = (queries[4] - support[labels == 1].mean(dim=0)).square().sum()
    assert float(scores[4, 1]) == pytest.approx(-float(distance), rel=1e-5)


def test_an_episode_never_asks_what_it_showed() -> None:
    labels = torch.arange(60) % 6
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        support, asked, own = prototypes.episode(labels, 4, 3, 5, generator)
        assert len(support) == 12
        assert len(asked) == 20
        assert not set(support.tolist()) & set(asked.tolist())
        drawn = labels[support].reshape(4, 3)
        assert (drawn == drawn[:, :1]).all()
        assert len(set(drawn[:, 0].tolist())) == 4
        assert (labels[asked].reshape(4, 5) == drawn[:, :1]).all()
        assert own.reshape(4, 3)[:, 0].tolist() == [0, 1, 2, 3]


def test_new_digits_are_told_apart_better_by_more_examples() -> None:
    found = new_digits.accuracies(100, episodes=5)
    assert set(found) == set(new_digits.EMBEDDINGS)
    assert found["pixels"][-1] > found["pixels"][0] > 0.4
    assert found == new_digits.accuracies(100, episodes=5)


def test_the_experiment_scores_all_arms_and_repeats_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_digits, "EPISODES", 2)
    monkeypatch.setattr(new_digits, "TESTED", 2)
    monkeypatch.setattr(learners, "RATES", (0.01,))
    settings = MetaLearningSettings(seeds=2, rounds=10, shots=2)
    events = list(experiment.run(settings))
    assert isinstance(events[0], Progress)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    scores = [event for event in events if isinstance(event, Score)]
    assert {(one.arm, one.seed, one.x) for one in scores} == {
        (arm.name, seed, x) for arm in TECHNIQUE.arms for seed in (0, 1) for x in experiment.STEPS
    }
    assert {event.name for event in events if isinstance(event, Panel)} == {"wave", "digits"}
    assert [one for one in experiment.run(settings) if isinstance(one, Score)] == scores


def test_looking_one_step_ahead_pays() -> None:
    courses = [course(seed, 10, 120, 1.0) for seed in (100, 101)]
    found = {}
    for arm in ("maml", "pretrained"):
        *_, (_, learned) = learn(courses, gradient_of(arm, 10, 1))
        found[arm] = np.mean(
            [
                errors_after(weights, one.tested_on, one.tested_x, 0.01, (1, 5))
                for weights, one in zip(learned, courses, strict=True)
            ]
        )
    assert found["maml"] < 0.9 * found["pretrained"]


@pytest.mark.parametrize(
    ("name", "value"), [("shots", 1), ("rounds", 0), ("inner_steps", 4), ("variety", 1.5)]
)
def test_bad_settings_are_one_sentence(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match="must lie between"):
        MetaLearningSettings(**{name: value})


def test_prototypes_learned_on_omniglot_serve_new_characters(shared_data: Path) -> None:
    path = shared_data / "omniglot-images_background_small1.zip"
    if not path.is_file():
        pytest.skip(f"needs ../shared/data/{path.name}, which is not on this machine")
    images, labels = [], []
    with zipfile.ZipFile(path) as archive:
        characters: dict[str, list[str]] = {}
        for name in archive.namelist():
            if name.endswith(".png"):
                characters.setdefault(name.rpartition("/")[0], []).append(name)
        for label, files in enumerate(sorted(characters)[:60]):
            for name in characters[files]:
                picture = Image.open(BytesIO(archive.read(name))).convert("L").resize((14, 14))
                images.append(1 - np.asarray(picture, dtype=np.float32).ravel() / 255)
                labels.append(label)
    x, y = torch.tensor(np.stack(images)), torch.tensor(labels)
    known = y < 40
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(196, 128), torch.nn.ReLU(), torch.nn.Linear(128, 64))
    with torch.no_grad():
        before = network(x[~known])
    generator = torch.Generator().manual_seed(0)
    prototypes.train_by_episodes(
        network,
        x[known],
        y[known],
        episodes=120,
        ways=10,
        shots=5,
        queries=5,
        rate=1e-3,
        generator=generator,
    )
    with torch.no_grad():
        after = network(x[~known])
    was, now = (
        prototypes.few_shot_accuracies(embedded, y[~known], (5,), ways=5, queries=5, episodes=60, seed=1)[0]
        for embedded in (before, after)
    )
    assert was > 0.4  # chance is 0.2
    assert now > was + 0.05


# --- what is fetched --------------------------------------------------------------------------------------


def drawn(top: str, alphabets: dict[str, int]) -> bytes:
    """An archive in Omniglot's own form: strokes of our own, 20 drawings of each character, 1 bit a pixel."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for seed, (alphabet, characters) in enumerate(alphabets.items()):
            for number in range(characters):
                random = np.random.default_rng((seed, number))
                corners = random.integers(15, 90, (4, 2))
                for person in range(20):
                    picture = Image.new("1", (105, 105), 1)
                    shaken = corners + random.integers(-6, 7, corners.shape)
                    ImageDraw.Draw(picture).line([tuple(one) for one in shaken.tolist()], fill=0, width=3)
                    file = BytesIO()
                    picture.save(file, "PNG")
                    name = f"{top}/{alphabet}/character{number + 1:02d}/{number:04d}_{person + 1:02d}.png"
                    archive.writestr(name, file.getvalue())
    return stream.getvalue()


def serve_omniglot(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both archives come from this machine: 9 characters to learn from, 7 of another alphabet for the test."""
    for name, alphabets in (("BACKGROUND", {"Left": 4, "Right": 5}), ("EVALUATION", {"New": 7})):
        file = getattr(omniglot, name)
        content = drawn(file.place.rpartition("/")[2].removesuffix(".zip"), alphabets)
        (server.folder / f"{name}.zip").write_bytes(content)
        checksum = f"md5:{hashlib.md5(content).hexdigest()}"
        monkeypatch.setattr(
            omniglot, name, replace(file, url=f"{server.address}/{name}.zip", checksum=checksum)
        )


def test_omniglots_addresses_and_checksums_are_torchvisions() -> None:
    kind = torchvision.datasets.Omniglot
    for file in (omniglot.BACKGROUND, omniglot.EVALUATION):
        name = file.place.rpartition("/")[2]
        assert file.url == f"{kind.download_url_prefix}/{name}"
        assert file.checksum == f"md5:{kind.zips_md5[name.removesuffix('.zip')]}"


def test_drawings_are_fetched_once_and_told_apart_by_their_folders(
    server: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_omniglot(server, monkeypatch)
    told: list[tuple[int, int]] = []
    known, new = omniglot.download_characters(20, lambda done, total: told.append((done, total)))
    assert (told[0][1], told[-1][1]) == (omniglot.BYTES, 16 * 20)  # first bytes, then drawings
    assert known.names[:2] == ("Left/character01", "Left/character02")
    assert known.drawings.shape == (180, 1, 20, 20)
    assert torch.bincount(known.labels).tolist() == [20] * 9
    assert torch.bincount(new.labels).tolist() == [20] * 7
    assert float(known.drawings.mean()) < 0.2  # ink is 1, paper is 0
    assert 0.3 < float(known.drawings.flatten(1).max(dim=1).values.min()) <= 1.0
    assert sorted(path.name for path in (data_folder / "omniglot").iterdir()) == [
        "images_background.zip",
        "images_evaluation.zip",
    ]
    assert [path.name for path in data_folder.iterdir()] == ["omniglot"]
    for path in server.folder.iterdir():
        path.unlink()
    again, _ = omniglot.download_characters(20)
    assert torch.equal(again.drawings, known.drawings)
    some = known.of(torch.tensor([7, 2]))
    assert some.names == ("Right/character04", "Left/character03")
    assert torch.equal(some.drawings[some.labels == 0], known.drawings[known.labels == 7])


def test_damaged_drawings_are_one_sentence(
    server: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_omniglot(server, monkeypatch)
    second = server.folder / "EVALUATION.zip"
    good = second.read_bytes()
    second.write_bytes(good[:-100])
    with pytest.raises(DownloadError, match=r"checksum of images_evaluation.zip is wrong.*thrown away"):
        omniglot.download_characters(20)
    assert list(data_folder.rglob("*")) == []
    second.write_bytes(good)
    omniglot.download_characters(20)
    place = data_folder / "omniglot" / "images_background.zip"
    place.write_bytes(place.read_bytes()[:5000])
    with pytest.raises(
        DownloadError, match=r"Omniglot in .*omniglot is incomplete or damaged; remove that folder"
    ):
        omniglot.download_characters(20)


@pytest.mark.usefixtures("data_folder")
def test_new_characters_are_fetched_scored_and_repeated_offline(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_omniglot(server, monkeypatch)
    monkeypatch.setattr(new_characters, "TESTED", 4)
    settings = OmniglotSettings(seeds=2, episodes=3)
    events = list(TECHNIQUE.run(settings))
    assert isinstance(events[0], Progress)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    scores = [event for event in events if isinstance(event, Score)]
    assert {(one.arm, one.seed, one.x) for one in scores} == {
        (arm.name, seed, x) for arm in OMNIGLOT.arms for seed in (0, 1) for x in new_characters.SHOTS
    }
    assert {event.name for event in events if isinstance(event, Panel)} == {"drawings"}
    for path in server.folder.iterdir():
        path.unlink()
    assert [one for one in TECHNIQUE.run(settings) if isinstance(one, Score)] == scores


def test_both_networks_start_alike_and_learn_something_different() -> None:
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(6).repeat_interleave(12)
    known = omniglot.Characters(
        drawings=torch.rand(72, 1, 20, 20, generator=random),
        labels=labels,
        names=tuple(f"A/{number}" for number in range(6)),
    )

    def weights(episodes: int) -> dict[str, torch.Tensor]:
        learning = new_characters.learned(known, OmniglotSettings(episodes=episodes), 3)
        while True:
            try:
                next(learning)
            except StopIteration as over:
                return {name: one[0].weight.detach() for name, one in over.value.items()}

    found = weights(2)
    assert set(found) == {"random", "prototypes", "classifier"}
    assert not torch.equal(found["prototypes"], found["random"])
    assert not torch.equal(found["prototypes"], found["classifier"])
    torch.testing.assert_close(
        found["prototypes"], found["random"], atol=0.02, rtol=0
    )  # two steps from the same


@pytest.mark.parametrize(("name", "value"), [("episodes", 0), ("ways", 1), ("ways", 21)])
def test_bad_settings_of_new_characters_are_one_sentence(name: str, value: int) -> None:
    with pytest.raises(SettingsError, match="must lie between"):
        OmniglotSettings(**{name: value})

"""Relational distillation: the losses against an independent computation, and a small run."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from core import errors
from core.events import Progress
from core.techniques.events import Panel, Score
from core.techniques.relational_distillation import experiment, relations
from core.techniques.relational_distillation.entry import TECHNIQUE, RelationalDistillationSettings
from core.techniques.relational_distillation.student import Student, train


@pytest.fixture
def spaces() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    student = torch.randn(6, 3, generator=random, dtype=torch.float64)
    teacher = torch.randn(6, 5, generator=random, dtype=torch.float64)
    return student, teacher


def _huber(a: float, b: float) -> float:
    return 0.5 * (a - b) ** 2 if abs(a - b) <= 1 else abs(a - b) - 0.5


def test_distance_loss_is_the_papers_sum_over_pairs(spaces: tuple[Tensor, Tensor]) -> None:
    """Equations 4 to 6 of Park et al. 2019, pair by pair."""
    potentials = []
    for rows in (one.tolist() for one in spaces):
        pairs = [math.dist(x, y) for x, y in itertools.combinations(rows, 2)]
        mean = sum(pairs) / len(pairs)
        potentials.append([pair / mean for pair in pairs])
    expected = np.mean([_huber(*pair) for pair in zip(*potentials, strict=True)])
    assert float(relations.distance_loss(*spaces)) == pytest.approx(expected)


def test_angle_loss_is_the_papers_sum_over_triplets(spaces: tuple[Tensor, Tensor]) -> None:
    """Equations 7 to 9 of Park et al. 2019, triplet by triplet."""

    def cosine(rows: np.ndarray, i: int, j: int, k: int) -> float:
        first, second = rows[i] - rows[j], rows[k] - rows[j]
        return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))

    student, teacher = (one.numpy() for one in spaces)
    losses = [
        _huber(cosine(student, *triplet), cosine(teacher, *triplet))
        for triplet in itertools.permutations(range(6), 3)
    ]
    assert float(relations.angle_loss(*spaces)) == pytest.approx(np.mean(losses))


@pytest.mark.parametrize("loss", [relations.distance_loss, relations.angle_loss])
def test_gradients_agree_with_finite_differences(loss, spaces: tuple[Tensor, Tensor]) -> None:  # type: ignore[no-untyped-def]
    student, teacher = spaces
    assert torch.autograd.gradcheck(
        lambda features: loss(features, teacher), student.clone().requires_grad_()
    )


def test_a_turned_moved_and_scaled_copy_has_the_same_relations(spaces: tuple[Tensor, Tensor]) -> None:
    student = spaces[0]
    turn = torch.linalg.qr(
        torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )[0]
    copy = 7 * student @ turn + 3
    assert float(relations.distance_loss(student, copy)) == pytest.approx(0, abs=1e-12)
    assert float(relations.angle_loss(student, copy)) == pytest.approx(0, abs=1e-12)
    assert float(relations.relational_loss(student, spaces[1], "both")) == pytest.approx(
        25 * float(relations.distance_loss(*spaces)) + 50 * float(relations.angle_loss(*spaces))
    )


def test_equal_pictures_give_finite_gradients() -> None:
    student = torch.ones(4, 2, requires_grad=True)
    loss = relations.relational_loss(student, torch.randn(4, 3), "both")
    loss.backward()
    assert bool(torch.isfinite(student.grad).all())  # type: ignore[arg-type]


def test_the_pull_brings_the_students_geometry_to_the_teachers() -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.randn(24, 3, 32, 32, generator=random)
    labels = torch.arange(8) % 2
    shown = torch.randn(24, 10, generator=random)

    def distance_after(strength: float) -> float:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            student = Student(2)
        train(
            student,
            images,
            labels,
            steps=25,
            generator=torch.Generator().manual_seed(0),
            pull=lambda features, numbers: (
                strength * relations.relational_loss(features, shown[numbers], "both")
            ),
        )
        with torch.no_grad():
            return float(relations.relational_loss(student(images)[0], shown, "both"))

    assert distance_after(1.0) < 0.7 * distance_after(0.0)


def test_teacher_looks_once_and_answers_in_order() -> None:
    from core.interpretation import specimen

    network = specimen.random("tiny_resnet18", 0)
    teacher = experiment.Teacher(network, "layer2")
    images = np.random.default_rng(0).integers(0, 256, size=(3, 64, 64, 3), dtype=np.uint8)
    assert list(teacher.learn(images)) == [1.0]
    assert list(teacher.learn(images[:2])) == []
    with torch.no_grad():
        maps = network.backbone.run_stages(network.input(images[[2, 0]]), stop=3)
    torch.testing.assert_close(teacher.features(images[[2, 0]]), maps.mean(dim=(2, 3)), rtol=1e-4, atol=1e-5)


def test_small_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "SIZES", (2,))
    monkeypatch.setattr(experiment, "TEST_IMAGES", 4)
    settings = RelationalDistillationSettings(data="science-patches", unlabelled=1, steps=5, seeds=2)
    events = list(TECHNIQUE.run(settings))
    scores = [event for event in events if isinstance(event, Score)]
    assert isinstance(events[0], Progress)
    assert [event.done for event in events if isinstance(event, Progress)][-1] == 1.0
    wanted = {
        (arm.name, seed, of.name) for arm in TECHNIQUE.arms for seed in (0, 1) for of in TECHNIQUE.quantities
    }
    assert {(one.arm, one.seed, one.quantity or "accuracy") for one in scores} == wanted
    assert len(scores) == len(wanted)
    assert {event.name for event in events if isinstance(event, Panel)} == {"map"}
    again = (event for event in experiment.run(settings) if isinstance(event, Score))
    assert [next(again) for _ in range(8)] == scores[:8]  # the first seed


def test_bad_settings_are_one_sentence() -> None:
    with pytest.raises(errors.SettingsError, match="steps must lie between 5 and 300"):
        RelationalDistillationSettings(steps=1)
    with pytest.raises(errors.SettingsError, match="relations must be one of both, distances, angles"):
        TECHNIQUE.settings_of({"relations": "volumes"})

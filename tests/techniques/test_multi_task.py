"""Multi-task: gradients of shared weights, their conflict taken out, the tasks, the experiment."""

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity
from torch.nn import functional

from core.errors import SettingsError
from core.events import Progress
from core.techniques.events import Panel, Score
from core.techniques.multi_task import experiment, learning, tasks
from core.techniques.multi_task.entry import TECHNIQUE, MultiTaskSettings
from core.techniques.multi_task.gradients import cosine, without_conflict
from core.techniques.multi_task.network import TwoHeads


def _data(answers: int) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(40, 12, 12, generator=generator)
    return (images, torch.arange(40) % 10), (images, torch.arange(40) % answers)


def test_the_cosine_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 50))
    found = cosine(torch.from_numpy(a), torch.from_numpy(b))
    assert found == pytest.approx(float(cosine_similarity(a[None], b[None])[0, 0]))
    assert cosine(torch.zeros(3), torch.ones(3)) == 0.0


def test_conflict_is_taken_out_and_agreement_is_left() -> None:
    random = torch.Generator().manual_seed(0)
    for _ in range(20):
        a, b = torch.randn(2, 6, generator=random, dtype=torch.float64)
        first, second = without_conflict(a, b)
        if a @ b >= 0:
            assert torch.equal(first, a)
            assert torch.equal(second, b)
            continue
        assert float(first @ b) == pytest.approx(0.0, abs=1e-12)
        assert float(second @ a) == pytest.approx(0.0, abs=1e-12)
        # The nearest point of the plane, found independently: least squares over a basis of what is normal to b.
        basis = torch.linalg.svd(b[None]).Vh[1:].T
        torch.testing.assert_close(first, basis @ torch.linalg.lstsq(basis, a[:, None]).solution[:, 0])


def test_one_step_follows_the_sum_of_both_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "STEPS", 1)
    first, second = _data(3)
    torch.manual_seed(0)
    ours, theirs = TwoHeads(8, 3), TwoHeads(8, 3)
    theirs.load_state_dict(ours.state_dict())
    draw = torch.Generator().manual_seed(5)
    (similarity,) = learning.train(
        ours, first, second, weight=0.5, surgery=False, generator=torch.Generator().manual_seed(5)
    )
    optimiser = torch.optim.Adam(theirs.parameters(), lr=learning.RATE)
    one = torch.randint(40, (learning.BATCH,), generator=draw)
    two = torch.randint(40, (learning.SECOND_BATCH,), generator=draw)
    digits = functional.cross_entropy(theirs(first[0][one]), first[1][one])
    answers = functional.cross_entropy(theirs.answer(second[0][two]), second[1][two])
    trunk = list(theirs.trunk.parameters())
    pulls = [
        torch.cat([part.flatten() for part in torch.autograd.grad(loss, trunk, retain_graph=True)])
        for loss in (digits, answers)
    ]
    (digits + 0.5 * answers).backward()
    optimiser.step()
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, msg=name)
    assert similarity == pytest.approx(
        float(pulls[0] @ pulls[1] / pulls[0].norm() / pulls[1].norm()), abs=1e-5
    )


def test_surgery_changes_what_is_learned_only_where_tasks_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "STEPS", 12)
    first, second = _data(3)
    learned, cosines = [], []
    for surgery in (False, True):
        torch.manual_seed(0)
        network = TwoHeads(8, 3)
        cosines.append(
            list(
                learning.train(
                    network,
                    first,
                    second,
                    weight=1.0,
                    surgery=surgery,
                    generator=torch.Generator().manual_seed(1),
                )
            )
        )
        learned.append(network.trunk[1].weight.detach())
    conflicts = [number for number, one in enumerate(cosines[0]) if one is not None and one < 0]
    assert conflicts  # otherwise nothing was tested
    assert cosines[0][: conflicts[0] + 1] == cosines[1][: conflicts[0] + 1]
    assert not torch.equal(*learned)


def test_one_task_alone_leaves_the_other_head_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "STEPS", 3)
    first, _ = _data(3)
    network = TwoHeads(8, 3)
    before = network.second.weight.detach().clone()
    trunk = network.trunk[1].weight.detach().clone()
    generator = torch.Generator().manual_seed(0)
    assert (
        list(learning.train(network, first, None, weight=1.0, surgery=False, generator=generator))
        == [None] * 3
    )
    assert torch.equal(network.second.weight, before)
    assert not torch.equal(network.trunk[1].weight, trunk)


def test_digits_stand_where_the_answer_says() -> None:
    train, test = tasks.placed_digits(3)
    assert len(train.digit) == 1200
    assert len(test.digit) == 597
    for number in range(30):
        row, column = divmod(int(train.place[number]), 3)
        picture = train.images[number].copy()
        assert picture.sum() > 0
        picture[2 * row : 2 * row + 8, 2 * column : 2 * column + 8] = 0
        assert picture.sum() == 0
    assert np.bincount(train.place).min() > 90  # each of nine about 133 times
    from sklearn.datasets import load_digits

    digits = load_digits()
    both = np.concatenate([train.images, test.images]).sum(axis=(1, 2))
    np.testing.assert_allclose(np.sort(both), np.sort(digits.images.sum(axis=(1, 2)) / 16), rtol=1e-4)


def test_second_questions_have_the_right_answers() -> None:
    digits = np.arange(10)
    assert np.flatnonzero(tasks.related_answers("loop", digits)).tolist() == [0, 6, 8, 9]
    assert np.flatnonzero(tasks.related_answers("odd_even", digits)).tolist() == [1, 3, 5, 7, 9]
    assert np.flatnonzero(tasks.related_answers("high_low", digits)).tolist() == [5, 6, 7, 8, 9]
    train, _ = tasks.placed_digits(0)
    answers, count = tasks.second_answers("related", "loop", train, 0)
    shuffled, _ = tasks.second_answers("shuffled", "loop", train, 0)
    assert count == 2
    assert answers.sum() == shuffled.sum()
    assert abs(np.corrcoef(answers, shuffled)[0, 1]) < 0.1
    assert tasks.second_answers("rival", "loop", train, 0)[1] == 9


def test_all_arms_start_from_the_same_trunk_and_head() -> None:
    settings = MultiTaskSettings()
    related, rival = (experiment._network(arm, 4, settings) for arm in ("related", "rival"))
    assert torch.equal(related.trunk[1].weight, rival.trunk[1].weight)
    assert torch.equal(related.digits.weight, rival.digits.weight)
    assert rival.second.out_features == 9


def test_the_experiment_scores_all_arms_and_repeats_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "STEPS", 40)
    monkeypatch.setattr(learning, "STEPS", 40)
    settings = MultiTaskSettings(seeds=2, width=8, surgery=True)
    events = list(experiment.run(settings))
    assert isinstance(events[0], Progress)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    scores = [event for event in events if isinstance(event, Score)]
    assert {(one.arm, one.seed) for one in scores} == {
        (arm.name, seed) for arm in TECHNIQUE.arms for seed in (0, 1)
    }
    assert {event.name for event in events if isinstance(event, Panel)} == {"pictures", "gradients"}
    assert [one for one in experiment.run(settings) if isinstance(one, Score)] == scores


def test_a_weight_of_zero_is_learning_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "STEPS", 30)
    first, second = _data(3)
    learned = []
    for answers in (second[1], second[1].flip(0)):
        torch.manual_seed(0)
        network = TwoHeads(8, 3)
        generator = torch.Generator().manual_seed(1)
        list(
            learning.train(
                network, first, (second[0], answers), weight=0.0, surgery=False, generator=generator
            )
        )
        learned.append(network.trunk[1].weight.detach())
    torch.testing.assert_close(*learned)


@pytest.mark.parametrize(
    ("name", "value"), [("labelled", 19), ("labelled", 1201), ("width", 3), ("weight", -1.0), ("seeds", 1)]
)
def test_bad_numbers_are_one_sentence(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match="must lie between"):
        MultiTaskSettings(**{name: value})


def test_an_unknown_task_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="related must be one of loop, odd_even, high_low"):
        MultiTaskSettings(related="colour")  # type: ignore[arg-type]

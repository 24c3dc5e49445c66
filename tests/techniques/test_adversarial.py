"""Gradient reversal against finite differences, its schedule, and a small run."""

import itertools

import pytest
import torch
from torch import nn

from core import errors
from core.events import Note, Progress
from core.techniques.adversarial import reversal
from core.techniques.adversarial.entry import TECHNIQUE, AdversarialSettings
from core.techniques.digits import training
from core.techniques.events import Panel, Score


def _features(rows, seed):
    return torch.randn(rows, 64, generator=torch.Generator().manual_seed(seed)).double()


def test_forward_changes_nothing_and_backward_turns_the_gradient_of_finite_differences():
    x = _features(3, 0)[:, :5].clone().requires_grad_(True)
    weights = _features(3, 1)[:, :5]

    def loss(values):
        return (weights * values.sin()).sum()

    assert torch.equal(reversal.reverse(x, 0.7), x)
    (found,) = torch.autograd.grad(loss(reversal.reverse(x, 0.7)), x)
    numerical = torch.zeros_like(found)
    with torch.no_grad():
        for place in range(x.numel()):
            step = torch.zeros(x.numel(), dtype=x.dtype)
            step[place] = 1e-6
            step = step.view_as(x)
            numerical.view(-1)[place] = (loss(x + step) - loss(x - step)) / 2e-6
    torch.testing.assert_close(found, -0.7 * numerical, atol=1e-8, rtol=1e-6)


def test_the_domain_classifier_descends_while_the_features_ascend():
    judge = reversal.domain_classifier(0).double()
    source, target = _features(8, 0).requires_grad_(True), _features(8, 1).requires_grad_(True)
    peak = 0.4
    loss = reversal.confusion(judge, peak, steepness=0)(source, target, 0.5)
    plain = nn.functional.binary_cross_entropy_with_logits(
        judge(torch.cat([source, target]))[:, 0], torch.tensor([0.0] * 8 + [1.0] * 8).double()
    )
    assert loss.item() == pytest.approx(plain.item())
    of_judge = list(judge.parameters())
    for found, expected in zip(
        torch.autograd.grad(loss, of_judge, retain_graph=True),
        torch.autograd.grad(plain, of_judge, retain_graph=True),
        strict=True,
    ):
        torch.testing.assert_close(found, expected)  # it learns as if nothing were reversed
    (found,) = torch.autograd.grad(loss, source)
    (expected,) = torch.autograd.grad(plain, source)
    torch.testing.assert_close(found, -peak * expected)


def test_lambda_zero_leaves_the_features_alone():
    source, target = _features(4, 0).requires_grad_(True), _features(4, 1)
    loss = reversal.confusion(reversal.domain_classifier(0).double(), 0.0, 10.0)(source, target, 0.9)
    (found,) = torch.autograd.grad(loss, source)
    assert not found.any()


def test_judged_counts_both_domains_alike():
    judge = nn.Linear(1, 1, bias=False)
    nn.init.ones_(judge.weight)
    source = torch.tensor([[-1.0], [-1.0], [-1.0], [1.0]])  # three of four right
    target = torch.tensor([[1.0], [-1.0]])  # one of two
    assert reversal.judged(judge, source, target) == pytest.approx((0.75 + 0.5) / 2)


def test_shuffled_domains_carry_no_message():
    judge = reversal.domain_classifier(0).double()
    source, target = _features(200, 0) + 5, _features(200, 0) - 5
    optimiser = torch.optim.Adam(judge.parameters(), lr=1e-2)
    shuffle = torch.Generator().manual_seed(0)
    for _ in range(60):
        optimiser.zero_grad()
        loss = reversal.confusion(judge, 1.0, 0.0, shuffle)(source, target, 0.0)
        loss.backward()
        optimiser.step()
    assert loss.item() > 0.6  # ln 2 is a guess; told the truth, it would be near 0


SMALL = {"seeds": 2, "steps": 10}
AGAIN = 12  # events of a second run


@pytest.fixture(scope="module")
def events():
    settings = AdversarialSettings(**SMALL)
    return list(TECHNIQUE.run(settings)), list(itertools.islice(TECHNIQUE.run(settings), AGAIN))


def test_a_run_scores_every_arm_with_every_seed_and_repeats_itself(events):
    first, second = events
    assert isinstance(first[0], Progress)
    scores = [one for one in first if isinstance(one, Score)]
    assert second == first[: len(second)]
    assert {(one.arm, one.seed) for one in scores if not one.quantity} == {
        (arm.name, seed) for arm in TECHNIQUE.arms for seed in (0, 1)
    }
    done = [one.done for one in first if isinstance(one, Progress)]
    assert done == sorted(done)
    assert done[-1] == 1


def test_the_curves_end_where_the_scores_are(events):
    panel = [one for one in events[0] if isinstance(one, Panel)][-1]
    lines = {line.name: line for line in panel.drawing.lines}
    for arm, name in (("dann", "Target, DANN"), ("source", "Target, source only")):
        values = [
            one.value for one in events[0] if isinstance(one, Score) and one.arm == arm and not one.quantity
        ]
        assert lines[name].y[-1] == pytest.approx(sum(values) / len(values), abs=1e-4)
        assert lines[name].x[-1] == SMALL["steps"]
    last = lines["Domain classifier, DANN"].y[-1]
    remark = next(one.message for one in events[0] if isinstance(one, Note))
    assert f"right in {100 * last:.0f} %" in remark


def test_the_last_remark_is_what_both_domains_gain_without_reversal(events):
    scores = {
        (one.arm, one.seed): one.value for one in events[0] if isinstance(one, Score) and not one.quantity
    }
    gain = sum(scores["together", seed] - scores["source", seed] for seed in (0, 1)) / 2
    remark = [one.message for one in events[0] if isinstance(one, Note)][-1]
    assert f"by {100 * gain:+.1f} points" in remark


def test_without_strength_dann_is_its_control(events):
    settings = AdversarialSettings(**SMALL | {"peak": 0.0})
    scores = {}
    for event in TECHNIQUE.run(settings):
        if isinstance(event, Score) and not event.quantity:
            scores[event.arm, event.seed] = event.value
        if ("together", 0) in scores:
            break
    assert scores["dann", 0] == scores["together", 0]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"peak": -1.0}, "peak must lie between 0 and 3"),
        ({"steepness": 99.0}, "steepness must lie between"),
        ({"missing": 2.0}, "missing must lie between"),
        ({"target": "cartoons"}, "target must be one of"),
        ({"steps": 1}, "steps must lie between"),
    ],
)
def test_bad_settings_are_one_sentence(wrong, words):
    with pytest.raises(errors.SettingsError, match=words):
        AdversarialSettings(**wrong)


def test_dann_reads_pacs_sketches_above_chance_and_reversal_hides_the_style(shared_data):
    from tests.techniques.real_domains import JUDGES, adversarial_scores, one_layer, photo_to

    parts = photo_to(shared_data, "sketch")
    assert [len(one[0]) for one in (parts.source, parts.target, parts.target_test)] == [280, 280, 140]
    found = adversarial_scores(parts, seed=0, steps=60, built=lambda seed: one_layer(parts, seed))
    assert set(found) == {"source", "dann", "together"}
    assert all(value > 1.5 / 7 for value in found.values())

    def told_apart(peak):
        """How well a domain classifier that learned along tells sketches from photographs in the end."""
        one, judge = one_layer(parts, 0), reversal.domain_classifier(JUDGES)
        for _ in training.train(
            one,
            parts.source,
            steps=60,
            seed=0,
            unlabelled=parts.target[0],
            penalty=reversal.confusion(judge, peak, steepness=10.0),
            others=judge.parameters(),
            others_rate=1e-2,
            annealed=True,
        ):
            pass
        one.train()  # each domain with its own statistics would hide the style by itself
        with torch.no_grad():
            features = one.features(torch.cat([parts.source_test[0], parts.target_test[0]]))
        middle = len(parts.source_test[0])
        return reversal.judged(judge, features[:middle], features[middle:])

    assert told_apart(0.0) > 0.9
    assert told_apart(3.0) < told_apart(0.0)

"""The advice in plain sentences: depths, ties, losses."""

import dataclasses

import pytest

from core.advice import advisor, evidence, places, quadrants, sentences
from core.advice.evidence import Evidence
from core.advice.report import Advice, Description, Neighbour, Policy, Record
from core.advice.tasks import TASKS
from core.backbones import catalogue
from core.metrics.report import Interval

HOW = " for 12 epochs at a learning rate of 0.001."


@pytest.fixture
def advice(world: Evidence) -> Advice:
    return advisor.from_description(Description(per_class=20, classes=2), "tiny_resnet18")


@pytest.mark.parametrize(
    ("depth", "strategy", "says"),
    [
        (0, "full", "Freeze nothing: train all 5 stages" + HOW),
        (1, "freeze_to_depth", "Freeze the first stage of 5, train the rest" + HOW),
        (3, "freeze_to_depth", "Freeze the first 3 of 5 stages, train the rest" + HOW),
        (5, "linear_probe", "Freeze all 5 stages and fit only a new last layer."),
    ],
)
def test_the_headline_says_what_to_do(advice: Advice, depth: int, strategy: str, says: str) -> None:
    one = dataclasses.replace(
        advice, arm=f"k{depth}", freeze_depth=depth, strategy=strategy, epochs=12, learning_rate=1e-3
    )
    assert sentences.headline(one) == says


def test_a_probe_first_is_said(advice: Advice) -> None:
    one = dataclasses.replace(advice, arm="k2", freeze_depth=2, strategy="lp_ft")
    assert sentences.headline(one).endswith("starting from a fitted last layer.")


def test_the_rule_is_stated_as_it_came_out_and_ties_are_said(advice: Advice) -> None:
    best = dataclasses.replace(advice, arm="k0", best="k0", indistinguishable=("k0", "k2", "k3"))
    assert sentences.chosen_by(best) == (
        "**Advised: the one that is expected to do best.** Freezing 0, 2 and 3 of 5 stages cannot be told apart by "
        "what was measured, so another of them may turn out better; the others are clearly behind."
    )
    cheaper = dataclasses.replace(advice, arm="k3", best="k2", indistinguishable=tuple(advice_arms(advice)))
    assert sentences.chosen_by(cheaper).startswith(
        "**Advised: the cheapest that is expected to lose no more than 0.05 points against the best (2 of 5 frozen).** "
        "None "
    )
    alone = dataclasses.replace(advice, arm="k2", best="k2", indistinguishable=("k2",))
    assert sentences.chosen_by(alone).endswith("It stands out from all other depths.")


def advice_arms(advice: Advice) -> list[str]:
    return [outlook.arm for outlook in advice.outlooks]


def test_what_is_near_says_in_what_and_nothing_is_named_where_nothing_stands_out(advice: Advice) -> None:
    title, text = sentences.nearest(dataclasses.replace(advice, neighbours=()))
    assert "your answers fit best" in title
    assert "none stands out" in text
    near = (Neighbour(task="mnist-6000", per_class=20, weight=0.6),)
    title, text = sentences.nearest(dataclasses.replace(advice, neighbours=near, basis="measured"))
    assert "this network finds as hard" in title
    assert "MNIST" in text


def test_a_rule_says_for_which_pictures_it_is_unless_it_is_the_only_one(advice: Advice) -> None:
    assert advice.kind is None
    similar, different = advice.rules
    assert sentences.rule_of(similar, only=False).startswith(
        "*Photographs of things or animals*: With few pictures"
    )
    assert sentences.rule_of(different, only=False).startswith(
        "*Anything else*: With few pictures of another kind"
    )
    assert sentences.rule_of(similar, only=True).startswith("With few pictures")
    followed = dataclasses.replace(similar, departs="")
    assert sentences.rule_of(followed, only=True).endswith("The advice follows that rule.")


def _policy(name: str, value: float) -> Policy:
    one = Interval(value=value, low=value - 0.4, high=value + 0.4)
    return Policy(
        name=name,
        title=name.title(),
        what="",
        regret=one,
        percentile_90=one,
        fair_regret=one,
        worst=20.0,
        worst_task="mnist-6000",
        worst_per_class=5,
        cost=1.0,
    )


def _record(*policies: Policy) -> Record:
    return Record(
        backbone="tiny_resnet18",
        policies=policies,
        tasks=2,
        cells=2,
        runs=2,
        covered=Interval(value=0.8, low=0.7, high=0.9),
    )


def test_losses_are_named_with_their_figures() -> None:
    said = sentences.standing(_record(_policy("advice-a", 2.0), _policy("half", 1.5), _policy("full", 1.0)))
    assert len(said) == 1
    assert "gives away 2.0 points [1.6, 2.4]" in said[0]
    assert "better on average: “Full” (1.0), “Half” (1.5)" in said[0]


def test_the_best_depth_in_hindsight_is_told_apart_from_rules_that_can_be_followed() -> None:
    said = sentences.standing(
        _record(_policy("advice-a", 2.0), _policy("full", 2.5), _policy("best-in-hindsight", 1.0))
    )
    assert "no fixed rule does better" in said[0]
    assert said[1].endswith("which nobody knows beforehand, gives away 1.0 points.")


def test_a_win_names_the_best_rival() -> None:
    said = sentences.standing(_record(_policy("advice-a", 0.5), _policy("half", 1.5), _policy("full", 1.0)))
    assert "no fixed rule does better" in said[0]
    assert "“Full” (1.0)" in said[0]
    assert sentences.worst_case(_policy("half", 1.5)) == "MNIST, 5 of each class"


def test_the_story_counts_what_freezing_everything_costs(world: Evidence) -> None:
    assert "gives away 20.0 points on average where pictures are no photographs of things, 2.0" in " ".join(
        sentences.story(world)
    )


def test_every_task_stands_in_the_column_of_its_kind() -> None:
    for name, task in TASKS.items():
        low, high = places.COLUMNS[task.similarity]
        assert low < places.unlike(name) < high


def test_a_description_without_a_kind_may_stand_anywhere() -> None:
    assert places.place(None, 30, counted=False) == (places.ANYWHERE, (20, 45))
    assert places.place("between", 30, counted=True) == (places.COLUMNS["between"], (30, 30))


@pytest.mark.parametrize(
    ("per_class", "similarity", "quadrant"),
    [
        (999, "similar", "small-similar"),
        (999, "between", "small-different"),
        (1000, "different", "large-different"),
    ],
)
def test_quadrants_end_where_the_source_says(per_class: int, similarity: str, quadrant: str) -> None:
    assert quadrants.quadrant_of(per_class, similarity) == quadrant


def test_what_was_measured_anew_is_said_with_how_far_it_moved() -> None:
    found = evidence.load("tiny_resnet18")
    assert found is not None
    said = sentences.measured_anew(found)
    assert said.startswith("Cases with 5, 10 and 20 pictures a class were measured anew on 2026-")
    assert f"more than {found.made['accuracies']['most_points_moved']:.1f} points" in said
    assert sentences.measured_anew(dataclasses.replace(found, made={})) == ""


def test_the_side_of_the_evidence_is_said_where_runs_use_another(world: Evidence) -> None:
    entry = catalogue.entry("tiny_resnet18")
    assert sentences.sides(world, entry) == ""
    other = dataclasses.replace(world, image_size=48)
    assert "pictures of 48 × 48 pixels" in sentences.sides(other, entry)
    assert "64 × 64, unless" in sentences.sides(other, entry)
    assert sentences.sides(other, catalogue.entry("resnet18")) == ""  # it only borrows

"""What is said of ways to choose a network follows from what they gave away."""

import dataclasses

import numpy as np

from core.advice import choice_sentences, choosing
from core.advice.candidates_report import Comparison, compared
from core.advice.choosing import ChoiceRecord, NetworkEvidence
from tests.advice.test_candidates import examined
from tests.advice.test_choosing import SAMPLE, STRONG, WEAK, WORLD, case

# Insects and textures: the strong one is better by far, whatever scores say.
PLAIN = dataclasses.replace(WORLD, cases=(WORLD.cases[0], case("textures", 0.9, 0.6, (20, 39), logme=1.0)))


def record(world: NetworkEvidence) -> ChoiceRecord:
    found = choosing.record(world)
    assert found is not None
    return found


def comparison(strong: int, weak: int) -> Comparison:
    first = np.arange(SAMPLE)
    rows = [
        dataclasses.replace(examined(name, first < hits), candidate=choosing_candidate(name))
        for name, hits in ((STRONG, strong), (WEAK, weak))
    ]
    return compared(rows, [], np.arange(SAMPLE) % 2)


def choosing_candidate(name: str):
    from core.advice.candidates import Candidate

    return Candidate(name=name)


def test_the_way_that_gives_away_least_is_recommended_with_its_rival() -> None:
    said = choice_sentences.verdict(record(WORLD))
    assert said.startswith("**Choose by “The strongest, unless surely worse”.** That gives away 0.0 points")
    assert "“Always EfficientNet-Lite0”, the best way that looks at nothing, 6.7 points" in said


def test_always_the_same_is_recommended_where_no_score_beats_it() -> None:
    found = record(PLAIN)
    assert choice_sentences.winner(found).name == f"always-{STRONG}"
    said = choice_sentences.verdict(found)
    assert said.startswith("**Always EfficientNet-Lite0.** That gives away 0.0 points")
    assert "no score that looks at the pictures gives away less" in said


def test_yardsticks_that_nobody_can_follow_are_never_recommended() -> None:
    assert choice_sentences.winner(record(WORLD)).name not in choice_sentences.NOBODY


def test_what_to_take_follows_the_record_else_the_pictures() -> None:
    assert "always taking it" in choice_sentences.take(comparison(20, 39), record(PLAIN))
    assert (
        choice_sentences.take(comparison(20, 39), record(WORLD))
        == f"Take {WEAK}: its probe is right most often."
    )
    by_votes = dataclasses.replace(
        record(WORLD), policies=tuple(one for one in record(WORLD).policies if one.name == "neighbours")
    )
    (weak, strong) = comparison(20, 39).examined
    assert weak.neighbours.value == strong.neighbours.value, "so that the stronger one on its source decides"
    assert choice_sentences.take(comparison(20, 39), by_votes).startswith(
        f"Take {STRONG}: its nearest neighbours vote"
    )
    near = choice_sentences.take(comparison(30, 32), None)
    assert near.startswith(f"Take {STRONG}: its probe cannot be told from the best one")
    assert (
        choice_sentences.take(
            compared([examined("only", np.ones(SAMPLE, bool))], [], np.arange(SAMPLE) % 2), None
        )
        == ""
    )


def test_leads_name_points_and_time() -> None:
    (said,) = choice_sentences.leads(record(WORLD), WORLD)
    assert said.startswith(
        "Tiny ResNet-18 against EfficientNet-Lite0: No difference seen: −3.3 points [−20.0, 20.0]."
    )
    assert said.endswith("takes 0.2 times as long for a picture.")


def test_what_was_measured_is_said_with_sides() -> None:
    said = choice_sentences.measured_how(record(WORLD), WORLD)
    assert "3 data sets" in said
    assert "EfficientNet-Lite0 at 128 px and Tiny ResNet-18 at 64 px" in said
    assert "thuml/Transfer-Learning-Library" in choice_sentences.published()


def test_packages_that_are_missing_are_offered_with_one_line() -> None:
    third = "efficientnet_lite2"
    world = dataclasses.replace(WORLD, networks=(STRONG, WEAK, third))
    assert choice_sentences.more(world, [STRONG, WEAK, third]) == ""
    said = choice_sentences.more(world, [STRONG, WEAK])
    assert said.startswith("EfficientNet-Lite2 can be added")
    assert "pip install -c constraints.txt -r requirements-more.txt" in said


def test_fewer_than_two_measured_networks_at_hand_leave_all() -> None:
    assert choice_sentences.networks_measured(WORLD, [STRONG, "resnet18"]) == (STRONG, WEAK)
    assert choice_sentences.networks_measured(WORLD, [WEAK, STRONG]) == (STRONG, WEAK)

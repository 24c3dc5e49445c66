"""One rule for every verdict: it says what its interval, as printed, allows to be said, and nothing else."""

import re

import numpy as np
import pytest

from core.metrics.report import Interval
from core.metrics.verdict import (
    PLAIN,
    POINTS,
    DifferenceScale,
    Verdict,
    early,
    effect,
    judged,
    rivals,
    turned,
    unripe,
    written,
)

NAMES = ("Frozen", "Scratch")
BETTER = Interval(value=0.071, low=0.05, high=0.092)
UNCLEAR = Interval(value=0.008, low=-0.021, high=0.036)


def test_words_follow_the_interval() -> None:
    assert rivals(BETTER, NAMES).sentence == "Frozen is better by 7.1 points [5.0, 9.2]"
    assert rivals(turned(BETTER), NAMES).sentence == "Scratch is better by 7.1 points [5.0, 9.2]"
    assert rivals(UNCLEAR, NAMES).sentence == "No difference seen: +0.8 points [−2.1, 3.6]"
    assert effect(BETTER).sentence == "Helps: +7.1 points [5.0, 9.2]"
    assert effect(turned(BETTER)).sentence == "Hurts: −7.1 points [−9.2, −5.0]"
    assert effect(UNCLEAR).sentence == "No difference seen: +0.8 points [−2.1, 3.6]"
    assert effect(BETTER, PLAIN).sentence == "Helps: +0.071 [0.05, 0.092]"
    assert written(Interval(value=-1e-9, low=-0.01, high=0.01)) == "0.0 points [−1.0, 1.0]"


def _printed(sentence: str) -> tuple[float, float]:
    low, high = re.findall(r"\[(.+), (.+)\]", sentence)[0]
    return float(low.replace("−", "-")), float(high.replace("−", "-"))


@pytest.mark.parametrize("scale", [POINTS, PLAIN], ids=["points", "plain"])
def test_no_sentence_contradicts_the_interval_that_it_prints(scale: DifferenceScale) -> None:
    generator = np.random.default_rng(0)
    sizes = 10 ** generator.uniform(-6, 0, 4000)
    seen: set[str] = set()
    for size, (low, value, high) in zip(sizes, np.sort(generator.normal(0.3, 1, (4000, 3))), strict=True):
        gain = Interval(value=size * value, low=size * low, high=size * high)
        for found in (effect(gain, scale), rivals(gain, NAMES, scale)):
            seen.add(found.judgement)
            low_printed, high_printed = _printed(found.sentence)
            claims = not found.sentence.startswith("No difference")
            assert claims == (found.judgement != "no difference")
            apart = low_printed > 0 or high_printed < 0
            # Only the last digit may be in doubt: 0.05 points are neither 0.0 nor 0.1.
            assert claims == apart or 0.0499 < 100 * min(abs(gain.low), abs(gain.high)) < 0.0501
    assert seen == {"helps", "hurts", "no difference"}


def test_what_would_be_printed_as_nothing_is_nothing() -> None:
    hair = Interval(value=0.0006, low=0.0002, high=0.001)
    assert judged(hair) == "no difference"
    assert judged(hair, 0.0) == "helps"
    assert judged(Interval(value=0.0, low=0.0, high=0.0), 0.0) == "no difference"


@pytest.mark.parametrize(
    ("seeds", "planned", "because"),
    [
        (1, 5, "one seed cannot tell a difference from luck"),
        (2, 5, "2 of 5 seeds are done"),
        (5, 5, ""),
        (2, 0, ""),
    ],
)
def test_it_is_too_early_until_the_last_seed(seeds: int, planned: int, because: str) -> None:
    assert unripe(BETTER, seeds, planned) == because


def test_few_seeds_that_agree_to_the_last_digit_are_not_sure() -> None:
    same = Interval(value=0.25, low=0.25, high=0.25)
    assert unripe(same, 4) == "every seed gave the same difference"
    assert unripe(same, 5) == ""
    found = early(same, unripe(same, 4))
    assert found == Verdict(
        judgement="too early",
        gain=same,
        sentence="Too early to say (every seed gave the same difference): +25.0 points [25.0, 25.0] so far",
    )
    assert (
        early(None, unripe(None, 1)).sentence
        == "Too early to say (one seed cannot tell a difference from luck)"
    )

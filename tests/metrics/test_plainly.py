"""One plain sentence of a result: its counts are those that were measured."""

import numpy as np
import pytest

from core.metrics import classification
from core.metrics.plainly import plainly
from core.metrics.report import ClassificationReport


def _report(right: int, count: int, classes: int = 10) -> ClassificationReport:
    """Of ``count`` pictures of ``classes`` equal classes, the first ``right`` are named right."""
    labels = np.arange(count) % classes
    guesses = np.where(np.arange(count) < right, labels, (labels + 1) % classes)
    scores = np.eye(classes, dtype=np.float32)[guesses]
    return classification.report(scores, labels, tuple(map(str, range(classes))))


def test_it_says_what_was_measured_what_guessing_and_what_the_control_get() -> None:
    assert plainly(_report(174, 200)) == "87 of 100 new pictures right; guessing gets 10."
    assert plainly(_report(174, 200), _report(140, 200)) == (
        "87 of 100 new pictures right; guessing gets 10; the same network from scratch gets 70."
    )


@pytest.mark.parametrize(
    ("right", "count", "says"),
    [
        (9, 12, "9 of 12 new pictures right; guessing gets 6."),
        (1000, 1000, "100 of 100 new pictures right"),
        (999, 1000, "More than 99 of 100 new pictures right"),
        (1, 1000, "Fewer than 1 of 100 new pictures right"),
        (0, 1000, "0 of 100 new pictures right"),
    ],
)
def test_few_pictures_are_counted_themselves_and_almost_all_is_not_all(
    right: int, count: int, says: str
) -> None:
    assert plainly(_report(right, count, classes=2)).startswith(says)

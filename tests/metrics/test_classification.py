import numpy as np
import pytest

from core.errors import DataError, RunError, SettingsError
from core.metrics.classification import mean_interval, reliability, report, wilson


def one_hot(predicted: list[int], classes: int) -> np.ndarray:
    return np.eye(classes)[predicted]


def test_wilson_by_hand() -> None:
    # Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3: 81/263, 15/148, 0/20, 1/29.
    for hits, count, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        interval = wilson(hits, count)
        assert (interval.value, interval.low, interval.high) == pytest.approx(
            (hits / count, low, high), abs=5e-5
        )


def test_an_interval_over_seeds_by_hand() -> None:
    interval = mean_interval([0.7, 0.8, 0.9])
    # t(0.975, 2) = 4.3027, standard error 0.1 / sqrt(3)
    assert interval.value == pytest.approx(0.8)
    assert interval.high - interval.value == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=1e-4)
    assert interval.value - interval.low == pytest.approx(interval.high - interval.value)
    same = mean_interval([0.5, 0.5])
    assert (same.low, same.high) == (0.5, 0.5)
    with pytest.raises(SettingsError, match="at least two runs"):
        mean_interval([0.5])


def test_a_report_by_hand() -> None:
    labels = [0, 0, 0, 1, 1, 2]
    made = report(one_hot([0, 0, 1, 1, 2, 2], 3), labels, ("ant", "bee", "cat"))
    assert made.confusion == ((2, 1, 0), (0, 1, 1), (0, 0, 1))
    assert made.accuracy.value == pytest.approx(4 / 6)
    assert made.accuracy.low < 4 / 6 < made.accuracy.high
    assert made.chance == pytest.approx(0.5)
    assert made.top5 is None
    assert [one.name for one in made.classes] == ["ant", "bee", "cat"]
    assert [one.count for one in made.classes] == [3, 2, 1]
    assert [one.precision for one in made.classes] == pytest.approx([1, 0.5, 0.5])
    assert [one.recall for one in made.classes] == pytest.approx([2 / 3, 0.5, 1])
    assert [one.f1 for one in made.classes] == pytest.approx([0.8, 0.5, 2 / 3])
    assert made.macro_f1 == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)
    assert made.count == 6


def test_macro_figures_are_over_classes_that_occur() -> None:
    made = report(one_hot([0, 1], 4), [0, 1], ("a", "b", "c", "d"))
    assert (made.macro_precision, made.macro_recall, made.macro_f1) == (1, 1, 1)
    absent = made.classes[3]
    assert absent.count == 0
    assert (absent.precision, absent.recall, absent.f1) == (None, None, None)  # nothing was measured


def test_a_class_that_is_absent_and_named_all_the_same_has_no_figures() -> None:
    made = report(one_hot([2, 1], 3), [0, 1], ("a", "b", "c"), caveats=("No pictures of c.",))
    assert made.classes[2].precision is None
    assert made.classes[0].recall == 0.0
    assert made.chance == pytest.approx(0.5)
    assert made.caveats == ("No pictures of c.",)


def test_top_five_counts_the_five_highest() -> None:
    scores = np.array([[0.3, 0.25, 0.2, 0.15, 0.09, 0.01]] * 2)
    assert report(scores, [4, 5], tuple("abcdef")).top5 == pytest.approx(0.5)
    assert report(scores, [0, 3], tuple("abcdef")).top5 == 1.0


def test_calibration_by_hand() -> None:
    # Two images at 0.9, one of them right; two at 0.62, both right.
    scores = np.array([[0.9, 0.1], [0.9, 0.1], [0.38, 0.62], [0.38, 0.62]])
    bins, error = reliability(scores, np.array([0, 1, 1, 1]))
    assert [(one.count, one.accuracy) for one in bins] == [(2, 1.0), (2, 0.5)]
    assert [one.confidence for one in bins] == pytest.approx([0.62, 0.9])
    assert error == pytest.approx(0.5 * (1 - 0.62) + 0.5 * (0.9 - 0.5))


def test_a_confidence_of_one_falls_into_the_last_bin_and_an_edge_into_the_lower() -> None:
    bins, error = reliability(np.array([[1.0, 0.0], [0.6, 0.4]]), np.array([0, 0]))
    assert bins[-1].high == pytest.approx(1.0)
    assert (bins[0].low, bins[0].high) == pytest.approx((8 / 15, 9 / 15))
    assert sum(one.count for one in bins) == 2
    assert error == pytest.approx(0.2)


def test_half_precision_probabilities_are_taken() -> None:
    scores = np.full((3, 7), 1 / 7, dtype=np.float16)
    assert report(scores, [0, 1, 2], tuple("abcdefg")).accuracy.value == pytest.approx(1 / 3)


def test_scores_are_not_changed() -> None:
    scores = one_hot([0, 1], 2)
    copy = scores.copy()
    report(scores, [0, 1], ("a", "b"))
    assert np.array_equal(scores, copy)


def test_what_cannot_be_measured_is_refused() -> None:
    names = ("a", "b")
    with pytest.raises(DataError, match="no test images"):
        report(np.zeros((0, 2)), [], names)
    with pytest.raises(RunError, match="smaller learning rate"):
        report(np.full((1, 2), np.nan), [0], names)
    with pytest.raises(ValueError, match="probabilities"):
        report(np.array([[3.0, -1.0]]), [0], names)
    with pytest.raises(ValueError, match="2 labels"):
        report(one_hot([0], 2), [0, 1], names)
    with pytest.raises(ValueError, match="from 0 to 2"):
        report(one_hot([0, 0], 2), [0, 2], names)

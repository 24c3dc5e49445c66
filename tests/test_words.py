"""How figures are said."""

import math

import pytest

from core import words


def test_numbers_have_a_true_minus_and_zero_has_no_sign() -> None:
    assert words.number(-0.34) == "−0.3"
    assert words.number(0.34, sign=True) == "+0.3"
    assert words.number(-0.04) == "0.0"
    assert words.number(0.04, sign=True) == "0.0"
    assert words.number(1234.5, 0) == "1,234"
    assert words.number(math.nan) == "nan"
    assert words.number(-math.inf) == "−inf"


def test_shares_are_said_in_percent_and_differences_in_points() -> None:
    assert words.percent(0.8731) == "87.3 %"
    assert words.percent(1, 0) == "100 %"
    assert words.points(0.0321) == "+3.2 points"
    assert words.points(-0.0321) == "−3.2 points"
    assert words.points(0.0321, 2, sign=False) == "3.21 points"
    assert words.interval(-0.0034, 0.027) == "[−0.3, 2.7]"


@pytest.mark.parametrize(
    ("length", "said"), [(0, "0 s"), (43.4, "43 s"), (99.9, "100 s"), (300, "5 min"), (5400, "1.5 h")]
)
def test_time_is_said_in_the_unit_that_fits(length: float, said: str) -> None:
    assert words.seconds(length) == said


def test_seconds_with_decimals() -> None:
    assert words.seconds(4.236, 2) == "4.24 s"


@pytest.mark.parametrize(
    ("length", "said"),
    [(2, "a few seconds"), (6, "about 10 s"), (43, "about 40 s"), (99, "about 2 min"), (300, "about 5 min")],
)
def test_an_estimate_is_no_finer_than_it_is_known(length: float, said: str) -> None:
    assert words.about(length) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 MB"),
        (4_000_000, "4 MB"),
        (5_740_000, "5.7 MB"),
        (9_960_000, "10 MB"),
        (1_234_400_000, "1,234 MB"),
    ],
)
def test_bytes_are_said_in_megabytes(size: float, said: str) -> None:
    assert words.megabytes(size) == said


def test_megabytes_with_decimals() -> None:
    assert words.megabytes(99_640_000, 1) == "99.6 MB"


def test_counts_know_one_and_many() -> None:
    assert words.count(1, "run") == "1 run"
    assert words.count(0, "run") == "0 runs"
    assert words.count(1234, "class", "classes") == "1,234 classes"


@pytest.mark.parametrize(
    ("number", "said"),
    [(9408, "9,408"), (12_345, "12.3 k"), (123_456, "123 k"), (1_234_567, "1.23 M"), (1.82e9, "1.82 G")],
)
def test_large_counts_are_short(number: float, said: str) -> None:
    assert words.short_count(number) == said


def test_names_are_listed_as_in_a_sentence() -> None:
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed(["a", "b", "c"]) == "a, b and c"


def test_a_figure_and_its_unit_stay_together() -> None:
    assert words.unbroken("1,234 MB") == "1,234\u00a0MB"


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 MB"), (3_400, "3.4 kB"), (12_300_000, "12 MB"), (40e9, "40.0 GB")]
)
def test_bytes_of_any_number_are_said_in_the_unit_that_fits(number: float, said: str) -> None:
    assert words.size(number) == said


def test_many_names_are_cut_short() -> None:
    assert words.some(["a", "b"], 2) == "a, b"
    assert words.some(["a", "b", "c"], 2) == "a, b, …"

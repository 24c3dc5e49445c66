import numpy as np
import pytest

from core.errors import DataError, SettingsError
from core.metrics.comparison import paired_difference, seeds_difference, unpaired_difference, verdict
from core.metrics.report import Interval


def pairs(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return np.array(a), np.array(b)


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:2635, table III, method 10.
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((36, 14, 0, 0), 0.1528, 0.4167),
    ],
)
def test_paired_interval_against_the_published_table(
    cells: tuple[int, int, int, int], low: float, high: float
) -> None:
    found = paired_difference(*pairs(*cells)).difference
    assert found.value == pytest.approx((cells[1] - cells[2]) / sum(cells))
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


def test_mcnemar_by_hand() -> None:
    # 7 discordant pairs, 1 against 6: twice the tail (1 + 7) / 2^7.
    assert paired_difference(*pairs(10, 1, 6, 3)).p_value == pytest.approx(2 * 8 / 128)
    assert paired_difference(*pairs(10, 0, 0, 3)).p_value == 1.0


def test_a_paired_interval_covers_what_it_promises() -> None:
    generator = np.random.default_rng(0)
    shares = [0.6, 0.15, 0.10, 0.15]  # true difference 0.05
    covered = 0
    for _ in range(200):
        found = paired_difference(*pairs(*generator.multinomial(150, shares))).difference
        covered += found.low <= 0.05 <= found.high
    assert 0.92 <= covered / 200 <= 0.985


def test_equal_answers_are_no_difference_yet_not_certain() -> None:
    found = paired_difference(*pairs(90, 0, 0, 10))
    assert found.difference.value == 0
    assert found.difference.low < 0 < found.difference.high
    assert found.verdict.startswith("No difference seen: 0.0 points [")


def test_pairs_see_more_than_separate_samples() -> None:
    together = paired_difference(*pairs(140, 20, 8, 32))
    apart = unpaired_difference(160, 200, 148, 200)
    assert together.verdict.startswith("A is better by 6.0 points [")
    assert apart.verdict.startswith("No difference seen: +6.0 points [")
    assert together.difference.high - together.difference.low < apart.difference.high - apart.difference.low


def test_unpaired_interval_against_the_published_table() -> None:
    # Newcombe 1998, Statistics in Medicine 17:873, table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/10.
    for counts, low, high in (
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ):
        found = unpaired_difference(*counts).difference
        assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


def test_words_follow_the_numbers() -> None:
    names = ("Frozen", "Scratch")
    better = Interval(value=0.071, low=0.05, high=0.092)
    assert verdict(better, 0.001, names) == "Frozen is better by 7.1 points [5.0, 9.2]"
    worse = Interval(value=-0.071, low=-0.092, high=-0.05)
    assert verdict(worse, 0.001, names) == "Scratch is better by 7.1 points [5.0, 9.2]"
    unclear = Interval(value=0.008, low=-0.021, high=0.036)
    assert verdict(unclear, 0.6, names) == "No difference seen: +0.8 points [−2.1, 3.6]"
    assert verdict(unclear, None, names) == "No difference seen: +0.8 points [−2.1, 3.6]"
    assert verdict(unclear, 0.04, names).startswith("Too close to call: +0.8")
    assert verdict(better, 0.06, names).startswith("Too close to call: +7.1")
    assert "−0.0" not in verdict(Interval(value=-1e-9, low=-0.01, high=0.01), None, names)


def test_swapping_sides_mirrors_the_answer() -> None:
    a, b = pairs(50, 20, 3, 10)
    there, back = paired_difference(a, b), paired_difference(b, a, names=("B", "A"))
    assert back.difference.value == pytest.approx(-there.difference.value)
    assert back.difference.low == pytest.approx(-there.difference.high)
    assert back.verdict == there.verdict


def test_seeds_by_hand() -> None:
    found = seeds_difference([0.9, 0.8], [0.5, 0.6], paired=False)
    # standard error sqrt(0.005 / 2 * 2) = 0.0707, t(0.975, 2) = 4.3027
    assert found.difference.value == pytest.approx(0.3)
    assert found.difference.low == pytest.approx(0.3 - 4.3027 * 0.005**0.5, abs=1e-4)
    assert "No difference" in found.verdict
    together = seeds_difference([0.9, 0.8, 0.7], [0.5, 0.4, 0.3], paired=True)
    assert together.verdict == "A is better by 40.0 points [40.0, 40.0]"
    assert seeds_difference([0.5, 0.5], [0.5, 0.5]).verdict == "No difference seen: 0.0 points [0.0, 0.0]"


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match="no test images"):
        paired_difference([], [])
    with pytest.raises(DataError, match="no test images"):
        unpaired_difference(0, 0, 1, 2)
    with pytest.raises(ValueError, match="equal lengths"):
        paired_difference([True], [True, False])
    with pytest.raises(ValueError, match="equal lengths"):
        seeds_difference([0.1, 0.2], [0.1, 0.2, 0.3], paired=True)
    with pytest.raises(SettingsError, match="two runs a side"):
        seeds_difference([0.1], [0.1, 0.2])

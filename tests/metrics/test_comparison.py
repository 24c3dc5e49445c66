import numpy as np
import pytest

from core.errors import DataError, SettingsError
from core.metrics.comparison import paired_difference, seeds_difference, unpaired_difference


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


def test_of_many_comparisons_each_has_a_wider_interval() -> None:
    alone, one_of_ten = (paired_difference(*pairs(140, 20, 8, 32), comparisons=count) for count in (1, 10))
    assert one_of_ten.difference.value == alone.difference.value
    assert one_of_ten.difference.low < 0 < alone.difference.low
    assert one_of_ten.verdict.startswith("No difference seen: +6.0 points [")
    # 99.5 %: Wilson's limits and the correlation as at 95 %, with 2.807 for 1.960.
    width = one_of_ten.difference.high - one_of_ten.difference.low
    assert width / (alone.difference.high - alone.difference.low) == pytest.approx(2.807 / 1.960, rel=0.02)


def test_where_nothing_differs_the_interval_says_so_often_enough() -> None:
    """The rate of false claims, with few images that differ: what the verdict rests on."""
    generator = np.random.default_rng(1)
    for images, differing in ((18, 0.3), (40, 0.1), (300, 0.05)):
        cells = generator.multinomial(images, [0.6, differing / 2, differing / 2, 0.4 - differing], size=400)
        claimed = sum("better" in paired_difference(*pairs(*one)).verdict for one in cells)
        assert claimed / 400 < 0.08, (images, differing)


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
    assert together.verdict == (
        "Too early to say (every seed gave the same difference): +40.0 points [40.0, 40.0] so far"
    )
    five = seeds_difference([0.9, 0.8, 0.7, 0.9, 0.8], [0.5, 0.4, 0.3, 0.5, 0.4], paired=True)
    assert five.verdict == "A is better by 40.0 points [40.0, 40.0]"
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

"""What may be said of a difference: one rule and one set of words for everything that is compared. Torch-free.

The interval decides, and nothing else. A sentence that names a winner beside an interval that holds zero, or none
beside one that does not, lets a reader doubt both. Where the best of several was picked, or several are compared, the
interval itself is made wider (`comparison.paired_difference`), so that the rule stays the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.metrics.report import Interval
from core.words import number

Judgement = Literal["helps", "hurts", "no difference", "too early"]
ENOUGH_SEEDS = 5  # that all agree to the last digit


@dataclass(frozen=True, kw_only=True)
class DifferenceScale:
    """How differences of one kind are written. Smaller ones than ``least`` look like none, so they are called none."""

    unit: str
    least: float
    write: Callable[[float], str]  # its size, without the unit


POINTS = DifferenceScale(
    unit=" points", least=0.0005, write=lambda share: number(100 * share)
)  # of shares, 0-1
PLAIN = DifferenceScale(unit="", least=0.0, write=lambda value: f"{value:.3g}".replace("-", "−"))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One thing against another. ``gain`` > 0: the first is better; None where nothing can be compared yet."""

    judgement: Judgement
    gain: Interval | None
    sentence: str


def judged(gain: Interval, least: float = POINTS.least) -> Judgement:
    """Read the interval of a difference: all of it above zero helps, all of it below hurts.

    ``least``: what is smaller counts as zero, in the unit of ``gain``.
    """
    if gain.low > 0 and gain.low >= least:
        return "helps"
    return "hurts" if gain.high < 0 and -gain.high >= least else "no difference"


def effect(gain: Interval, scale: DifferenceScale = POINTS) -> Verdict:
    """Say whether something helps: "Helps: +5.0 points [2.1, 7.9]"."""
    judgement = judged(gain, scale.least)
    words = {"helps": "Helps", "hurts": "Hurts"}.get(judgement, "No difference seen")
    return Verdict(judgement=judgement, gain=gain, sentence=f"{words}: {written(gain, scale)}")


def rivals(gain: Interval, names: tuple[str, str], scale: DifferenceScale = POINTS) -> Verdict:
    """Say which of two is better, the first for a positive ``gain``: "A is better by 5.0 points [2.1, 7.9]"."""
    judgement = judged(gain, scale.least)
    if judgement == "no difference":
        return Verdict(judgement=judgement, gain=gain, sentence=f"No difference seen: {written(gain, scale)}")
    name, size = (names[0], gain) if judgement == "helps" else (names[1], turned(gain))
    text = f"{name} is better by {written(size, scale, sign=False)}"
    return Verdict(judgement=judgement, gain=gain, sentence=text)


def unripe(gain: Interval | None, seeds: int, planned: int = 0) -> str:
    """Say why a difference over ``seeds`` cannot be judged yet; "" where it can be.

    Whoever looks again and again while results come in sees luck for more than it is: nothing is judged before the last
    of the ``planned`` seeds (0: as many as there are). Few coarse measurements that fell on the same step would give an
    interval without width, which claims to be sure.
    """
    if gain is None or seeds < 2:
        return "one seed cannot tell a difference from luck"
    if seeds < planned:
        return f"{seeds} of {planned} seeds are done"
    return (
        "every seed gave the same difference" if gain.low == gain.high != 0 and seeds < ENOUGH_SEEDS else ""
    )


def early(gain: Interval | None, because: str, scale: DifferenceScale = POINTS) -> Verdict:
    """Say that it is too early, and ``because`` (`unripe`): "Too early to say (2 of 5 seeds are done): …"."""
    so_far = "" if gain is None else f": {written(gain, scale)} so far"
    return Verdict(judgement="too early", gain=gain, sentence=f"Too early to say ({because}){so_far}")


def turned(gain: Interval) -> Interval:
    """Give the same difference the other way round."""
    return Interval(value=-gain.value, low=-gain.high, high=-gain.low)


def written(gain: Interval, scale: DifferenceScale = POINTS, *, sign: bool = True) -> str:
    """Write a difference with its interval: "+5.0 points [2.1, 7.9]"."""
    value, low, high = (scale.write(one) for one in (gain.value, gain.low, gain.high))
    plus = "+" if sign and gain.value > 0 and any(digit in value for digit in "123456789") else ""
    return f"{plus}{value}{scale.unit} [{low}, {high}]"

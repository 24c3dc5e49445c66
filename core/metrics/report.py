"""The figures of one evaluation, as plain values. Torch-free."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A value with its 95 % interval, all on the 0-1 scale unless said otherwise."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """Give the same interval in another unit: ``times(100)`` in percent."""
        return Interval(value=factor * self.value, low=factor * self.low, high=factor * self.high)


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """Precision, recall and F1 of one class (0-1; 0 where undefined) and how many test images it has.

    None for a class without test images: nothing was measured.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    count: int


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Test images whose top probability lies in (low, high]: their mean confidence and accuracy."""

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True, kw_only=True)
class ClassificationReport:
    """What `classification.report` computes from probabilities and labels."""

    accuracy: Interval  # Wilson
    top5: float | None  # None with five classes or fewer
    chance: float  # accuracy of always naming the most frequent test class
    macro_precision: float
    macro_recall: float
    macro_f1: float
    classes: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]  # [true][predicted]
    expected_calibration_error: float  # 15 equal-width bins, Guo et al. 2017 (arXiv 1706.04599)
    reliability: tuple[ReliabilityBin, ...]
    count: int
    caveats: tuple[str, ...] = ()  # sentences about the data without which the figures mislead


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One result minus another, its 95 % interval, and what that means in plain words."""

    names: tuple[str, str]
    difference: Interval  # first minus second, on the 0-1 scale
    paired: bool  # on the same test images (or the same seeds)
    count: int  # test images, or seeds, of the smaller side
    method: str  # how it was computed, with its source
    verdict: str  # of `verdict.rivals`: "No difference seen: +0.8 points [−2.1, 3.6]"

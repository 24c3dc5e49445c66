"""What is asked of the advisor and what it answers, as plain values. Torch-free."""

from dataclasses import dataclass
from typing import Literal

from core import errors
from core.advice.tasks import (
    DIFFERENCES,
    IMAGINGS,
    SIMILARITIES,
    Imaging,
    Similarity,
    TaskDifference,
)
from core.metrics.report import Interval

Quadrant = Literal["small-similar", "small-different", "large-similar", "large-different"]
Basis = Literal["described", "measured", "probed"]

MOST_IMAGES = 10_000_000
MOST_CLASSES = 10_000
HINDSIGHT = "best-in-hindsight"  # the name of the policy that takes the best single depth of all
BETWEEN = "always-"  # how names of policies begin that always take one of the depths between the ends


@dataclass(frozen=True, kw_only=True)
class Description:
    """A task in a person's own words. None: "I don't know", which widens the answer."""

    per_class: int  # training images of each class, about
    classes: int
    similarity: Similarity | None = None
    difference: TaskDifference | None = None
    imaging: Imaging | None = None

    def __post_init__(self) -> None:
        errors.within("Images per class", self.per_class, 2, MOST_IMAGES)
        errors.within("Classes", self.classes, 2, MOST_CLASSES)
        for name, value, known in (
            ("similarity", self.similarity, SIMILARITIES),
            ("difference", self.difference, DIFFERENCES),
            ("imaging", self.imaging, IMAGINGS),
        ):
            if value is not None:
                errors.one_of(name, value, known)

    @property
    def images(self) -> int:
        """Training images in all."""
        return self.per_class * self.classes


@dataclass(frozen=True, kw_only=True)
class StageMeasures:
    """How the target's training images look from behind one stage of the pretrained network.

    ``frechet`` compares pooled features with those of the source's images: known for the built-in network only.
    ``probe`` is cross-validated on the training images, None where nobody asked for it (it takes seconds).
    """

    stage: str
    frechet: Interval | None  # squared Fréchet distance per channel, in variances of the source; 0 = alike
    neighbours: Interval  # accuracy of leave-one-out k-NN votes, 0-1
    logme: Interval  # nats per image above what the labels' frequencies alone give; 0: nothing
    h_score: Interval  # share of the most that it can be (classes - 1), 0-1
    probe: Interval | None = None  # accuracy, 0-1


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Measured on the training images of a task, without training anything."""

    backbone: str
    stages: tuple[StageMeasures, ...]
    images: int  # looked at
    classes: int
    per_class: int  # training images of each class that the task has (median)
    chance: float  # accuracy of always naming the most frequent class
    seconds: dict[str, float]  # by phase: "features", "frechet", "neighbours", "scores", "probe"


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A measured task that the advice leans on."""

    task: str  # of `tasks.TASKS`
    per_class: int | None  # None: all
    weight: float  # of all neighbours 1 together


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is expected of one arm (`sweep_config.Arm.name`)."""

    arm: str
    accuracy: Interval  # 0-1; low and high enclose 80 %
    behind: Interval  # how much less than the best arm of the same task, in accuracy, >= 0; 80 %
    seconds: float | None  # at this machine's pace as measured, None where unknown
    best_share: (
        float  # of the weighted neighbours, in which this arm was best or could not be told from the best
    )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The textbook rule for a quadrant that the task may lie in, its sources, and how the advice stands to it."""

    kind: Similarity  # of pictures, for which it speaks; what lies between counts as different
    quadrant: Quadrant
    says: str  # one sentence
    arm: str  # what it amounts to for this network
    citation: str
    disputed: str  # "" or who says otherwise, with citation
    departs: (
        str  # "" or one sentence: what the advice does otherwise, and what the rule is expected to give away
    )


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Another way that may suit, and what it risks."""

    arm: str
    when: str  # one sentence: when to prefer it
    risk: str  # one sentence, with the figure


@dataclass(frozen=True, kw_only=True)
class Advice:
    """How deep to freeze, how to train, what to expect, and what the answer rests on."""

    backbone: str
    stages: tuple[str, ...]
    basis: Basis
    arm: str  # what is advised
    strategy: str  # of `STRATEGIES`
    freeze_depth: int
    learning_rate: float
    epochs: int
    augmentation: str  # one sentence, with why
    regularisation: str  # one sentence, with why
    outlooks: tuple[Outlook, ...]  # of all arms, 0 … K
    best: str  # the arm that is expected to do best; the advised one is cheaper where that loses next to nothing
    indistinguishable: tuple[str, ...]  # arms that cannot be told from the best
    neighbours: tuple[Neighbour, ...]  # measured tasks that stand out as near; empty where none does
    # How alike everyday photographs the pictures are, as far as anybody said: it decides the place in the chart and the
    # rules. None: nobody did, and no measure tells (see `advisor.kind_of`).
    kind: Similarity | None
    rules: tuple[Rule, ...]  # one, or for an unknown kind that of either
    changes: tuple[str, ...]  # what would change the advice, a sentence each
    alternatives: tuple[Alternative, ...]
    outside: float  # how far the task is from everything measured, 1: as far as a typical new data set
    warning: str  # "" or one sentence, where `outside` says that nobody measured anything like it

    @property
    def outlook(self) -> Outlook:
        """What is expected of the advised arm."""
        return next(one for one in self.outlooks if one.arm == self.arm)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One way to choose a depth, judged on tasks that it had not seen."""

    name: str
    title: str
    what: str  # one sentence
    regret: (
        Interval  # mean over tasks of best minus chosen accuracy, in points (0-100); 95 % bootstrap interval
    )
    percentile_90: Interval
    fair_regret: Interval  # mean, with the best arm picked on other seeds than those it is judged on
    worst: float
    worst_task: str
    worst_per_class: int | None  # None: all
    cost: float  # mean seconds of the chosen arm, of those of training everything


@dataclass(frozen=True, kw_only=True)
class Record:
    """How good the advice is, leave one data set out, for one network."""

    backbone: str
    policies: tuple[Policy, ...]
    tasks: int  # data sets
    cells: int  # data set × images per class
    runs: int
    covered: Interval  # share of measured accuracies inside the stated 80 % range

"""Pretrained networks side by side on one task, and how sure their order is. Torch-free."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry
from core.interpretation.specificity_report import Reading
from core.metrics.comparison import paired_difference
from core.metrics.report import Interval
from core.metrics.verdict import judged
from core.words import listed, percent

RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network that may be chosen: its name in the catalogue, and where its weights come from."""

    name: str
    weights: str = "pretrained"  # or the path of a file

    @property
    def key(self) -> str:
        """What tells it from others: one network may stand there with several weights."""
        return self.name if self.weights == "pretrained" else f"{self.name}/{self.weights}"


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Milliseconds for one image on this machine, one forward pass: median over batches, and quartiles."""

    median: float
    low: float
    high: float
    batch: int  # images at once
    threads: int


@dataclass(frozen=True, kw_only=True, eq=False)
class TransferScores:
    """What features of some images say about how well a network will transfer, without a training run."""

    probe: Reading  # cross-validated
    neighbours: Reading  # leave-one-out votes
    logme: Interval  # above the labels' own; nats
    h_score: Interval  # share of the most that it can be (classes - 1), 0-1


@dataclass(frozen=True, kw_only=True)
class Examining:
    """Which network is being looked at, and how far the whole is (0-1)."""

    candidate: Candidate
    share: float
    doing: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Examined:
    """What one network makes of the task. All networks see the same images in the same order."""

    candidate: Candidate
    title: str
    image_size: int  # pixels, that it sees
    last: str  # name of the last stage
    best: str  # and of the stage whose neighbours vote best; the probe had no say in that
    probe: Reading  # cross-validated linear probe on the last stage
    probe_best: Reading  # on the best one
    neighbours: Interval  # k-NN on the last stage, 0-1
    neighbours_best: Interval
    logme: Interval  # on the last stage, above the labels' own; nats
    h_score: Interval  # on the last stage, share of the most that it can be (classes - 1), 0-1
    parameters: int  # all but the head, which is replaced anyway
    megabytes: float  # of those parameters and their buffers in float32
    pace: Pace
    seconds: float  # that looking at it took


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A network that could not be looked at, and why, in one sentence."""

    candidate: Candidate
    why: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """All networks, best probe first. ``best_share`` says in how many resamples of the images each came first."""

    examined: tuple[Examined, ...]
    left_out: tuple[LeftOut, ...]
    best_share: tuple[float, ...]  # of each in ``examined``; 1 together
    level: tuple[str, ...]  # titles of those that cannot be told from the first, without it
    images: int
    classes: int
    chance: float

    @property
    def advised(self) -> Examined | None:
        """Which to take (`sure`): not always the first. None where there is none."""
        if not self.examined:
            return None
        return self.examined[
            sure(
                [one.probe.right for one in self.examined],
                [catalogue.entry(one.candidate.name) for one in self.examined],
            )
        ]

    @property
    def front(self) -> tuple[int, ...]:
        """Numbers of those that no other beats in both accuracy and time, from the fastest to the slowest."""
        order = sorted(
            range(len(self.examined)),
            key=lambda one: (self.examined[one].pace.median, -self.examined[one].probe.accuracy.value),
        )
        kept: list[int] = []
        for one in order:
            value = self.examined[one].probe.accuracy.value
            if not kept or value > self.examined[kept[-1]].probe.accuracy.value:
                kept.append(one)
        return tuple(kept)

    @property
    def says(self) -> str:
        """How sure the order is, in one sentence."""
        if not self.examined:
            return "No network could be measured."
        first, share = self.examined[0], self.best_share[0]
        if len(self.examined) == 1:
            return f"Only {first.title} is at hand, so there is nothing to rank."
        start = f"{first.title} comes first in {percent(share, 0)} of resamples of these {self.images} images"
        if not self.level:
            return f"{start}, and is better than each of the others beyond chance."
        return f"{start}; it cannot be told apart from {listed(self.level)}."


def compared(
    examined: Sequence[Examined], left_out: Sequence[LeftOut], labels: NDArray[np.int64], *, seed: int = 0
) -> Comparison:
    """Rank ``examined`` by the probe on the last stage, and say how sure that is.

    The images are resampled with replacement and every network's answers to them counted again. That asks how the
    order depends on which images were tested; the probes themselves are not refitted. Here copies do no harm, since
    each answer was given without the image. Pairs are told apart by the interval of
    their difference, wide enough for all rivals together.
    """
    order = sorted(examined, key=lambda one: -one.probe.accuracy.value)
    first = order[0] if order else None
    rivals = order[1:]
    level = tuple(
        one.title
        for one in rivals
        if first is not None and _level(first.probe.right, one.probe.right, len(rivals))
    )
    return Comparison(
        examined=tuple(order),
        left_out=tuple(left_out),
        best_share=best_shares([one.probe.right for one in order], seed=seed),
        level=level,
        images=len(labels),
        classes=len(np.unique(labels)),
        chance=float(np.bincount(labels).max() / len(labels)),
    )


def short_title(name: str) -> str:
    """Title of the catalogue's ``name`` without what stands in brackets: where several stand side by side."""
    return catalogue.entry(name).title.split(" (", maxsplit=1)[0]


def strength(entry: BackboneEntry) -> tuple[int, float]:
    """How strong a network is on its source task, for comparisons: more classes first, then accuracy as stated.

    What nobody states counts as weak: such a network is taken where it is surely better on the pictures themselves.
    """
    return entry.source_classes, entry.accuracy or 0.0


def sure(right: Sequence[NDArray[np.bool_]], entries: Sequence[BackboneEntry]) -> int:
    """Which network to take, given each one's right answers (N,) to the same images.

    A cross-validated probe on a few hundred images is off by points, so that the best of several is often not the
    best. Of those that cannot be told from it the one that is strongest on its source task is taken.
    """
    hits = [int(row.sum()) for row in right]
    best = max(range(len(right)), key=lambda one: (hits[one], strength(entries[one])))
    level = [
        one for one in range(len(right)) if one == best or _level(right[best], right[one], len(right) - 1)
    ]
    return max(level, key=lambda one: (strength(entries[one]), hits[one]))


def _level(first: NDArray[np.bool_], other: NDArray[np.bool_], rivals: int) -> bool:
    """Whether chance alone may explain that ``first`` is right more often; one of so many ``rivals`` is asked."""
    return judged(paired_difference(first, other, comparisons=rivals).difference) == "no difference"


def best_shares(right: Sequence[NDArray[np.bool_]], *, seed: int = 0) -> tuple[float, ...]:
    """In which share of resamples of the images each row (N,) of right answers has most of them; ties are shared."""
    if not right:
        return ()
    answers = np.stack(right).astype(np.float64)  # (networks, N)
    images = answers.shape[1]
    random = np.random.default_rng(seed)
    times = random.multinomial(images, np.full(images, 1 / images), size=RESAMPLES)  # (RESAMPLES, N)
    hits = answers @ times.T  # (networks, RESAMPLES), whole numbers
    top = hits == hits.max(axis=0)
    return tuple(float(value) for value in (top / top.sum(axis=0)).mean(axis=1))

"""Train plain, residual and half-residual networks of several depths; then damage them, and the built-in backbone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.datasets.open import open_dataset
from core.datasets.splits import split
from core.events import Event, Note, Progress
from core.techniques.descent import descend
from core.techniques.events import Colour, Line, Lines, Panel, Score
from core.techniques.panels import half_width
from core.techniques.residual_learning import built_in
from core.techniques.residual_learning.entry import ResidualLearningSettings
from core.techniques.residual_learning.network import ShortcutKind, Stack, gradient_norms, without
from core.techniques.runner import Events, each_seed, within, working

SIDE = 8
TEST_IMAGES = 400
# He et al. 2016, section 4.2, took batches of 128 at rate 0.1; a smaller batch takes a rate smaller by as much
# (Goyal et al. 2017, arXiv 1706.02677).
BATCH, MOMENTUM, DECAY = 50, 0.9, 1e-4
RATE = 0.1 * BATCH / 128
KINDS: tuple[ShortcutKind, ...] = ("residual", "plain", "halved")
TITLES: dict[ShortcutKind, str] = {"residual": "Residual", "plain": "Plain", "halved": "Halved shortcut"}
COLOURS: dict[ShortcutKind, Colour] = {"residual": "method", "plain": "baseline", "halved": "control"}
SEEDS_DONE = 0.93  # share of the whole that all seeds take together
DRAWS = 6  # random ways to damage a network, of which the mean is shown
SWAPS = (0, 1, 2, 4, 8)


@dataclass(frozen=True, kw_only=True, eq=False)
class Digits:
    """Training and test digits, (N, 1, 8, 8) in 0-1, and their classes."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor


@dataclass(kw_only=True)
class Autopsy:
    """What the panels show: by kind, one row a seed."""

    gradients: dict[ShortcutKind, list[list[float]]] = field(default_factory=dict)
    deleted: dict[ShortcutKind, list[list[float]]] = field(default_factory=dict)
    swapped: dict[ShortcutKind, list[list[float]]] = field(default_factory=dict)


def depths(blocks: int) -> list[int]:
    """Numbers of blocks to try: one, a quarter, half and all of ``blocks``."""
    return sorted({1, max(1, blocks // 4), max(1, blocks // 2), blocks})


def run(settings: ResidualLearningSettings) -> Iterator[Event]:
    """Run the experiment, seed by seed; the built-in backbone comes last."""
    yield Progress(done=0.0, phase="Reading the digits")
    curves = Autopsy()
    yield from each_seed(settings, partial(_one_seed, settings, curves), end=SEEDS_DONE)
    yield from _remarks(curves)
    yield from within(SEEDS_DONE, 1.0, built_in.damaged())


def _digits(settings: ResidualLearningSettings, seed: int) -> Digits:
    parts = split(open_dataset("digits", side=SIDE), per_class=None, seed=seed)
    random = np.random.default_rng(seed)
    train = parts.train.subset(random.permutation(len(parts.train))[: settings.images])
    test = parts.test.subset(random.permutation(len(parts.test))[:TEST_IMAGES])
    return Digits(
        train=torch.from_numpy(train.images[..., 0] / np.float32(255))[:, None],
        train_labels=torch.from_numpy(train.labels),
        test=torch.from_numpy(test.images[..., 0] / np.float32(255))[:, None],
        test_labels=torch.from_numpy(test.labels),
    )


def _one_seed(settings: ResidualLearningSettings, curves: Autopsy, seed: int) -> Events:
    digits = _digits(settings, seed)
    all_depths = depths(settings.blocks)
    work, whole = 0, len(KINDS) * sum(all_depths)
    for blocks in all_depths:
        for kind in KINDS:
            network = Stack(kind, blocks, seed)
            doing = f"{TITLES[kind].lower()}, {network.layers} layers"
            learning = working(doing, train(network, digits, epochs=settings.epochs, seed=seed))
            yield from within(work / whole, (work + blocks) / whole, learning)
            work += blocks
            learned = accuracy(network, digits.train, digits.train_labels)
            tested = accuracy(network, digits.test, digits.test_labels)
            x = float(network.layers)
            yield Score(arm=kind, seed=seed, x=x, value=1 - learned, quantity="training-error")
            yield Score(arm=kind, seed=seed, x=x, value=tested, quantity="accuracy")
            if blocks == max(1, settings.blocks // 2):
                _damage(network, kind, digits, seed, curves)
    for kind in KINDS:
        fresh = Stack(kind, settings.blocks, seed)  # as it was before training
        norms = gradient_norms(fresh, digits.train[: 2 * BATCH], digits.train_labels[: 2 * BATCH])
        curves.gradients.setdefault(kind, []).append(norms)
    yield from _panels(settings, curves)


def train(network: Stack, digits: Digits, *, epochs: int, seed: int) -> Iterator[float]:
    """Train in place by SGD with momentum; yields the share done. The order of the digits is the seed's."""

    def loss(some: Tensor) -> Tensor:
        return functional.cross_entropy(network(digits.train[some]), digits.train_labels[some])

    optimiser = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    network.train()
    yield from descend(optimiser, loss, len(digits.train), batch=BATCH, epochs=epochs, seed=seed)
    network.eval()


@torch.no_grad()
def accuracy(network: Stack, digits: Tensor, labels: Tensor, order: list[int] | None = None) -> float:
    """Share of right answers, with the blocks in ``order``."""
    return float((network(digits, order).argmax(dim=1) == labels).float().mean())


def _damage(network: Stack, kind: ShortcutKind, digits: Digits, seed: int, curves: Autopsy) -> None:
    """Leave blocks out, or let them change places: means over several random choices."""
    random = np.random.default_rng(seed)
    blocks = len(network.blocks)

    def mean(orders: list[list[int]]) -> float:
        return float(np.mean([accuracy(network, digits.test, digits.test_labels, order) for order in orders]))

    curves.deleted.setdefault(kind, []).append(
        [
            mean([without(blocks, set(random.permutation(blocks)[:count].tolist())) for _ in range(DRAWS)])
            for count in range(blocks + 1)
        ]
    )
    curves.swapped.setdefault(kind, []).append(
        [mean([swapped(blocks, count, random) for _ in range(DRAWS)]) for count in SWAPS]
    )


def swapped(blocks: int, count: int, random: np.random.Generator) -> list[int]:
    """Let ``count`` random pairs of blocks change places, one pair after the other."""
    order = list(range(blocks))
    for _ in range(count if blocks > 1 else 0):
        first, second = random.choice(blocks, 2, replace=False)
        order[first], order[second] = order[second], order[first]
    return order


def _panels(settings: ResidualLearningSettings, curves: Autopsy) -> Iterator[Panel]:
    half = max(1, settings.blocks // 2)
    yield Panel(
        name="gradients",
        title=f"Gradients before training, {2 * settings.blocks + 2} layers",
        caption=(
            "How strongly the loss pulls at the weights of each block, before the first step. Bands are 95 % "
            "intervals over seeds."
        ),
        drawing=Lines(
            x_title="Block, from the input",
            y_title="Size of the gradient",
            lines=tuple(
                _line(kind, range(1, settings.blocks + 1), rows) for kind, rows in curves.gradients.items()
            ),
            logarithmic_y=True,
        ),
    )
    yield Panel(
        name="deleted",
        title=f"Leave blocks out after training, {2 * half + 2} layers",
        caption=(
            "Nothing is trained again. Veit et al. 2016 (arXiv 1605.06431, figures 3 and 5) found that residual "
            "networks lose accuracy little by little and plain ones at once."
        ),
        drawing=Lines(
            x_title="Blocks left out",
            y_title="Accuracy on test images",
            lines=tuple(_line(kind, range(half + 1), rows) for kind, rows in curves.deleted.items()),
            share=True,
        ),
    )
    yield Panel(
        name="swapped",
        title=f"Let blocks change places after training, {2 * half + 2} layers",
        caption="Random pairs, one after the other; nothing is trained again (Veit et al. 2016, figure 5b).",
        drawing=Lines(
            x_title="Pairs that changed places",
            y_title="Accuracy on test images",
            lines=tuple(_line(kind, SWAPS, rows) for kind, rows in curves.swapped.items()),
            share=True,
        ),
    )


def _remarks(curves: Autopsy) -> Iterator[Note]:
    """What the panels say, in numbers."""
    fading = {kind: np.mean([row[0] / row[-1] for row in curves.gradients[kind]]) for kind in KINDS}
    yield Note(
        message=(
            "Before training, the first block's gradient is "
            f"{fading['plain']:.1f} times the last one's in the plain network, {fading['residual']:.1f} times in the "
            f"residual one and {fading['halved']:.1f} times with halved shortcuts."
        )
    )
    left = {kind: 100 * np.mean(curves.deleted[kind], axis=0) for kind in KINDS}  # (blocks + 1,) each
    yield Note(
        message=(
            f"With one block left out, accuracy goes from {left['residual'][0]:.1f} to {left['residual'][1]:.1f} % in "
            f"the residual network and from {left['plain'][0]:.1f} to {left['plain'][1]:.1f} % in the plain one."
        )
    )


def _line(kind: ShortcutKind, x: range | tuple[int, ...], rows: list[list[float]]) -> Line:
    """Mean over seeds with its t interval."""
    values = np.array(rows)  # (seeds, places)
    mean = values.mean(axis=0)
    half = half_width(values)
    # No size and no share is negative, and the smallest value seen bounds what a logarithmic axis can show.
    low, high = np.maximum(mean - half, np.minimum(values.min(axis=0), mean)), mean + half
    return Line(
        name=TITLES[kind],
        colour=COLOURS[kind],
        x=[float(place) for place in x],
        y=mean.tolist(),
        low=low.tolist(),
        high=high.tolist(),
        dashed=kind == "halved",
    )

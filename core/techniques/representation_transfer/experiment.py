"""Copy n layers, freeze or train them, and train the rest: Yosinski et al. 2014 (arXiv 1411.1792), in small."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor

from core.arrays import Floats, Labels, Maps
from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.open import open_dataset
from core.datasets.splits import split
from core.events import Event, Note, Progress
from core.interpretation import yosinski
from core.metrics.similarity import linear_cka
from core.techniques.events import Colour, Grid, Line, Lines, Panel, Score
from core.techniques.report import Report
from core.techniques.representation_transfer.entry import TECHNIQUE, RepresentationTransferSettings
from core.techniques.representation_transfer.network import (
    LAYERS,
    LayeredNetwork,
    copy_layers,
    stitch,
    stitched,
    train,
)
from core.techniques.runner import Events, each_seed, within, working
from core.words import count

SIDE = 16  # pixels
PATCHES, DIGITS = "everyday-patches", "digits"
SOURCE_PER_CLASS = 60  # pictures of each class of task A
STITCHED_SEEDS = 2  # stitching takes as long as the rest
DEPTHS = range(1, LAYERS + 1)
COLOURS: dict[str, Colour] = {"AnB+": "fire", "AnB": "gold", "BnB+": "teal", "BnB": "violet"}
JOBS = 3 + 5 * LAYERS  # trainings of a seed: three networks, and five arms for every n


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassTask:
    """Pictures (N, 3, S, S), scaled to -1 … 1, and classes (N,) from 0."""

    pictures: Tensor
    labels: Tensor
    classes: int

    @classmethod
    def of(cls, part: LabelledImages, classes: Labels) -> "ClassTask":
        """Keep the pictures of ``classes``, numbered anew in that order."""
        place = np.full(int(part.labels.max()) + 1, -1)
        place[classes] = np.arange(len(classes))
        kept = np.flatnonzero(place[part.labels] >= 0)
        images = torch.from_numpy(part.images[kept]).permute(0, 3, 1, 2)
        return cls(
            pictures=images.float() / 127.5 - 1,
            labels=torch.from_numpy(place[part.labels[kept]]),
            classes=len(classes),
        )


@dataclass(kw_only=True)
class Compared:
    """What the grids show, one matrix a seed: by layers of A and of B, and by bottom and n."""

    cka: list[Floats] = field(default_factory=list)
    stitched: list[Floats] = field(default_factory=list)


def run(settings: RepresentationTransferSettings) -> Iterator[Event]:
    """Run the experiment, seed by seed."""
    yield Progress(done=0.0, phase="Cutting the photographs")
    patches = open_dataset(PATCHES, side=SIDE)
    digits = open_dataset(DIGITS, side=SIDE) if settings.source == "dissimilar" else None
    yield _published()
    yield from between(settings, patches, digits)


def between(
    settings: RepresentationTransferSettings, dataset: ImageDataset, digits: ImageDataset | None = None
) -> Iterator[Event]:
    """Run it with halves of ``dataset``'s classes; with ``digits``, those are task A."""
    compared, report = Compared(), Report(technique=TECHNIQUE)
    one_seed = partial(_one_seed, settings, dataset, digits, compared)
    yield from each_seed(settings, one_seed, report)
    yield from _remarks(report)


def tasks(
    settings: RepresentationTransferSettings, seed: int, dataset: ImageDataset, digits: ImageDataset | None
) -> tuple[ClassTask, ClassTask, ClassTask]:
    """Task A, task B, and B's test pictures. The halves are the seed's."""
    parts = split(dataset, per_class=settings.per_class, seed=seed)
    order = np.random.default_rng(seed).permutation(len(dataset.class_names))
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    task_b, test = ClassTask.of(parts.train, second), ClassTask.of(parts.test, second)
    if digits is None:
        return ClassTask.of(split(dataset, per_class=SOURCE_PER_CLASS, seed=seed).train, first), task_b, test
    classes = len(digits.class_names)
    written = split(digits, per_class=SOURCE_PER_CLASS * len(first) // classes, seed=seed).train
    return ClassTask.of(written, np.arange(classes)), task_b, test


def _one_seed(
    settings: RepresentationTransferSettings,
    dataset: ImageDataset,
    digits: ImageDataset | None,
    compared: Compared,
    seed: int,
) -> Events:
    task_a, task_b, test = tasks(settings, seed, dataset, digits)
    numbers = np.random.default_rng((seed, 1)).integers(2**31, size=4 + LAYERS).tolist()
    job = 0

    def trained(network: LayeredNetwork, task: ClassTask, frozen: int, seed: int, phase: str) -> Events:
        nonlocal job
        shares = train(network, task.pictures, task.labels, frozen=frozen, epochs=settings.epochs, seed=seed)
        yield from within(job / JOBS, (job + 1) / JOBS, working(phase, shares))
        job += 1

    whole = []
    for place, task in enumerate((task_a, task_b, task_b)):
        network = LayeredNetwork(settings.network, task.classes, numbers[place])
        yield from trained(network, task, 0, numbers[place], f"the network for task {'ABB'[place]}")
        whole.append(network)
    from_a, from_b, other_b = whole
    untrained = LayeredNetwork(settings.network, task_b.classes, numbers[3])
    base = _accuracy(from_b, test)
    for n in DEPTHS:
        yield Score(arm="base", seed=seed, x=n, value=base)
        for arm, source in (
            ("AnB", from_a),
            ("BnB", from_b),
            ("random", untrained),
            ("AnB+", from_a),
            ("BnB+", from_b),
        ):
            network = LayeredNetwork(settings.network, task_b.classes, numbers[3 + n])
            copy_layers(source, network, n)
            frozen = 0 if arm.endswith("+") else n
            yield from trained(network, task_b, frozen, numbers[3 + n], f"{arm}, n = {n}")
            yield Score(arm=arm, seed=seed, x=n, value=_accuracy(network, test))
    compared.cka.append(similarities(from_a, from_b, test.pictures))
    if seed < settings.first_seed + STITCHED_SEEDS:
        rows = []
        for bottom in (other_b, from_a, untrained):
            row = []
            for n in DEPTHS:
                yield Progress(done=1.0, phase=f"stitching behind layer {n}")
                joint = stitch(
                    bottom,
                    from_b,
                    n,
                    task_b.pictures,
                    task_b.labels,
                    epochs=settings.epochs,
                    seed=numbers[3 + n],
                )
                row.append(_accuracy(stitched(bottom, joint, from_b, n), test))
            rows.append(row)
        compared.stitched.append(np.array(rows))
    yield from _grids(compared)


@torch.no_grad()
def _accuracy(network: Callable[[Tensor], Tensor], test: ClassTask) -> float:
    scores = network(test.pictures)  # (N, classes)
    return float((scores.argmax(dim=1) == test.labels).float().mean())


@torch.no_grad()
def similarities(first: LayeredNetwork, second: LayeredNetwork, pictures: Tensor) -> Floats:
    """Debiased linear CKA of every layer of ``first`` (rows) with every layer of ``second``, pooled over positions."""

    def pooled(network: LayeredNetwork) -> list[Maps]:
        return [network.bottom(pictures, n).mean(dim=(2, 3)).numpy() for n in DEPTHS]  # (N, WIDTH) each

    right = pooled(second)
    values = [[linear_cka(a, b, debiased=True) for b in right] for a in pooled(first)]
    return np.array(values, dtype=np.float64)  # nan where a layer does not vary


def _grids(compared: Compared) -> Iterator[Panel]:
    layers = tuple(f"Layer {n}" for n in DEPTHS)
    yield Panel(
        name="cka",
        title="Do A's layers and B's layers see the same things?",
        caption=(
            "Linear CKA (arXiv 1905.00414, debiased) on B's test pictures, mean of "
            f"{count(len(compared.cka), 'seed')}. 1: the same up to rotation; 0: nothing in common."
        ),
        drawing=Grid(
            rows=tuple(f"A, layer {n}" for n in DEPTHS),
            columns=tuple(f"B, layer {n}" for n in DEPTHS),
            values=np.mean(compared.cka, axis=0).tolist(),
            low=0.0,
            high=1.0,
        ),
    )
    if compared.stitched:
        yield Panel(
            name="stitching",
            title="Stitched: the lower layers of one network, the upper layers of B's",
            caption=(
                "Accuracy on task B; both halves are frozen, only one convolution of one pixel between them is trained "
                f"(Bansal et al. 2021, arXiv 2106.07682). Mean of {count(len(compared.stitched), 'seed')}."
            ),
            drawing=Grid(
                rows=("From another B", "From A", "From random"),
                columns=layers,
                values=np.mean(compared.stitched, axis=0).tolist(),
                x_title="Stitched behind",
                y_title="Lower layers",
                low=0.0,
                high=1.0,
                share=True,
            ),
        )


def _published() -> Panel:
    """The paper's own curves, beside ours."""
    lines = [
        Line(name=curve.name, colour=COLOURS[curve.name], x=curve.layers, y=curve.accuracy)
        for curve in yosinski.CURVES
    ]
    base = [yosinski.BASE] * len(yosinski.LAYERS)
    lines.append(Line(name="From scratch", colour="grey", x=yosinski.LAYERS, y=base, dashed=True))
    return Panel(
        name="published",
        title="The same experiment on ImageNet, as published",
        caption=(
            f"{yosinski.SOURCE}. Eight layers, random halves of 500 classes each. BnB dips in the middle, where layers "
            "had adapted to each other; AnB falls at the end, where layers are specific to their task."
        ),
        drawing=Lines(
            x_title="Layers copied, n", y_title="Accuracy on task B", lines=tuple(lines), share=True
        ),
    )


def _remarks(report: Report) -> Iterator[Note]:
    """What the numbers say beyond the verdict."""
    frozen = report.compare("AnB", "BnB", x=float(LAYERS)).sentence
    yield Note(message=f"Specific to the task: all {LAYERS} layers frozen, from A against from B. {frozen}.")
    middle = LAYERS // 2 + 1
    torn = report.compare("BnB", "base", x=float(middle)).sentence
    yield Note(message=f"Torn apart in the middle: BnB against from scratch at n = {middle}. {torn}.")
    longer = report.compare("AnB+", "BnB+").sentence
    yield Note(message=f"Not only longer training: AnB+ against BnB+ over all n. {longer}.")
    learned = report.compare("AnB", "random").sentence
    yield Note(message=f"Learned against random layers, both frozen, over all n. {learned}.")

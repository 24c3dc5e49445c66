"""Are early stages general and late ones specific? Measured on one data set, from one forward pass per network."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from core.datasets.assemble import content_hashes
from core.datasets.dataset import ImageDataset
from core.errors import DataError
from core.events import Progress
from core.interpretation import readout
from core.interpretation.quartiles import Quartiles, quartiles
from core.interpretation.side_by_side import side_by_side
from core.interpretation.specificity_report import (
    Reading,
    Readings,
    SpecificityReport,
    StageReading,
)
from core.interpretation.specimen import Specimen, as_map, batch_size
from core.metrics.similarity import linear_cka, pool

MOST_IMAGES = 600
SHUFFLES = 20  # deals of random labels that the control of the selectivity rests on
FEWEST_FOR_CKA = 4

AnyFloats = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """The images that are measured: ``images`` (N, S, S, 3) uint8, ``labels`` (N,) from 0.

    ``available`` counts the images that they were drawn from, ``duplicates`` those left out as exact copies.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    available: int
    duplicates: int


@dataclass(frozen=True, kw_only=True, eq=False)
class StageFeatures:
    """What a stage answers: means over positions (N, C), raw and of the positive part alone."""

    name: str
    channels: int
    pooled: NDArray[np.float32]
    positive: NDArray[np.float32]


def draw_sample(dataset: ImageDataset, most: int = MOST_IMAGES, seed: int = 0) -> Sample:
    """Draw at most about ``most`` images, as evenly over the classes as they allow, seeded.

    From the training part only: the test part stays unseen for whoever goes on to train. Exact copies are left
    out, since a copy in the other fold is an answer given away. Raises `DataError` for too few of a class.
    """
    labels = dataset.train.labels
    digests = content_hashes(dataset.train.images)
    unique = np.sort(np.unique(np.array([digest.hex() for digest in digests]), return_index=True)[1])
    random = np.random.default_rng(seed)
    members = [
        random.permutation(unique[labels[unique] == label]) for label in range(len(dataset.class_names))
    ]
    limit = _per_class([len(one) for one in members], most)
    chosen = np.sort(np.concatenate([one[:limit] for one in members]))
    sample = dataset.train.subset(chosen)
    readout.check(sample.labels, dataset.class_names)
    return Sample(
        images=sample.images,
        labels=sample.labels,
        class_names=dataset.class_names,
        available=len(unique),
        duplicates=len(labels) - len(unique),
    )


def _per_class(counts: list[int], most: int) -> int:
    """Find the largest cap per class that keeps the sum within ``most``; at least 2."""
    limit = 2
    while limit < max(counts, default=0) and sum(min(count, limit + 1) for count in counts) <= most:
        limit += 1
    return limit


def features(specimen: Specimen, images: NDArray[np.uint8]) -> Iterator[float | tuple[StageFeatures, ...]]:
    """Run images (N, S, S, 3) through all stages once. Yields the share done, and last what every stage answered."""
    table, size = specimen.backbone.table, batch_size(specimen.image_size)
    raw: list[list[NDArray[np.float32]]] = [[] for _ in table]
    positive: list[list[NDArray[np.float32]]] = [[] for _ in table]
    for start in range(0, len(images), size):
        with torch.inference_mode():
            answer = specimen.input(images[start : start + size])  # (B, 3, S, S)
            for number, stage in enumerate(table):
                answer = stage.module(answer)
                values = answer.float()
                # Copies: the next stage may work in place.
                raw[number].append(pool(values, stage.channels).numpy().copy())
                positive[number].append(pool(values.clamp(min=0), stage.channels).numpy().copy())
        yield min(start + size, len(images)) / len(images)
    yield tuple(
        StageFeatures(
            name=stage.name,
            channels=stage.channels,
            pooled=np.concatenate(raw[number]),
            positive=np.concatenate(positive[number]),
        )
        for number, stage in enumerate(table)
    )


def selectivity(responses: AnyFloats, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Class selectivity index of every channel: (C,), from 0 (no class is preferred) to 1 (one class only).

    ``responses`` (N, C) are mean activities, none negative. With the class means of a channel, (m_max - m_rest) /
    (m_max + m_rest), where m_max is the largest and m_rest the mean of the others: Morcos et al. 2018 (arXiv
    1803.06959). NaN for a channel that never answers.
    """
    present, places = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise DataError("Preferring a class needs at least two of them; add pictures of a second class.")
    member = places == np.arange(len(present))[:, None]  # (classes, N)
    means = member @ responses.astype(np.float64) / member.sum(axis=1, keepdims=True)  # (classes, C)
    most = means.max(axis=0)
    rest = (means.sum(axis=0) - most) / (len(present) - 1)
    total = most + rest
    return np.where(total > 0, (most - rest) / np.where(total > 0, total, 1.0), np.nan)


def shuffled_selectivity(
    responses: AnyFloats, labels: NDArray[np.int64], *, shuffles: int = SHUFFLES, seed: int = 0
) -> NDArray[np.float64]:
    """`selectivity` under random labels, (shuffles, C): what few images of each class give by luck alone."""
    random = np.random.default_rng(seed)
    return np.stack([selectivity(responses, random.permutation(labels)) for _ in range(shuffles)])


def measure(specimen: Specimen, control: Specimen, sample: Sample) -> Iterator[Progress | SpecificityReport]:
    """Measure every stage of ``specimen`` beside the same stage of ``control``, the architecture with random weights.

    Yields steps, and last the report. Nothing of either network is changed. Raises `DataError` for a sample with
    fewer than two classes, or than two images of one.
    """
    started = time.perf_counter()
    readout.check(sample.labels, sample.class_names)
    taken: list[tuple[StageFeatures, ...]] = []
    for number, network in enumerate((specimen, control)):
        for state in features(network, sample.images):
            if isinstance(state, tuple):
                taken.append(state)
            else:
                yield Progress(done=0.1 * (number + state), phase="One forward pass")
    trained, random = taken
    voters = readout.neighbours_for(sample.labels)
    rows = [np.asarray(stage.pooled, dtype=np.float64) for stage in (*trained, *random)]
    read: list[Readings] = []
    for told in readings(rows, sample.labels, voters):
        if isinstance(told, float):
            yield Progress(done=0.2 + 0.7 * told, phase="Reading the classes out of every stage")
        else:
            read = told
    yield Progress(done=0.95, phase="Comparing the stages")
    yield SpecificityReport(
        stages=tuple(
            StageReading(
                name=stage.name,
                channels=stage.channels,
                trained=read[number],
                random=read[len(trained) + number],
                selectivity=_quartiles(selectivity(stage.positive, sample.labels)),
                shuffled=_quartiles(shuffled_selectivity(stage.positive, sample.labels)),
                cka_random=_cka(stage.pooled, random[number].pooled),
            )
            for number, stage in enumerate(trained)
        ),
        cka=cka_matrix([stage.pooled for stage in trained]),
        images=len(sample.labels),
        classes=len(np.unique(sample.labels)),
        chance=float(np.bincount(sample.labels).max() / len(sample.labels)),
        voters=voters,
        seconds=time.perf_counter() - started,
    )


def readings(
    features: Sequence[NDArray[np.float64]], labels: NDArray[np.int64], voters: int
) -> Iterator[float | list[Readings]]:
    """Read every one of ``features`` (N, D) in both ways. Yields the share done, and last what was read."""
    everybody = np.arange(len(labels))
    pieces: list[Callable[[], readout.Answered]] = []
    owners: list[tuple[int, str]] = []  # whose answer each piece is
    for number, rows in enumerate(features):
        folds = readout.probe_folds(rows, labels)
        pieces += folds
        pieces.append(partial(_neighbours, rows, labels, voters, everybody))
        owners += [*[(number, "probe")] * len(folds), (number, "neighbours")]
    for told in side_by_side(pieces):
        if isinstance(told, float):
            yield told
            continue
        by_owner: dict[tuple[int, str], list[readout.Answered]] = defaultdict(list)
        for owner, answered in zip(owners, told, strict=True):
            by_owner[owner].append(answered)
        yield [
            Readings(
                probe=Reading(right=readout.together(len(labels), by_owner[number, "probe"])),
                neighbours=Reading(right=readout.together(len(labels), by_owner[number, "neighbours"])),
            )
            for number in range(len(features))
        ]


def _neighbours(
    rows: NDArray[np.float64], labels: NDArray[np.int64], voters: int, everybody: NDArray[np.intp]
) -> readout.Answered:
    return everybody, readout.neighbours(rows, labels, voters)


def activity(specimen: Specimen, picture: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """How strongly each stage answers where: mean magnitude over channels (h, w), by stage, of a picture (S, S, 3).

    Stages whose output has no positions left are not among them.
    """
    maps: dict[str, NDArray[np.float32]] = {}
    with torch.inference_mode():
        answer = specimen.input(picture)  # (1, 3, S, S)
        for stage in specimen.backbone.table:
            answer = stage.module(answer)
            if specimen.has_positions(stage.name):
                maps[stage.name] = as_map(answer.float())[0].abs().mean(dim=0).numpy().copy()
    return maps


def cka_matrix(stages: list[NDArray[np.float32]]) -> tuple[tuple[float | None, ...], ...]:
    """Debiased linear CKA of every pair of features (N, D): symmetric, 1 on the diagonal."""
    pairs: dict[tuple[int, int], float | None] = {}
    for row in range(len(stages)):
        for column in range(row, len(stages)):
            pairs[row, column] = pairs[column, row] = _cka(stages[row], stages[column])
    return tuple(tuple(pairs[row, column] for column in range(len(stages))) for row in range(len(stages)))


def _cka(x: AnyFloats, y: AnyFloats) -> float | None:
    return linear_cka(x, y, debiased=True) if len(x) >= FEWEST_FOR_CKA else None


def _quartiles(values: NDArray[np.float64]) -> Quartiles | None:
    known = values[np.isfinite(values)]
    return quartiles(known) if known.size else None

"""Which pretrained network suits a task? Each at hand is tried on the same images, without training it."""

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core import errors
from core.advice import similarity
from core.advice.candidates_report import (
    Candidate,
    Comparison,
    Examined,
    Examining,
    LeftOut,
    Pace,
    TransferScores,
    compared,
    short_title,
)
from core.advice.similarity import FeatureMatrix, Images
from core.arrays import Labels
from core.backbones import catalogue, stages, timm_catalogue, weights
from core.backbones.backbone import Backbone
from core.interpretation import readout
from core.interpretation.specificity import Sample
from core.interpretation.specificity_report import Reading
from core.interpretation.specimen import batch_size
from core.metrics import jackknife, transferability
from core.training import precision

MOST_IMAGES = 300
WARM_UP, TIMED = 2, 9  # batches
MOST_AT_ONCE = 8  # images a batch when timed; more hides what a single picture costs

CandidateEvent = Examining | Examined | LeftOut | Comparison


def at_hand(own: Sequence[Candidate] = ()) -> tuple[Candidate, ...]:
    """All networks that need no download: built in, downloaded before, and ``own`` weights by path."""
    names = (*catalogue.NAMES, *timm_catalogue.ENTRIES)
    return (*(Candidate(name=name) for name in names if weights.are_here(name)), *own)


def compare(
    candidates: Sequence[Candidate],
    images: Images,
    labels: Labels,
    class_names: Sequence[str],
    *,
    most: int = MOST_IMAGES,
    seed: int = 0,
) -> Iterator[CandidateEvent]:
    """Look at one network after the other; `Examined` or `LeftOut` for each, `Examining` between, last `Comparison`.

    ``images`` (N, S, S, 3) uint8, at least as large as the largest network wants them: each sees them at its own side.
    Raises `DataError` for fewer than two classes, or than two images of one, and `SettingsError` without candidates.
    """
    if not candidates:
        raise errors.SettingsError("There is no network to compare; choose at least one.")
    sample = similarity.sample_of(images, labels, class_names, most=most, seed=seed)
    done: list[Examined] = []
    left_out: list[LeftOut] = []
    for number, candidate in enumerate(candidates):
        try:
            for event in _examine(candidate, sample, seed):
                if isinstance(event, Examined):
                    done.append(event)
                    yield event
                else:
                    share, doing = event
                    yield Examining(
                        candidate=candidate, share=(number + share) / len(candidates), doing=doing
                    )
        except errors.LabError as error:
            left_out.append(LeftOut(candidate=candidate, why=str(error)))
            yield left_out[-1]
    yield compared(done, left_out, sample.labels, seed=seed)


def _examine(candidate: Candidate, sample: Sample, seed: int) -> Iterator[tuple[float, str] | Examined]:
    """Yield (share done, what comes next), and last what was found."""
    begin = time.perf_counter()
    entry = catalogue.entry(candidate.name)
    yield 0.0, "Loading"
    backbone = stages.build(candidate.name)
    weights.load_pretrained(backbone, candidate.weights)
    device = precision.choose_device("auto")
    backbone.eval().requires_grad_(False).to(device)
    size = entry.finetune_size  # what a run would let it see
    yield 0.05, "Timing"
    pace = timed(backbone, size)
    features: dict[str, list[FeatureMatrix]] = {stage.name: [] for stage in backbone.table}
    step = batch_size(size)
    for start in range(0, len(sample.images), step):
        yield 0.1 + 0.5 * start / len(sample.images), "Looking at the pictures"
        for name, rows in similarity.pooled(backbone, sample.images[start : start + step], size).items():
            features[name].append(rows)
    rows_of = {name: np.concatenate(parts).astype(np.float64) for name, parts in features.items()}
    yield 0.6, "Asking the neighbours"
    labels = sample.labels
    votes = {name: _votes(rows, labels) for name, rows in rows_of.items()}
    last = backbone.table[-1].name
    # Of equals the later one, as everybody would take it.
    best = max(reversed(votes), key=lambda name: int(votes[name].right.sum()))
    yield 0.7, "Fitting probes"
    found = scores(rows_of[last], labels, seed=seed)
    probe_best = (
        found.probe if best == last else Reading(right=readout.probe(rows_of[best], labels, seed=seed))
    )
    kept = [tensor for part in (backbone.stages, backbone.neck) for tensor in part.state_dict().values()]
    yield Examined(
        candidate=candidate,
        title=_title(candidate),
        image_size=size,
        last=last,
        best=best,
        probe=found.probe,
        probe_best=probe_best,
        neighbours=votes[last].accuracy,
        neighbours_best=votes[best].accuracy,
        logme=found.logme,
        h_score=found.h_score,
        parameters=sum(one.numel() for part in (backbone.stages, backbone.neck) for one in part.parameters()),
        megabytes=sum(one.numel() * one.element_size() for one in kept) / 1e6,
        pace=pace,
        seconds=time.perf_counter() - begin,
    )


def scores(rows: NDArray[np.float64], labels: Labels, *, seed: int = 0) -> TransferScores:
    """Score features (N, C) of images of the classes ``labels`` (N,) in every way that needs no training run."""
    logme, h_score = transferability.scores(rows, labels, readout.deal(labels, jackknife.GROUPS, seed))
    return TransferScores(
        probe=Reading(right=readout.probe(rows, labels, seed=seed)),
        neighbours=_votes(rows, labels),
        logme=logme,
        h_score=h_score,
    )


def _votes(rows: NDArray[np.float64], labels: Labels) -> Reading:
    return Reading(right=readout.neighbours(rows, labels, readout.neighbours_for(labels)))


def timed(backbone: Backbone, size: int) -> Pace:
    """Time the forward pass through all stages on images of ``size`` pixels, several times after warming up."""
    # Speed does not depend on what is seen, so noise will do.
    batch = np.random.default_rng(0).integers(0, 256, (MOST_AT_ONCE, size, size, 3), dtype=np.uint8)
    milliseconds = []
    for number in range(WARM_UP + TIMED):
        begin = time.perf_counter()
        similarity.pooled(backbone, batch)  # ends with a copy to the CPU, so a GPU has finished, too
        if number >= WARM_UP:
            milliseconds.append(1000 * (time.perf_counter() - begin) / len(batch))
    low, _, high = statistics.quantiles(milliseconds, n=4)
    return Pace(
        median=statistics.median(milliseconds),
        low=low,
        high=high,
        batch=len(batch),
        threads=torch.get_num_threads(),
    )


def _title(candidate: Candidate) -> str:
    """Short title; somebody's own weights go by their file's name first, which tells them apart."""
    title = short_title(candidate.name)
    if candidate.weights == "pretrained":
        return title
    file = Path(candidate.weights).stem
    return f"{title}, own weights" if file == "weights" else f"{file} ({title})"  # as uploads are kept

"""Fine-tuning from sources that agree and disagree, by number of target images, and whether it was foreseeable."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from core.backbones.stages import seeded
from core.events import Event, Note, Progress
from core.metrics.comparison import seeds_difference
from core.metrics.verdict import Judgement, judged
from core.techniques.digits.domains import CLASSES, digit_domains, shuffled
from core.techniques.digits.network import DigitNetwork, accuracy, features_of, random_network
from core.techniques.digits.tensors import Labelled, as_tensors
from core.techniques.digits.training import signs_of_life, train
from core.techniques.events import Grid, Panel, Score
from core.techniques.negative_transfer import detection, sources
from core.techniques.negative_transfer.entry import TECHNIQUE, NegativeTransferSettings
from core.techniques.runner import Events, each_seed, within

IMAGES = (20, 60, 200, 600)  # labelled target images
BATCH = 32
DETECTORS = {
    "knn": "k-NN",
    "logme": "LogME",
    "answers": "Source's answers",
    "always": "Always a gain",
}


@dataclass(frozen=True, kw_only=True)
class SourceCase:
    """One source, one number of target images, one seed: what came of it, and what each detector had expected."""

    arm: str
    images: int
    gain: float  # accuracy beyond from scratch
    expected: dict[str, bool]

    def foreseen(self, detector: str) -> bool:
        """Whether the detector's word came true; a tie is no gain."""
        return self.expected[detector] == (self.gain > 0)


def run(settings: NegativeTransferSettings) -> Iterator[Event]:
    """Measure every arm at every number of target images, seed by seed."""
    yield Progress(done=0.0, phase="Blending digits with photographs")
    cases: list[SourceCase] = []
    yield from each_seed(settings, partial(_one_seed, settings, cases))
    yield from _remarks(cases)


def _one_seed(settings: NegativeTransferSettings, cases: list[SourceCase], seed: int) -> Events:
    drawn = digit_domains("photographs", seed)
    (images, labels), test = as_tensors(drawn.target), as_tensors(drawn.target_test)
    untrained = random_network(seed)
    taught = {
        "agrees": drawn.source,
        "disagrees": sources.photographs(len(drawn.source), seed)
        if settings.disagree_in == "pictures"
        else sources.renamed(drawn.source, settings.disagreement, seed),
        "shuffled": shuffled(drawn.source, seed),
    }
    work = len(taught) + len(IMAGES) * (len(taught) + 1)  # trainings of a seed
    done = 0
    starts: dict[str, DigitNetwork] = {}
    for arm, source in taught.items():
        starts[arm] = random_network(seed, int(source.labels.max()) + 1)
        learning = train(starts[arm], as_tensors(source), steps=settings.source_steps, seed=seed)
        telling = signs_of_life("learning the sources", learning, settings.source_steps)
        yield from within(done / work, (done + 1) / work, telling)
        done += 1
    for count in IMAGES:
        few = images[:count], labels[:count]
        right: dict[str, float] = {}
        for arm in ("scratch", *taught):
            tuned = copy.deepcopy(untrained) if arm == "scratch" else transferred(starts[arm], seed)
            learning = train(tuned, few, steps=settings.steps, seed=seed, batch=BATCH)
            telling = signs_of_life(f"{count} images of the target", learning, settings.steps)
            yield from within(done / work, (done + 1) / work, telling)
            right[arm] = accuracy(tuned, test)
            yield Score(arm=arm, seed=seed, value=right[arm], x=count)
            done += 1
        cases += [
            SourceCase(
                arm=arm,
                images=count,
                gain=right[arm] - right["scratch"],
                expected=_expected(starts[arm], untrained, few),
            )
            for arm in taught
        ]
    yield _panel(cases)


def transferred(start: DigitNetwork, seed: int) -> DigitNetwork:
    """Copy a network, with a new head for the ten digits where its own is for other classes."""
    network = copy.deepcopy(start)
    if network.head.out_features != CLASSES:
        with seeded(seed):
            network.head = nn.Linear(network.head.in_features, CLASSES)
    return network


@torch.inference_mode()
def _expected(start: DigitNetwork, untrained: DigitNetwork, few: Labelled) -> dict[str, bool]:
    """What each detector expects of ``start``, from the few target images alone."""
    images, labels = few
    answers: Tensor | None = start(images).argmax(dim=1)
    if start.head.out_features != CLASSES:
        answers = None
    return {"always": True} | detection.foreseen(
        features_of(start, images),
        features_of(untrained, images),
        labels.numpy(),
        None if answers is None else answers.numpy(),
    )


def _share_foreseen(cases: list[SourceCase], detector: str, arm: str = "") -> float:
    return float(np.mean([case.foreseen(detector) for case in cases if arm in ("", case.arm)]))


def _panel(cases: list[SourceCase]) -> Panel:
    arms = list(dict.fromkeys(case.arm for case in cases))
    return Panel(
        name="detection",
        title="Was it foreseeable?",
        caption=f"How often each detector foresaw whether a source beats starting from scratch, over {len(cases)} "
        "cases (source × number of images × seed). k-NN and LogME expect a gain where they find the source's features "
        "better than untrained ones; the source's answers, where they beat naming the most frequent digit.",
        drawing=Grid(
            rows=tuple(DETECTORS.values()),
            columns=(*(arm.capitalize() for arm in arms), "All"),
            values=[[_share_foreseen(cases, detector, arm) for arm in (*arms, "")] for detector in DETECTORS],
            low=0.0,
            high=1.0,
            share=True,
        ),
    )


_SAID: dict[Judgement, str] = {
    "helps": "helps",
    "hurts": "hurts",
    "no difference": "makes no difference that is seen",
}


def _remarks(cases: list[SourceCase]) -> Iterator[Note]:
    """Say where each source pays, and how often each detector was right."""
    for arm in dict.fromkeys(case.arm for case in cases):
        verdicts: dict[Judgement, list[str]] = {word: [] for word in _SAID}
        for count in IMAGES:
            gains = [case.gain for case in cases if case.arm == arm and case.images == count]
            gain = seeds_difference(gains, [0.0] * len(gains), paired=True).difference
            verdicts[judged(gain)].append(str(count))
        said = "; ".join(f"{_SAID[word]} at {', '.join(at)} images" for word, at in verdicts.items() if at)
        yield Note(message=f"{TECHNIQUE.arm(arm).title}: {said}.")
    right = {name: sum(case.foreseen(name) for case in cases) for name in DETECTORS}
    yield Note(
        message=f"Foreseen before training, of {len(cases)} cases: k-NN {right['knn']}, LogME {right['logme']}, the "
        f"source's own answers {right['answers']}; always expecting a gain {right['always']}."
    )

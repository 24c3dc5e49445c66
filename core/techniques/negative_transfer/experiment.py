"""Fine-tuning from sources that agree and disagree, by number of target images, and whether it was foreseeable."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.events import Event, Note, Progress
from core.metrics.comparison import seeds_difference
from core.techniques import digit_domains
from core.techniques.domain_adaptation import network
from core.techniques.domain_adaptation.network import DigitNetwork, Labelled
from core.techniques.events import Grid, Panel, Score
from core.techniques.negative_transfer import detection, sources
from core.techniques.negative_transfer.entry import TECHNIQUE, NegativeTransferSettings

IMAGES = (20, 60, 200, 600)  # labelled target images
BATCH = 32
EVERY = 20  # steps between two signs of life
DETECTORS = {
    "knn": "k-NN",
    "logme": "LogME",
    "answers": "Source's answers",
    "always": "Always a gain",
}


@dataclass(frozen=True, kw_only=True)
class Case:
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
    cases: list[Case] = []
    for number, seed in enumerate(settings.every_seed):
        yield from _one_seed(settings, cases, number, seed)
        yield _panel(cases)
    yield from _remarks(cases)
    yield Progress(done=1.0, phase="Done")


def _one_seed(
    settings: NegativeTransferSettings, cases: list[Case], number: int, seed: int
) -> Iterator[Event]:
    drawn = digit_domains.domains("photographs", seed)
    (images, labels), test = network.as_input(drawn.target), network.as_input(drawn.target_test)
    untrained = network.built(seed)
    taught = {
        "agrees": drawn.source,
        "disagrees": sources.photographs(len(drawn.source), seed)
        if settings.disagree_in == "pictures"
        else sources.renamed(drawn.source, settings.disagreement, seed),
        "shuffled": digit_domains.shuffled(drawn.source, seed),
    }
    work = len(taught) + len(IMAGES) * (len(taught) + 1)  # trainings of a seed
    done = 0

    def progress(doing: str, share: float) -> Progress:
        return Progress(
            done=(number + (done + share) / work) / settings.seeds,
            phase=f"Seed {number + 1} of {settings.seeds}: {doing}",
        )

    starts: dict[str, DigitNetwork] = {}
    for arm, source in taught.items():
        starts[arm] = network.built(seed, classes=int(source.labels.max()) + 1)
        for step in network.train(
            starts[arm], network.as_input(source), steps=settings.source_steps, seed=seed
        ):
            if step % EVERY == 1:
                yield progress("learning the sources", step / settings.source_steps)
        done += 1
    for count in IMAGES:
        few = images[:count], labels[:count]
        right: dict[str, float] = {}
        for arm in ("scratch", *taught):
            tuned = copy.deepcopy(untrained) if arm == "scratch" else transferred(starts[arm], seed)
            for step in network.train(tuned, few, steps=settings.steps, seed=seed, batch=BATCH):
                if step % EVERY == 1:
                    yield progress(f"{count} images of the target", step / settings.steps)
            right[arm] = network.accuracy(tuned, test)
            yield Score(arm=arm, seed=seed, value=right[arm], x=count)
            done += 1
        cases += [
            Case(
                arm=arm,
                images=count,
                gain=right[arm] - right["scratch"],
                expected=_expected(starts[arm], untrained, few),
            )
            for arm in taught
        ]


def transferred(start: DigitNetwork, seed: int) -> DigitNetwork:
    """Copy a network, with a new head for the ten digits where its own is for other classes."""
    found = copy.deepcopy(start)
    if found.head.out_features != digit_domains.CLASSES:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found.head = nn.Linear(found.head.in_features, digit_domains.CLASSES)
    return found


@torch.inference_mode()
def _expected(start: DigitNetwork, untrained: DigitNetwork, few: Labelled) -> dict[str, bool]:
    """What each detector expects of ``start``, from the few target images alone."""
    images, labels = few
    answers: Tensor | None = start(images).argmax(dim=1)
    if start.head.out_features != digit_domains.CLASSES:
        answers = None
    return {"always": True} | detection.foreseen(
        network.features_of(start, images),
        network.features_of(untrained, images),
        labels.numpy(),
        None if answers is None else answers.numpy(),
    )


def _share_foreseen(cases: list[Case], detector: str, arm: str = "") -> float:
    return float(np.mean([one.foreseen(detector) for one in cases if arm in ("", one.arm)]))


def _panel(cases: list[Case]) -> Panel:
    arms = list(dict.fromkeys(one.arm for one in cases))
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


def _remarks(cases: list[Case]) -> Iterator[Note]:
    """Say where each source pays, and how often each detector was right."""
    for arm in dict.fromkeys(one.arm for one in cases):
        verdicts: dict[str, list[str]] = {"helps": [], "hurts": [], "makes no difference that is seen": []}
        for count in IMAGES:
            gains = [one.gain for one in cases if one.arm == arm and one.images == count]
            found = seeds_difference(gains, [0.0] * len(gains), paired=True).difference
            word = (
                "helps"
                if found.low > 0
                else "hurts"
                if found.high < 0
                else "makes no difference that is seen"
            )
            verdicts[word].append(str(count))
        said = "; ".join(f"{word} at {', '.join(at)} images" for word, at in verdicts.items() if at)
        yield Note(message=f"{TECHNIQUE.arm(arm).title}: {said}.")
    right = {name: sum(one.foreseen(name) for one in cases) for name in DETECTORS}
    yield Note(
        message=f"Foreseen before training, of {len(cases)} cases: k-NN {right['knn']}, LogME {right['logme']}, the "
        f"source's own answers {right['answers']}; always expecting a gain {right['always']}."
    )

"""DANN against the source alone, with the domain classifier's accuracy beside the target's, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import nn

from core.events import Event, Note, Progress
from core.metrics.comparison import seeds_difference
from core.techniques.adversarial import reversal
from core.techniques.adversarial.entry import TECHNIQUE, AdversarialSettings
from core.techniques.digits.domains import digit_domains
from core.techniques.digits.network import DigitNetwork, accuracy, random_network
from core.techniques.digits.separability import told_apart_by_features
from core.techniques.digits.tensors import DomainTensors
from core.techniques.digits.training import EVERY, Penalty, train
from core.techniques.events import Line, Lines, Panel, Score
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed
from core.words import count

LOOKS = 12  # places on the curves
WATCHED = ("source", "dann", "together")
# First rate of the domain classifier: only as fast as the network it was outrun, on seeds that the defaults do not use.
JUDGE_RATE = 1e-2
JUDGES = 1_000_003  # keeps the seeds of domain classifiers apart from the networks'

_TITLES = {
    "source": "the source alone",
    "dann": "DANN",
    "together": "no reversal",
    "shuffled": "shuffled domain labels",
    "target": "target labels",
}


@dataclass(kw_only=True)
class TugOfWar:
    """What was seen on the way, by arm: a row for every seed, a value for every look."""

    steps: list[int]
    target: dict[str, list[list[float]]] = field(default_factory=dict)  # accuracy on the target
    domain: dict[str, list[list[float]]] = field(default_factory=dict)  # of the domain classifier


def run(settings: AdversarialSettings) -> Iterator[Event]:
    """Compare DANN with its controls seed by seed."""
    yield Progress(done=0.0, phase="Blending digits with photographs")
    looks = np.unique(np.linspace(1, settings.steps, LOOKS).round().astype(int)).tolist()
    curves, report = TugOfWar(steps=looks), Report(technique=TECHNIQUE)
    yield from each_seed(settings, partial(_one_seed, settings, curves), report)
    yield _outrun(curves, report)
    yield _without_reversal(report)


def _one_seed(settings: AdversarialSettings, curves: TugOfWar, seed: int) -> Events:
    parts = DomainTensors.of(digit_domains(settings.target, seed, missing=settings.missing))
    score = partial(Score, seed=seed)
    for place, arm in enumerate(_TITLES):
        network, judge = random_network(seed), reversal.domain_classifier(seed + JUDGES)
        on_target: list[float] = []
        on_domain: list[float] = []
        for step in train(
            network,
            parts.target if arm == "target" else parts.source,
            steps=settings.steps,
            seed=seed,
            unlabelled=parts.target[0],
            penalty=_penalty(arm, judge, settings, seed),
            others=judge.parameters() if arm not in ("source", "target") else (),
            others_rate=JUDGE_RATE,
            annealed=True,
        ):
            if step % EVERY == 1:
                yield Progress(done=(place + step / settings.steps) / len(_TITLES), phase=_TITLES[arm])
            if arm in WATCHED and step in curves.steps:
                of_network, of_judge = _look(network, judge, parts)
                on_target.append(of_network)
                on_domain.append(of_judge)
        yield score(arm=arm, value=accuracy(network, parts.target_test))
        if arm != "target":
            value = told_apart_by_features(parts, network, network)
            yield score(arm=arm, value=value, quantity="told_apart")
        if arm in WATCHED:
            curves.target.setdefault(arm, []).append(on_target)
            curves.domain.setdefault(arm, []).append(on_domain)
    yield _panel(curves)


def _penalty(arm: str, judge: nn.Module, settings: AdversarialSettings, seed: int) -> Penalty | None:
    if arm in ("source", "target"):
        return None
    peak = 0.0 if arm == "together" else settings.peak
    shuffle = torch.Generator().manual_seed(seed) if arm == "shuffled" else None
    return reversal.confusion(judge, peak, settings.steepness, shuffle)


@torch.inference_mode()
def _look(network: DigitNetwork, judge: nn.Module, parts: DomainTensors) -> tuple[float, float]:
    """Accuracy on the target's test images, and of the domain classifier on both domains' test images."""
    network.eval()
    images, labels = parts.target_test
    target, source = network.features(images), network.features(parts.source_test[0])
    right = float((network.head(target).argmax(dim=1) == labels).double().mean())
    return right, reversal.judged(judge, source, target)


def _panel(curves: TugOfWar) -> Panel:
    def mean(rows: list[list[float]]) -> list[float]:
        return [round(float(value), 4) for value in np.mean(rows, axis=0)]

    seeds = len(curves.target["dann"])
    return Panel(
        name="steps",
        title="The tug of war, step by step",
        caption=f"Mean over {count(seeds, 'seed')}, on test images. The domain classifier guesses "
        "at 50 %. Where λ pushes its accuracy down, look whether the accuracy on the target rises with it.",
        drawing=Lines(
            x_title="Training step",
            y_title="Share that is right",
            share=True,
            lines=(
                Line(name="Target, DANN", colour="method", x=curves.steps, y=mean(curves.target["dann"])),
                Line(
                    name="Target, source only",
                    colour="baseline",
                    x=curves.steps,
                    y=mean(curves.target["source"]),
                ),
                Line(
                    name="Domain classifier, DANN",
                    colour="violet",
                    x=curves.steps,
                    y=mean(curves.domain["dann"]),
                ),
                Line(
                    name="Domain classifier, λ = 0",
                    colour="violet",
                    x=curves.steps,
                    y=mean(curves.domain["together"]),
                    dashed=True,
                ),
            ),
        ),
    )


def _outrun(curves: TugOfWar, report: Report) -> Note:
    """Lay the domain classifier's last accuracy beside that of one that starts afresh."""
    last = float(np.mean([row[-1] for row in curves.domain["dann"]]))
    fresh = float(np.mean(list(report.values("dann", "told_apart").values())))
    return Note(
        message=f"At the end the domain classifier that DANN trained along is right in {100 * last:.0f} % of "
        f"the cases; "
        f"a fresh linear classifier on the same features in {100 * fresh:.0f} %."
    )


def _without_reversal(report: Report) -> Note:
    """Say what the network gains by meeting both domains, before any reversal."""
    together, alone = (report.values(arm) for arm in ("together", "source"))
    gains = [together[seed] - alone[seed] for seed in together]
    gain = seeds_difference(gains, [0.0] * len(gains), paired=True).difference
    points = [f"{100 * value + 0.0:+.1f}" for value in (gain.value, gain.low, gain.high)]
    return Note(
        message=f"Both domains in every batch, without any reversal, change the accuracy by {points[0]} points "
        f"[{points[1]}, {points[2]}] beside the source alone, by BatchNorm's statistics; the verdict is about what the "
        "reversal adds to that."
    )

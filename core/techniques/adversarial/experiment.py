"""DANN against the source alone, with the domain classifier's accuracy beside the target's, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import nn

from core.events import Event, Note, Progress
from core.metrics.comparison import seeds_difference
from core.techniques import digit_domains
from core.techniques.adversarial import reversal
from core.techniques.adversarial.entry import AdversarialSettings
from core.techniques.domain_adaptation import network, separability
from core.techniques.domain_adaptation.network import DigitNetwork, Labelled, Penalty
from core.techniques.events import Line, Lines, Panel, Score

LOOKS = 12  # places on the curves
WATCHED = ("source", "dann", "together")
EVERY = 20  # steps between two signs of life
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


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What is trained and tested on: images (N, 3, S, S) with classes (N,)."""

    source: Labelled
    source_test: Labelled
    target: Labelled
    target_test: Labelled


@dataclass(kw_only=True)
class Curves:
    """What was seen on the way, by arm: a row for every seed, a value for every look."""

    steps: list[int]
    target: dict[str, list[list[float]]] = field(default_factory=dict)  # accuracy on the target
    domain: dict[str, list[list[float]]] = field(default_factory=dict)  # of the domain classifier


def run(settings: AdversarialSettings) -> Iterator[Event]:
    """Compare DANN with its controls seed by seed."""
    yield Progress(done=0.0, phase="Blending digits with photographs")
    looks = np.unique(np.linspace(1, settings.steps, LOOKS).round().astype(int)).tolist()
    curves = Curves(steps=looks)
    scores: list[Score] = []
    for number, seed in enumerate(settings.every_seed):
        drawn = digit_domains.domains(settings.target, seed, missing=settings.missing)
        parts = Parts(
            source=network.as_input(drawn.source),
            source_test=network.as_input(drawn.source_test),
            target=network.as_input(drawn.target),
            target_test=network.as_input(drawn.target_test),
        )
        for event in _one_seed(settings, parts, curves, number, seed):
            if isinstance(event, Score):
                scores.append(event)
            yield event
        yield _panel(curves)
    yield _outrun(curves, scores)
    yield _without_reversal(scores)
    yield Progress(done=1.0, phase="Done")


def _one_seed(
    settings: AdversarialSettings, parts: Parts, curves: Curves, number: int, seed: int
) -> Iterator[Event]:
    score = partial(Score, seed=seed)
    for place, arm in enumerate(_TITLES):
        one, judge = network.built(seed), reversal.domain_classifier(seed + JUDGES)
        looks: dict[str, list[float]] = {"target": [], "domain": []}
        for step in network.train(
            one,
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
                done = (number + (place + step / settings.steps) / len(_TITLES)) / settings.seeds
                yield Progress(done=done, phase=f"Seed {number + 1} of {settings.seeds}: {_TITLES[arm]}")
            if arm in WATCHED and step in curves.steps:
                on_target, on_domain = _look(one, judge, parts)
                looks["target"].append(on_target)
                looks["domain"].append(on_domain)
        yield score(arm=arm, value=network.accuracy(one, parts.target_test))
        if arm != "target":
            yield score(arm=arm, value=_told_apart(one, parts), quantity="told_apart")
        if arm in WATCHED:
            curves.target.setdefault(arm, []).append(looks["target"])
            curves.domain.setdefault(arm, []).append(looks["domain"])


def _penalty(arm: str, judge: nn.Module, settings: AdversarialSettings, seed: int) -> Penalty | None:
    if arm in ("source", "target"):
        return None
    peak = 0.0 if arm == "together" else settings.peak
    shuffle = torch.Generator().manual_seed(seed) if arm == "shuffled" else None
    return reversal.confusion(judge, peak, settings.steepness, shuffle)


@torch.inference_mode()
def _look(one: DigitNetwork, judge: nn.Module, parts: Parts) -> tuple[float, float]:
    """Accuracy on the target's test images, and of the domain classifier on both domains' test images."""
    one.eval()
    images, labels = parts.target_test
    target, source = one.features(images), one.features(parts.source_test[0])
    right = float((one.head(target).argmax(dim=1) == labels).double().mean())
    return right, reversal.judged(judge, source, target)


def _told_apart(one: DigitNetwork, parts: Parts) -> float:
    every = (parts.source, parts.target, parts.source_test, parts.target_test)
    return separability.told_apart(*(network.features_of(one, images) for images, _ in every))


def _panel(curves: Curves) -> Panel:
    def mean(rows: list[list[float]]) -> list[float]:
        return [round(float(value), 4) for value in np.mean(rows, axis=0)]

    seeds = len(curves.target["dann"])
    return Panel(
        name="steps",
        title="The tug of war, step by step",
        caption=f"Mean over {seeds} {'seed' if seeds == 1 else 'seeds'}, on test images. The domain classifier guesses "
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


def _outrun(curves: Curves, scores: list[Score]) -> Note:
    """Lay the domain classifier's last accuracy beside that of one that starts afresh."""
    last = float(np.mean([row[-1] for row in curves.domain["dann"]]))
    fresh = float(
        np.mean([one.value for one in scores if one.arm == "dann" and one.quantity == "told_apart"])
    )
    return Note(
        message=f"At the end the domain classifier that DANN trained along is right in {100 * last:.0f} % of "
        f"the cases; "
        f"a fresh linear classifier on the same features in {100 * fresh:.0f} %."
    )


def _without_reversal(scores: list[Score]) -> Note:
    """Say what the network gains by meeting both domains, before any reversal."""
    by_seed = {(one.arm, one.seed): one.value for one in scores if not one.quantity}
    gains = [value - by_seed["source", seed] for (arm, seed), value in by_seed.items() if arm == "together"]
    found = seeds_difference(gains, [0.0] * len(gains), paired=True).difference
    points = [f"{100 * value + 0.0:+.1f}" for value in (found.value, found.low, found.high)]
    return Note(
        message=f"Both domains in every batch, without any reversal, change the accuracy by {points[0]} points "
        f"[{points[1]}, {points[2]}] beside the source alone, by BatchNorm's statistics; the verdict is about what the "
        "reversal adds to that."
    )

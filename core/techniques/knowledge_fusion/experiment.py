"""Fine-tune three networks from one probe, then mix: weights, answers, and one network taught by three."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.arrays import Labels, Pixels
from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.open import open_dataset
from core.datasets.splits import split
from core.events import Event, Note, Progress
from core.interpretation import specimen
from core.interpretation.specimen import Specimen
from core.techniques.events import Colour, Line, Lines, Panel, Pictures, Score
from core.techniques.knowledge_fusion.distillation import distillation_loss
from core.techniques.knowledge_fusion.entry import TECHNIQUE, KnowledgeFusionSettings
from core.techniques.knowledge_fusion.learning import (
    FusedNetwork,
    fine_tune,
    frozen_features,
    solved_head,
    through,
)
from core.techniques.knowledge_fusion.shift import shifted
from core.techniques.knowledge_fusion.weights import interpolated, reorder_hidden_channels, soup
from core.techniques.panels import half_width
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed, within, working

SIDE = 32  # pixels
EARLIER, EARLIER_PER_CLASS = "everyday-patches", 40
TEST_IMAGES = 200  # of each kind
FACTORS = (1.0, 0.5, 2.0)  # of the learning rate: the fine-tuned network, and two more for the soup
ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
SHOWN = 4  # pictures, before and after the shift

AlphaCurves = dict[str, list[list[float]]]  # by kind of mixture: accuracies (alphas, quantities)
Answers = dict[str, Tensor]  # by quantity: probabilities (N, classes)
COLOURS: dict[str, Colour] = {"target": "fire", "shifted": "violet", "earlier": "ice"}


@dataclass(frozen=True, kw_only=True, eq=False)
class FusionExam:
    """Test pictures behind the frozen stages, by quantity, with their labels and the earlier task's classifier."""

    features: Mapping[str, Tensor]  # (N, 32, h, w)
    labels: Mapping[str, Tensor]  # (N,)
    earlier_head: nn.Module

    def answers(self, network: FusedNetwork) -> Answers:
        """What a network answers to each kind of picture."""
        answers = {}
        for name, features in self.features.items():
            pooled = through(network.body, features)  # (N, 256)
            head = self.earlier_head if name == "earlier" else network.head
            with torch.no_grad():
                answers[name] = head(pooled).softmax(dim=1)
        return answers

    def scores(self, arm: str, seed: int, answers: Answers) -> Iterator[Score]:
        """Accuracy of each kind."""
        for name, accuracy in self.accuracies(answers).items():
            yield Score(arm=arm, seed=seed, value=accuracy, quantity=name)

    def accuracies(self, answers: Answers) -> dict[str, float]:
        """Share of right answers by quantity."""
        return {
            name: float((shares.argmax(dim=1) == self.labels[name]).float().mean())
            for name, shares in answers.items()
        }


def places(alpha: float) -> list[float]:
    """Where on the line the walk stops: five places, and the setting's own."""
    return sorted({*ALPHAS, alpha})


def mixed(answers: Sequence[Answers], shares: Sequence[float]) -> Answers:
    """Average probabilities with weights ``shares``."""
    return {
        name: sum(
            (share * of_network[name] for share, of_network in zip(shares, answers, strict=True)),
            torch.zeros(()),
        )
        for name in answers[0]
    }


def run(settings: KnowledgeFusionSettings) -> Iterator[Event]:
    """Run the experiment, seed by seed."""
    yield Progress(done=0.0, phase="Reading the pictures")
    pretrained = specimen.pretrained("tiny_resnet18")
    dataset, earlier = open_dataset(settings.target, side=SIDE), open_dataset(EARLIER, side=SIDE)
    yield Progress(done=0.0, phase="Solving the earlier task")
    known = split(earlier, per_class=EARLIER_PER_CLASS, seed=0).train
    pooled = through(FusedNetwork(pretrained).body, frozen_features(pretrained, known.images))
    head = yield from _solved("Solving the earlier task", pooled, known.labels, 0)
    report = Report(technique=TECHNIQUE)
    curves: list[AlphaCurves] = []

    def one_seed(seed: int) -> Events:
        of_seed = yield from _one_seed(
            settings, seed, pretrained=pretrained, dataset=dataset, earlier=earlier, earlier_head=head
        )
        curves.append(of_seed)
        yield _curve_panel(settings, curves)

    yield from each_seed(settings, one_seed, report)
    yield from _remarks(report)


def _solved(phase: str, features: Tensor, labels: Labels, seed: int) -> Generator[Progress, None, nn.Linear]:
    """Solve a classifier; says ``phase`` at every step, of which nobody knows how many there will be."""
    for step in solved_head(features, labels, seed):
        last = step
        yield Progress(done=0.0, phase=phase)
    assert isinstance(last, nn.Linear)
    return last


def _one_seed(
    settings: KnowledgeFusionSettings,
    seed: int,
    *,
    pretrained: Specimen,
    dataset: ImageDataset,
    earlier: ImageDataset,
    earlier_head: nn.Module,
) -> Generator[Event, None, AlphaCurves]:
    yield Progress(done=0.0, phase="the probe")
    parts = split(dataset, per_class=settings.per_class, seed=seed)
    random = np.random.default_rng(seed)
    test = parts.test.subset(random.permutation(len(parts.test))[:TEST_IMAGES])
    assert earlier.test is not None
    other = earlier.test.subset(random.permutation(len(earlier.test))[:TEST_IMAGES])
    changed = shifted(test.images, settings.shift, seed)
    yield _pictures_panel(test, changed, dataset.class_names)
    exam = FusionExam(
        features={
            "target": frozen_features(pretrained, test.images),
            "shifted": frozen_features(pretrained, changed),
            "earlier": frozen_features(pretrained, other.images),
        },
        labels={
            name: torch.from_numpy(labels)
            for name, labels in (("target", test.labels), ("shifted", test.labels), ("earlier", other.labels))
        },
        earlier_head=earlier_head,
    )
    features, labels = frozen_features(pretrained, parts.train.images), torch.from_numpy(parts.train.labels)
    start = FusedNetwork(pretrained)
    start.head = yield from _solved("the probe", through(start.body, features), parts.train.labels, seed)
    probed = exam.answers(start)
    yield from exam.scores("probed", seed, probed)

    tuned = yield from within(0.0, 0.6, _three(start, features, labels, seed))
    answers = []
    for network in tuned:
        yield Progress(done=0.6, phase="asking the fine-tuned networks")
        answers.append(exam.answers(network))
    yield from exam.scores("fine-tuned", seed, answers[0])

    yield Progress(done=0.6, phase="mixing")
    before, after = start.state(), tuned[0].state()
    alpha = settings.alpha
    fused = exam.answers(start.filled(interpolated(before, after, alpha)))
    yield from exam.scores("wise-ft", seed, fused)
    yield from exam.scores("answers", seed, mixed((probed, answers[0]), (1 - alpha, alpha)))
    yield Progress(done=0.63, phase="stirring the soup")
    brew = start.filled(soup([network.state() for network in tuned]))
    yield from exam.scores("soup", seed, exam.answers(brew))
    yield from exam.scores("three", seed, mixed(answers, (1 / 3, 1 / 3, 1 / 3)))
    yield Progress(done=0.66, phase="mixing what is not aligned")
    turned = start.filled(before)
    reorder_hidden_channels(turned, torch.Generator().manual_seed(seed))
    control = start.filled(interpolated(turned.state(), after, alpha))
    yield from exam.scores("reordered", seed, exam.answers(control))

    with torch.no_grad():
        taught = torch.stack([through(network, features).softmax(dim=1) for network in tuned]).mean(dim=0)
    soft = taught.clamp_min(1e-12).log()  # (N, classes)
    student = start.filled(before)
    distilling = fine_tune(
        student,
        features,
        labels,
        factor=1.0,
        seed=seed * (len(FACTORS) + 1) + len(FACTORS),
        loss=lambda scores, some: distillation_loss(scores, soft[some], labels[some]),
    )
    yield from within(0.7, 0.9, working("distilling", distilling))
    yield from exam.scores("distilled", seed, exam.answers(student))

    yield Progress(done=0.9, phase="walking from the probe to the fine-tuned network")
    ends = {0.0: probed, 1.0: answers[0], alpha: fused}
    walk = [
        ends.get(place) or exam.answers(start.filled(interpolated(before, after, place)))
        for place in places(alpha)
    ]
    blends = [mixed((probed, answers[0]), (1 - place, place)) for place in places(alpha)]
    return {
        "weights": [list(exam.accuracies(answers_at).values()) for answers_at in walk],
        "answers": [list(exam.accuracies(answers_at).values()) for answers_at in blends],
    }


def _three(
    start: FusedNetwork, features: Tensor, labels: Tensor, seed: int
) -> Generator[Event, None, list[FusedNetwork]]:
    """Fine-tune three networks from ``start``, each at a rate and in an order of its own."""
    tuned = []
    for place, factor in enumerate(FACTORS):
        network = start.filled(start.state())
        order = seed * (len(FACTORS) + 1) + place
        for share in fine_tune(network, features, labels, factor=factor, seed=order):
            yield Progress(
                done=(place + share) / len(FACTORS), phase=f"fine-tuning, network {place + 1} of 3"
            )
        tuned.append(network)
    return tuned


def _curve_panel(settings: KnowledgeFusionSettings, curves: list[AlphaCurves]) -> Panel:
    """Accuracy along the line in weight space, mean over seeds with its t interval."""
    lines = []
    for kind, dashed in (("weights", False), ("answers", True)):
        values = np.array([of_seed[kind] for of_seed in curves])  # (seeds, alphas, quantities)
        mean = values.mean(axis=0)
        half = half_width(values)
        for place, name in enumerate(COLOURS):
            lines.append(
                Line(
                    name=f"{name.capitalize()}, {kind}",
                    colour=COLOURS[name],
                    x=places(settings.alpha),
                    y=mean[:, place].tolist(),
                    low=None if dashed else (mean - half)[:, place].clip(0, 1).tolist(),
                    high=None if dashed else (mean + half)[:, place].clip(0, 1).tolist(),
                    dashed=dashed,
                )
            )
    return Panel(
        name="alpha",
        title="From the probe to the fine-tuned network, step by step",
        caption=(
            "At 0 stands the probed network, at 1 the fine-tuned one; solid lines mix their weights, dotted ones their "
            "answers. Target, target shifted, earlier task. Bands are 95 % intervals over seeds. Where the "
            "middle lies above both ends, the mixture knows more than either."
        ),
        drawing=Lines(x_title="Alpha", y_title="Accuracy", lines=tuple(lines), share=True),
    )


def _pictures_panel(test: LabelledImages, changed: Pixels, names: tuple[str, ...]) -> Panel:
    shown = range(SHOWN)
    return Panel(
        name="pictures",
        title="Test pictures as they are, and shifted",
        caption="Nothing was trained on any of these, and nothing at all on shifted pictures.",
        drawing=Pictures(
            pictures=tuple(test.images[place] for place in shown) + tuple(changed[place] for place in shown),
            captions=tuple(names[test.labels[place]] for place in shown)
            + tuple(f"{names[test.labels[place]]}, shifted" for place in shown),
        ),
    )


def _remarks(report: Report) -> Iterator[Note]:
    """What the numbers say beyond the verdict."""
    for quantity in ("shifted", "earlier"):
        verdict = report.compare("wise-ft", "fine-tuned", quantity)
        yield Note(
            message=f"{report.quantity(quantity).title}, WiSE-FT against fine-tuned: {verdict.sentence}."
        )
    verdict = report.compare("wise-ft", "probed")
    yield Note(message=f"WiSE-FT against the probe it starts from, on the target: {verdict.sentence}.")
    verdict = report.compare("soup", "three")
    yield Note(message=f"A soup against the three answers it stands for: {verdict.sentence}.")
    verdict = report.compare("distilled", "fine-tuned")
    yield Note(message=f"Distilled against fine-tuned: {verdict.sentence}.")

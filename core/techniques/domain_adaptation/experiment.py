"""One set of digits, two domains: every method adapts the same network, with the same budget."""

from collections.abc import Iterator
from functools import partial
from typing import Literal

import numpy as np
from torch import Tensor

from core.arrays import Floats, Labels
from core.datasets.dataset import LabelledImages
from core.events import Event, Note, Progress
from core.techniques.digits.domains import DigitDomains, digit_domains, shuffled
from core.techniques.digits.network import DigitNetwork, accuracy, features_of, random_network
from core.techniques.digits.separability import told_apart_by_features
from core.techniques.digits.tensors import DomainTensors, Labelled, as_tensors
from core.techniques.digits.training import Penalty, ramp, signs_of_life, train
from core.techniques.domain_adaptation import adabn, coral, mmd, transport
from core.techniques.domain_adaptation.entry import TECHNIQUE, DomainAdaptationSettings
from core.techniques.events import Cloud, Clouds, Panel, Pictures, Score
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed, within

# Deep CORAL divides by 4 C²; its authors set the weight so that both losses weigh about the same at the end of
# training (arXiv 1607.01719, section 3). 30 times λ came closest, on seeds that the defaults do not use.
CORAL_WEIGHT = 30.0
SHOWN = 12  # pictures of each domain
POINTS = 100  # of each domain in the plane


def run(settings: DomainAdaptationSettings) -> Iterator[Event]:
    """Compare the methods seed by seed: `Score`s of accuracy on the target, and pictures of the features."""
    yield Progress(done=0.0, phase="Blending digits with photographs")
    report = Report(technique=TECHNIQUE)
    yield from each_seed(settings, partial(_one_seed, settings), report)
    yield _of_the_gain(report)


def penalties(weight: float) -> dict[str, Penalty]:
    """What the networks that see both domains add to their loss, by arm."""
    return {
        "together": lambda source, target, done: source.new_zeros(()),
        "deep_coral": lambda source, target, done: CORAL_WEIGHT * weight * coral.coral_loss(source, target),
        "mmd": lambda source, target, done: weight * ramp(done) * mmd.mmd(source, target),
    }


def _one_seed(settings: DomainAdaptationSettings, seed: int) -> Events:
    domains = digit_domains(settings.target, seed, images=settings.target_images, missing=settings.missing)
    if seed == settings.first_seed:
        yield _pictures(domains)
    parts = DomainTensors.of(domains)
    score = partial(Score, seed=seed)
    mix = penalties(settings.weight)
    plan: dict[str, tuple[Labelled, Penalty | None]] = {
        "source": (parts.source, None),
        **{arm: (parts.source, penalty) for arm, penalty in mix.items()},
        "shuffled": (as_tensors(shuffled(domains.source, seed)), mix["deep_coral"]),
        "target": (parts.target, None),
    }
    trained: dict[str, DigitNetwork] = {}
    for place, (arm, (labelled, penalty)) in enumerate(plan.items()):
        network = trained[arm] = random_network(seed)
        learning = train(
            network,
            labelled,
            steps=settings.steps,
            seed=seed,
            unlabelled=parts.target[0],
            penalty=penalty,
        )
        telling = signs_of_life(_TITLES[arm], learning, settings.steps)
        yield from within(place / len(plan), (place + 1) / len(plan), telling)
        yield score(arm=arm, value=accuracy(network, parts.target_test))
        if arm == "source":
            yield from without_training(network, parts, score)
        if arm in mix or arm == "source":
            value = told_apart_by_features(parts, network, network)
            yield score(arm=arm, value=value, quantity="told_apart")
    if seed == settings.first_seed:
        yield _clouds(trained, parts)


def without_training(network: DigitNetwork, parts: DomainTensors, score: partial[Score]) -> Iterator[Score]:
    """AdaBN, CORAL and optimal transport on the network that learned from the source alone."""
    adapted = adabn.adapt(network, parts.target[0])
    yield score(arm="adabn", value=accuracy(adapted, parts.target_test))
    yield score(arm="adabn", value=told_apart_by_features(parts, network, adapted), quantity="told_apart")
    source, target = (features_of(network, images) for images, _ in (parts.source, parts.target))
    test = features_of(network, parts.target_test[0])
    for arm, moved in (
        ("coral", coral.align(source, target)),
        ("transport", transport.transported(source, target)),
    ):
        right = refitted(moved, parts.source[1], test) == parts.target_test[1].numpy()
        yield score(arm=arm, value=float(right.mean()))


def refitted(features: Floats, labels: Tensor, test: Floats) -> Labels:
    """Fit a linear classifier on features (N, C) with labels (N,), and find the classes (M,) of ``test`` (M, C)."""
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression(max_iter=1000).fit(features, labels.numpy())
    classes: Labels = classifier.predict(test)
    return classes


def _of_the_gain(report: Report) -> Note:
    """Say how much of a method's gain is BatchNorm's, which meets both domains in all of these trainings."""
    mean = {
        arm: 100 * float(np.mean(list(report.values(arm).values())))
        for arm in ("source", "together", "deep_coral", "mmd")
    }
    alone = mean["together"] - mean["source"]
    further = [mean[arm] - mean["together"] for arm in ("deep_coral", "mmd")]
    return Note(
        message=f"BatchNorm that sees both domains, with no distance in the loss, changes the accuracy by {alone:+.1f} "
        f"points; Deep CORAL's distance adds {further[0]:+.1f} and MMD's {further[1]:+.1f}."
    )


def _pictures(domains: DigitDomains) -> Panel:
    shown: list[LabelledImages] = [domains.source, domains.target]
    return Panel(
        name="pictures",
        title="The two domains",
        caption="Plain digits with labels, then the target's digits, whose labels the methods never see.",
        drawing=Pictures(
            pictures=tuple(image for part in shown for image in part.images[:SHOWN]),
            captions=tuple(
                f"{kind} {label}"
                for kind, part in zip(("source", "target"), shown, strict=True)
                for label in part.labels[:SHOWN]
            ),
        ),
    )


_COLOURS: tuple[Literal["frozen", "method"], ...] = ("frozen", "method")


def _clouds(trained: dict[str, DigitNetwork], parts: DomainTensors) -> Panel:
    """Test features in the two directions in which they vary most, before and after."""
    from sklearn.decomposition import PCA

    plots = []
    for title, arm in (("Source only", "source"), ("Deep CORAL", "deep_coral"), ("MMD", "mmd")):
        of_parts = [
            features_of(trained[arm], images[:POINTS]) for images, _ in (parts.source_test, parts.target_test)
        ]
        plane = PCA(n_components=2, svd_solver="full").fit_transform(np.concatenate(of_parts))
        halves = np.split(plane, [len(of_parts[0])])
        plots.append(
            (
                title,
                tuple(
                    Cloud(
                        name=name,
                        colour=colour,
                        points=[(round(float(x), 3), round(float(y), 3)) for x, y in half],
                        symbols=labels[:POINTS].tolist(),
                    )
                    for name, colour, half, (_, labels) in zip(
                        ("source", "target"),
                        _COLOURS,
                        halves,
                        (parts.source_test, parts.target_test),
                        strict=True,
                    )
                ),
            )
        )
    return Panel(
        name="features",
        title="Features of test images, before and after",
        caption="Each digit is one test image of the first seed, where its 64 features vary most (two principal "
        "components, each plot its own). Where adapting works, target digits come to lie among source digits of their "
        "own kind.",
        drawing=Clouds(plots=tuple(plots)),
    )


_TITLES = {
    "source": "the source alone",
    "together": "both domains, no distance",
    "deep_coral": "Deep CORAL",
    "mmd": "MMD",
    "shuffled": "shuffled source labels",
    "target": "target labels",
}

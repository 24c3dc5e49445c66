"""One set of digits, two domains: every method adapts the same network, with the same budget."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.datasets.dataset import LabelledImages
from core.events import Event, Note, Progress
from core.techniques import digit_domains
from core.techniques.digit_domains import Domains
from core.techniques.domain_adaptation import adabn, coral, mmd, network, separability, transport
from core.techniques.domain_adaptation.entry import DomainAdaptationSettings
from core.techniques.domain_adaptation.network import Labelled, Penalty
from core.techniques.events import Cloud, Clouds, Panel, Pictures, Score

# Deep CORAL divides by 4 C²; its authors set the weight so that both losses weigh about the same at the end of
# training (arXiv 1607.01719, section 3). 30 times λ came closest, on seeds that the defaults do not use.
CORAL_WEIGHT = 30.0
SHOWN = 12  # pictures of each domain
POINTS = 100  # of each domain in the plane
EVERY = 20  # steps between two signs of life

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of `Domains` as input of a network."""

    source: Labelled
    source_test: Labelled
    target: Labelled
    target_test: Labelled

    @classmethod
    def of(cls, domains: Domains) -> "Parts":
        """Convert all parts."""
        return cls(
            source=network.as_input(domains.source),
            source_test=network.as_input(domains.source_test),
            target=network.as_input(domains.target),
            target_test=network.as_input(domains.target_test),
        )


def run(settings: DomainAdaptationSettings) -> Iterator[Event]:
    """Compare the methods seed by seed: `Score`s of accuracy on the target, and pictures of the features."""
    yield Progress(done=0.0, phase="Blending digits with photographs")
    measured: dict[str, list[float]] = {}
    for number, seed in enumerate(settings.every_seed):
        domains = digit_domains.domains(
            settings.target, seed, images=settings.target_images, missing=settings.missing
        )
        if number == 0:
            yield _pictures(domains)
        for event in _one_seed(settings, domains, number, seed):
            if isinstance(event, Score) and not event.quantity:
                measured.setdefault(event.arm, []).append(event.value)
            yield event
    yield _of_the_gain(measured)
    yield Progress(done=1.0, phase="Done")


def penalties(weight: float) -> dict[str, Penalty]:
    """What the networks that see both domains add to their loss, by arm."""
    return {
        "together": lambda source, target, done: source.new_zeros(()),
        "deep_coral": lambda source, target, done: CORAL_WEIGHT * weight * coral.coral_loss(source, target),
        "mmd": lambda source, target, done: weight * mmd.ramp(done) * mmd.mmd(source, target),
    }


def _one_seed(
    settings: DomainAdaptationSettings, domains: Domains, number: int, seed: int
) -> Iterator[Event]:
    parts = Parts.of(domains)
    score = partial(Score, seed=seed)
    mix = penalties(settings.weight)
    shuffled = network.as_input(digit_domains.shuffled(domains.source, seed))
    plan: dict[str, tuple[Labelled, Penalty | None]] = {
        "source": (parts.source, None),
        **{arm: (parts.source, penalty) for arm, penalty in mix.items()},
        "shuffled": (shuffled, mix["deep_coral"]),
        "target": (parts.target, None),
    }
    trained: dict[str, network.DigitNetwork] = {}
    for place, (arm, (labelled, penalty)) in enumerate(plan.items()):
        one = trained[arm] = network.built(seed)
        doing = f"Seed {number + 1} of {settings.seeds}: {_TITLES[arm]}"
        for step in network.train(
            one, labelled, steps=settings.steps, seed=seed, unlabelled=parts.target[0], penalty=penalty
        ):
            if step % EVERY == 1:
                share = (place + step / settings.steps) / len(plan)
                yield Progress(done=(number + share) / settings.seeds, phase=doing)
        yield score(arm=arm, value=network.accuracy(one, parts.target_test))
        if arm == "source":
            yield from without_training(one, parts, score)
        if arm in mix or arm == "source":
            yield score(arm=arm, value=_told_apart(one, one, parts), quantity="told_apart")
    if number == 0:
        yield _clouds(trained, parts)


def without_training(one: network.DigitNetwork, parts: Parts, score: partial[Score]) -> Iterator[Event]:
    """AdaBN, CORAL and optimal transport on the network that learned from the source alone."""
    adapted = adabn.adapt(one, parts.target[0])
    yield score(arm="adabn", value=network.accuracy(adapted, parts.target_test))
    yield score(arm="adabn", value=_told_apart(one, adapted, parts), quantity="told_apart")
    source, target = (network.features_of(one, images) for images, _ in (parts.source, parts.target))
    test = network.features_of(one, parts.target_test[0])
    for arm, moved in (
        ("coral", coral.align(source, target)),
        ("transport", transport.transported(source, target)),
    ):
        right = refitted(moved, parts.source[1], test) == parts.target_test[1].numpy()
        yield score(arm=arm, value=float(right.mean()))


def refitted(features: Floats, labels: Tensor, test: Floats) -> NDArray[np.int64]:
    """Fit a linear classifier on features (N, C) with labels (N,), and find the classes (M,) of ``test`` (M, C)."""
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression(max_iter=1000).fit(features, labels.numpy())
    found: NDArray[np.int64] = classifier.predict(test)
    return found


def _told_apart(on_source: network.DigitNetwork, on_target: network.DigitNetwork, parts: Parts) -> float:
    return separability.told_apart(
        network.features_of(on_source, parts.source[0]),
        network.features_of(on_target, parts.target[0]),
        network.features_of(on_source, parts.source_test[0]),
        network.features_of(on_target, parts.target_test[0]),
    )


def _of_the_gain(measured: dict[str, list[float]]) -> Note:
    """Say how much of a method's gain is BatchNorm's, which meets both domains in all of these trainings."""
    mean = {arm: 100 * float(np.mean(values)) for arm, values in measured.items()}
    alone = mean["together"] - mean["source"]
    further = [mean[arm] - mean["together"] for arm in ("deep_coral", "mmd")]
    return Note(
        message=f"BatchNorm that sees both domains, with no distance in the loss, changes the accuracy by {alone:+.1f} "
        f"points; Deep CORAL's distance adds {further[0]:+.1f} and MMD's {further[1]:+.1f}."
    )


def _pictures(domains: Domains) -> Panel:
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


def _clouds(trained: dict[str, network.DigitNetwork], parts: Parts) -> Panel:
    """Test features in the two directions in which they vary most, before and after."""
    from sklearn.decomposition import PCA

    plots = []
    for title, arm in (("Source only", "source"), ("Deep CORAL", "deep_coral"), ("MMD", "mmd")):
        of_parts = [
            network.features_of(trained[arm], images[:POINTS])
            for images, _ in (parts.source_test, parts.target_test)
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

"""Source examples weighted, by number of target labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from core.arrays import Floats, Labels
from core.events import Event, Note, Progress
from core.techniques.digits.scanned import scanned_digits
from core.techniques.events import Grid, Panel, Pictures, Score
from core.techniques.instance_weighting import classifier, parity
from core.techniques.instance_weighting.entry import TECHNIQUE, InstanceWeightingSettings
from core.techniques.instance_weighting.importance import effective_size, importance_weights
from core.techniques.instance_weighting.parity import ParityDomains
from core.techniques.instance_weighting.tradaboost import Boosted, boost, vote
from core.techniques.panels import enlarged
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed

TARGET_LABELS = (5, 10, 20, 50, 100)
SHOWN = 8  # source images at each end of the weights
ENLARGED = 8  # times, so that pixels are seen as squares


def run(settings: InstanceWeightingSettings) -> Iterator[Event]:
    """Run on scikit-learn's digits."""
    yield Progress(done=0.0, phase="Reading the digits")
    images, digits = scanned_digits()
    yield from measure(settings, images.reshape(len(images), -1), digits)


def measure(settings: InstanceWeightingSettings, images: Floats, digits: Labels) -> Iterator[Event]:
    """Run on digits ``images`` (N, D), 0-1, seed by seed."""
    report = Report(technique=TECHNIQUE)
    by_digit: list[Floats] = []
    sizes: list[float] = []

    def one_seed(seed: int) -> Events:
        domains = parity.draw(
            images,
            digits,
            source_images=settings.source_images,
            share=settings.share,
            wrong=settings.wrong,
            seed=seed,
        )
        weights = importance_weights(domains.source.images, domains.target.images)
        shuffled = np.random.default_rng(seed).permutation(weights)
        sizes.append(effective_size(weights))
        for place, count in enumerate(TARGET_LABELS):
            yield Progress(done=place / len(TARGET_LABELS), phase=f"{count} target labels")
            few = domains.target.images[:count], domains.target.labels[:count]
            boosted = boost(domains.source.images, domains.source.labels, *few, settings.rounds)
            right = {
                "importance": _weighted(domains, count, weights),
                "tradaboost": float((vote(boosted, domains.test.images) == domains.test.labels).mean()),
                "pooled": _weighted(domains, count, np.ones_like(weights)),
                "target": _accuracy(domains, classifier.fit(*few)),
                "shuffled": _weighted(domains, count, shuffled),
            }
            for arm, value in right.items():
                yield Score(arm=arm, seed=seed, x=float(count), value=value)
        by_digit.append(_by_digit(domains, weights, boosted))
        yield _digits_panel(by_digit)
        if seed == settings.every_seed[-1]:
            yield _extremes_panel(domains, weights)

    yield from each_seed(settings, one_seed, report)
    yield Note(
        message=f"Weighted, the {settings.source_images} source images say as much as {np.mean(sizes):.0f} that count "
        f"the same (effective sample size, mean over {settings.seeds} seeds): bias is paid for with noise."
    )
    yield _where_it_ends(report)


def _where_it_ends(report: Report) -> Note:
    """From how many target labels on nothing of the source is needed any more."""

    def mean(arm: str, count: int) -> float:
        return float(np.mean(list(report.values(arm, x=float(count)).values())))

    for count in TARGET_LABELS:
        if mean("target", count) >= max(mean(arm, count) for arm in ("importance", "tradaboost", "pooled")):
            return Note(
                message=f"From {count} target labels on, training on them alone was as good as anything that used the "
                "source, on average over the seeds."
            )
    return Note(
        message=f"Up to {TARGET_LABELS[-1]} target labels, some use of the source was better than the target labels "
        "alone, on average over the seeds."
    )


def _weighted(domains: ParityDomains, count: int, weights: Floats) -> float:
    """Test accuracy after training on the weighted source and ``count`` target labels, which count once each."""
    learner = classifier.fit(
        np.concatenate([domains.source.images, domains.target.images[:count]]),
        np.concatenate([domains.source.labels, domains.target.labels[:count]]),
        np.concatenate([weights, np.ones(count)]),
    )
    return _accuracy(domains, learner)


def _accuracy(domains: ParityDomains, learner: Any) -> float:
    return float((learner.predict(domains.test.images) == domains.test.labels).mean())


def _by_digit(domains: ParityDomains, weights: Floats, boosted: Boosted) -> Floats:
    """Mean weight of the source images of each digit, for both methods: (2, 10); NaN for a digit without images."""
    of_boosted = boosted.weights[: len(weights)]
    both = np.stack([weights, of_boosted / of_boosted.mean()])
    member = domains.source.digits == np.arange(10)[:, None]  # (10, N)
    counts = member.sum(axis=1)
    return np.where(counts > 0, both @ member.T / np.maximum(counts, 1), np.nan)


def _digits_panel(by_digit: list[Floats]) -> Panel:
    stacked = np.stack(by_digit)  # (seeds, 2, 10)
    known = (~np.isnan(stacked)).sum(axis=0)
    mean = np.where(known > 0, np.nansum(stacked, axis=0) / np.maximum(known, 1), 0.0)
    return Panel(
        name="digits",
        title="Which source digits are listened to",
        caption="Mean weight of the source images that show each digit; 1 is the average source image, and 0 stands "
        f"where there is none. TrAdaBoost with {TARGET_LABELS[-1]} target labels; mean over the seeds so far.",
        drawing=Grid(
            rows=("Importance weighting", "TrAdaBoost"),
            columns=tuple("0123456789"),
            values=mean.tolist(),
            x_title="Digit shown by the source image",
            low=0.0,
        ),
    )


def _extremes_panel(domains: ParityDomains, weights: Floats) -> Panel:
    order = np.argsort(-weights)
    chosen = [*order[:SHOWN], *order[-SHOWN:]]
    side = int(np.sqrt(domains.source.images.shape[1]))
    pictures = (domains.source.images[chosen] * 255).round().astype(np.uint8).reshape(-1, side, side)
    return Panel(
        name="extremes",
        title="The heaviest and the lightest source images",
        caption="Importance weights of the last seed: above 1, a source image looks like the target's.",
        drawing=Pictures(
            pictures=tuple(enlarged(picture, ENLARGED) for picture in pictures),
            captions=tuple(f"{weights[number]:.2g}" for number in chosen),
        ),
    )

"""Every strategy of the engine from the same few images, tested on pictures as they are and on shifted ones."""

import typing
from collections import defaultdict
from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np

from core.arrays import Flags
from core.backbones import catalogue, stages, weights
from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.open import open_dataset
from core.datasets.splits import some_of_each_class, split
from core.events import Event, Note, Progress
from core.metrics.comparison import seeds_difference
from core.metrics.report import Interval
from core.techniques.events import Grid, Panel, Pictures, Score
from core.techniques.fine_tuning.entry import TECHNIQUE, FineTuningSettings, Shift
from core.techniques.fine_tuning.shifts import shifted
from core.techniques.panels import enlarged
from core.techniques.runner import Events, each_seed, within
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.events import EpochDone, Finished
from core.training.run import finetune

SIDE = 32  # pixels: the patches' own size, and a quarter of the work of 64
TEST_IMAGES = 12  # of each class at most, each seen plain and with every shift
BATCH = 16  # small, so that few images still make some steps
SHOWN = 4  # test images drawn, in every version
ENLARGED = 3  # times, so that noise is seen as it is
SHIFTS: tuple[Shift, ...] = typing.get_args(Shift)
VERSIONS: tuple[str, ...] = ("plain", *SHIFTS)  # of every test image

Shares = defaultdict[tuple[str, str], list[float]]  # by strategy and version: what was right, seed by seed


def run(settings: FineTuningSettings) -> Iterator[Event]:
    """Run on one of the lab's own data sets."""
    yield Progress(done=0.0, phase="Opening the pictures")
    yield from measure(settings, open_dataset(settings.data, side=SIDE))


def measure(settings: FineTuningSettings, dataset: ImageDataset) -> Iterator[Event]:
    """Run on ``dataset``, at 32 pixels: all strategies of one seed, then the next seed."""
    pretrained = stages.build(catalogue.BUILT_IN)
    weights.load_pretrained(pretrained)
    shares: Shares = defaultdict(list)

    def one_seed(seed: int) -> Events:
        versions = with_shifted_tests(dataset, settings, seed)
        if seed == settings.first_seed:
            yield _pictures_panel(versions, settings)
        for place, strategy in enumerate(STRATEGIES):
            config = FinetuneConfig(
                strategy=strategy,  # type: ignore[arg-type]
                per_class=settings.per_class,
                epochs=settings.epochs,
                image_size=SIDE,
                batch_size=BATCH,
                seed=seed,
                device="cpu",
            )
            training = finetune(config, versions, backbone=pretrained, checkpoint_every=settings.epochs)
            begin, end = (part / len(STRATEGIES) for part in (place, place + 1))
            right = yield from within(begin, end, _answers(TECHNIQUE.arm(strategy).title, training))
            for version, part in zip(VERSIONS, np.split(right, len(VERSIONS)), strict=True):
                shares[strategy, version].append(float(part.mean()))
            for quantity, version in (("accuracy", "plain"), ("shifted", settings.shift)):
                value = shares[strategy, version][-1]
                yield Score(arm=strategy, seed=seed, value=value, quantity=quantity)
        yield _shifts_panel(shares, settings)

    yield from each_seed(settings, one_seed)
    yield Note(
        message=_compared(shares, settings, "full", "linear_probe", "Kumar et al. 2022 report +2 and −7")
    )
    yield Note(message=_compared(shares, settings, "lp_ft", "full", "Kumar et al. 2022 report +1 and +10"))


def _answers(title: str, training: Iterator[Event]) -> Generator[Progress, None, Flags]:
    """Say how far a fine-tuning is; whether it is right in the end: (4 · test,), one version after another."""
    learned = 0.0  # share of this run's epochs
    yield Progress(done=learned, phase=title)
    for event in training:
        if isinstance(event, EpochDone):
            learned = event.epoch / event.epochs
        if isinstance(event, EpochDone | Progress):  # reading features, testing: a sign of life
            yield Progress(done=learned, phase=title)
        if isinstance(event, Finished):
            right: Flags = event.scores.argmax(axis=1) == event.labels
    return right


def with_shifted_tests(dataset: ImageDataset, settings: FineTuningSettings, seed: int) -> ImageDataset:
    """Give a data set whose test part holds a choice of its test images in all `VERSIONS`, one after another.

    So all accuracies come from the same network, and the test part is still touched once.
    """
    parts = split(dataset, per_class=None, seed=seed)
    plain = some_of_each_class(parts.test, TEST_IMAGES, seed)
    changed = [shifted(plain.images, shift, settings.severity, seed) for shift in SHIFTS]
    return replace(
        dataset,
        train=LabelledImages(
            images=np.concatenate([parts.train.images, parts.validation.images]),
            labels=np.concatenate([parts.train.labels, parts.validation.labels]),
        ),
        test=LabelledImages(
            images=np.concatenate([plain.images, *changed]), labels=np.tile(plain.labels, len(VERSIONS))
        ),
        fingerprint=f"{dataset.fingerprint} {settings.severity} {seed}",
    )


def _compared(shares: Shares, settings: FineTuningSettings, first: str, second: str, published: str) -> str:
    """Say how ``first`` does beside ``second`` on both test sets, beside what was published."""
    texts = []
    for quantity, words in (("plain", "points on plain"), (settings.shift, "on shifted test images")):
        gain = seeds_difference(shares[first, quantity], shares[second, quantity], paired=True).difference
        texts.append(f"{_points(gain)} {words}")
    names = TECHNIQUE.arm(first).title, TECHNIQUE.arm(second).title
    return f"{names[0]} against “{names[1]}”: {texts[0]} and {texts[1]}; {published}, on other data."


def _points(gain: Interval) -> str:
    value, low, high = (f"{round(100 * edge, 1) + 0.0:+.1f}" for edge in (gain.value, gain.low, gain.high))
    return f"{value} [{low}, {high}]".replace("-", "−")


def _pictures_panel(versions: ImageDataset, settings: FineTuningSettings) -> Panel:
    assert versions.test is not None
    count = len(versions.test) // len(VERSIONS)
    chosen = np.linspace(0, count - 1, SHOWN).round().astype(int)
    return Panel(
        name="pictures",
        title="The test sets",
        caption=f"The same test pictures as they are and changed, severity {settings.severity} of 5.",
        drawing=Pictures(
            pictures=tuple(
                enlarged(versions.test.images[place * count + number], ENLARGED)
                for place in range(len(VERSIONS))
                for number in chosen
            ),
            captions=tuple(
                f"{versions.class_names[versions.test.labels[number]]}, {version}"
                for version in VERSIONS
                for number in chosen
            ),
        ),
    )


def _shifts_panel(shares: Shares, settings: FineTuningSettings) -> Panel:
    return Panel(
        name="shifts",
        title="Every shift",
        caption=f"Share of test images that were right, mean over the seeds so far, severity {settings.severity} of "
        "5; colour is warm light. The same networks in every column.",
        drawing=Grid(
            rows=tuple(TECHNIQUE.arm(strategy).title for strategy in STRATEGIES),
            columns=VERSIONS,
            values=[
                [float(np.mean(shares[strategy, version])) for version in VERSIONS] for strategy in STRATEGIES
            ],
            x_title="Test pictures",
            low=0.0,
            high=1.0,
            share=True,
        ),
    )

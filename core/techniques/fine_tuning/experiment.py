"""Every strategy of the engine from the same few images, tested on pictures as they are and on shifted ones."""

import typing
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from core.backbones import catalogue, stages, weights
from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.open import open_dataset
from core.datasets.splits import split
from core.events import Event, Note, Progress
from core.events import Progress as Working
from core.metrics.comparison import seeds_difference
from core.metrics.report import Interval
from core.techniques.events import Grid, Panel, Pictures, Score
from core.techniques.fine_tuning.entry import TECHNIQUE, FineTuningSettings, Shift
from core.techniques.fine_tuning.shifts import shifted
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

Found = defaultdict[tuple[str, str], list[float]]


def run(settings: FineTuningSettings) -> Iterator[Event]:
    """Run on one of the lab's own data sets."""
    yield Progress(done=0.0, phase="Opening the pictures")
    yield from measure(settings, open_dataset(settings.data, side=SIDE))


def measure(settings: FineTuningSettings, dataset: ImageDataset) -> Iterator[Event]:
    """Run on ``dataset``, at 32 pixels: all strategies of one seed, then the next seed."""
    pretrained = stages.build(catalogue.BUILT_IN)
    weights.load_pretrained(pretrained)
    found: Found = defaultdict(list)
    steps = settings.seeds * len(STRATEGIES)
    for number, seed in enumerate(settings.every_seed):
        versions = with_shifted_tests(dataset, settings, seed)
        if number == 0:
            yield _pictures_panel(versions, settings)
        for place, strategy in enumerate(STRATEGIES):
            done = number * len(STRATEGIES) + place
            doing = f"Seed {number + 1} of {settings.seeds}: {TECHNIQUE.arm(strategy).title}"
            config = FinetuneConfig(
                strategy=strategy,  # type: ignore[arg-type]
                per_class=settings.per_class,
                epochs=settings.epochs,
                image_size=SIDE,
                batch_size=BATCH,
                seed=seed,
                device="cpu",
            )
            yield Progress(done=done / steps, phase=doing)
            learned = 0.0  # share of this run's epochs
            for event in finetune(config, versions, backbone=pretrained, checkpoint_every=settings.epochs):
                if isinstance(event, EpochDone):
                    learned = event.epoch / event.epochs
                    yield Progress(done=(done + learned) / steps, phase=doing)
                elif isinstance(event, Working):  # reading features, testing: a sign of life
                    yield Progress(done=(done + learned) / steps, phase=doing)
                elif isinstance(event, Finished):
                    # (4 · test,), one version after another
                    right = event.scores.argmax(axis=1) == event.labels
                    for version, part in zip(VERSIONS, np.split(right, len(VERSIONS)), strict=True):
                        found[strategy, version].append(float(part.mean()))
                    for quantity, version in (("accuracy", "plain"), ("shifted", settings.shift)):
                        value = found[strategy, version][-1]
                        yield Score(arm=strategy, seed=seed, value=value, quantity=quantity)
        yield _shifts_panel(found, settings)
    yield Note(
        message=_compared(found, settings, "full", "linear_probe", "Kumar et al. 2022 report +2 and −7")
    )
    yield Note(message=_compared(found, settings, "lp_ft", "full", "Kumar et al. 2022 report +1 and +10"))
    yield Progress(done=1.0, phase="Done")


def with_shifted_tests(dataset: ImageDataset, settings: FineTuningSettings, seed: int) -> ImageDataset:
    """Give a data set whose test part holds a choice of its test images in all `VERSIONS`, one after another.

    So all accuracies come from the same network, and the test part is still touched once.
    """
    parts = split(dataset, per_class=None, seed=seed)
    order = np.random.default_rng(seed).permutation(len(parts.test))
    by_class = [
        order[parts.test.labels[order] == label][:TEST_IMAGES] for label in range(len(dataset.class_names))
    ]
    plain = parts.test.subset(np.sort(np.concatenate(by_class)))
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


def _compared(found: Found, settings: FineTuningSettings, first: str, second: str, published: str) -> str:
    """Say how ``first`` does beside ``second`` on both test sets, beside what was published."""
    texts = []
    for quantity, words in (("plain", "points on plain"), (settings.shift, "on shifted test images")):
        gain = seeds_difference(found[first, quantity], found[second, quantity], paired=True).difference
        texts.append(f"{_points(gain)} {words}")
    names = TECHNIQUE.arm(first).title, TECHNIQUE.arm(second).title
    return f"{names[0]} against “{names[1]}”: {texts[0]} and {texts[1]}; {published}, on other data."


def _points(gain: Interval) -> str:
    value, low, high = (f"{round(100 * one, 1) + 0.0:+.1f}" for one in (gain.value, gain.low, gain.high))
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
                versions.test.images[place * count + number].repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
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


def _shifts_panel(found: Found, settings: FineTuningSettings) -> Panel:
    return Panel(
        name="shifts",
        title="Every shift",
        caption=f"Share of test images that were right, mean over the seeds so far, severity {settings.severity} of "
        "5; colour is warm light. The same networks in every column.",
        drawing=Grid(
            rows=tuple(TECHNIQUE.arm(strategy).title for strategy in STRATEGIES),
            columns=VERSIONS,
            values=[
                [float(np.mean(found[strategy, version])) for version in VERSIONS] for strategy in STRATEGIES
            ],
            x_title="Test pictures",
            low=0.0,
            high=1.0,
            share=True,
        ),
    )

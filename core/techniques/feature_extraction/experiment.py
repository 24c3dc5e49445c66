"""Pretrained features against hand-made ones, by number of images."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from core.arrays import Floats
from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.open import open_dataset
from core.datasets.splits import some_of_each_class, split
from core.events import Event, Note, Progress
from core.interpretation import classical, specimen
from core.techniques.events import Clouds, Colour, Grid, Panel, Score
from core.techniques.feature_cache import FeatureCache
from core.techniques.feature_extraction import features
from core.techniques.feature_extraction.entry import TECHNIQUE, FeatureExtractionSettings
from core.techniques.feature_extraction.readout import right
from core.techniques.feature_extraction.selection import chosen
from core.techniques.panels import neighbours_map
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed, within, working

NETWORK = "efficientnet_lite0"
SIDE = 96  # pixels; close-ups have 72. At 128 the last stage reads 4 points more, for nearly twice the time
SIZES = (2, 5, 10, 20, 50, 100)  # images of each class


def run(settings: FeatureExtractionSettings) -> Iterator[Event]:
    """Compare all features on one of the lab's own data sets."""
    yield Progress(done=0.0, phase="Opening the pictures")
    yield from measure(settings, open_dataset(settings.data, side=SIDE))


def measure(settings: FeatureExtractionSettings, dataset: ImageDataset) -> Iterator[Event]:
    """Compare all features on ``dataset``, at `SIDE` pixels, seed by seed."""
    pretrained = specimen.pretrained(NETWORK)
    comparison = FeatureComparison(
        settings,
        dataset,
        {
            "network": FeatureCache(features.by_picture(pretrained)),
            "hog": FeatureCache(_each(classical.hog_features)),
            "words": FeatureCache(_each(features.sift_descriptors)),
            "colours": FeatureCache(_each(features.colour_histogram)),
            "pixels": FeatureCache(_each(features.pixels)),
        },
        tuple(stage.name for stage in pretrained.backbone.table),
    )
    yield from each_seed(settings, comparison.one_seed, comparison.report)


def sizes_up_to(most: int) -> list[int]:
    """The numbers of images of each class that are tried; the last one is ``most``."""
    return [*(size for size in SIZES if size < most), most]


def _each(compute: Any) -> Any:
    return lambda images: [compute(image) for image in images]


class FeatureComparison:
    """What is known of every picture, and what was measured."""

    def __init__(
        self,
        settings: FeatureExtractionSettings,
        dataset: ImageDataset,
        store: dict[str, FeatureCache[Any]],
        stages: tuple[str, ...],
    ) -> None:
        self.settings = settings
        self.dataset = dataset
        self.store = store
        self.stages = stages
        self.report = Report(technique=TECHNIQUE)
        self.by_stage: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        self.kept: list[Floats] = []  # of each seed, by stage, a share

    def one_seed(self, seed: int) -> Events:
        """Read every kind of features at every number of images."""
        settings, dataset = self.settings, self.dataset
        sizes = sizes_up_to(settings.most)
        self.store["random"] = FeatureCache(features.by_picture(specimen.random(NETWORK, seed)))
        parts = {size: split(dataset, per_class=size, seed=seed) for size in sizes}
        test = some_of_each_class(parts[sizes[-1]].test, settings.test_images, seed)
        everything = np.concatenate([*(parts[size].train.images for size in sizes), test.images])
        for place, (name, known) in enumerate(self.store.items()):
            begin, end = (0.8 * part / len(self.store) for part in (place, place + 1))
            yield from within(begin, end, working(f"features ({name})", known.learn(everything)))
        for place, size in enumerate(sizes):
            yield Progress(done=0.8 + 0.2 * place / len(sizes), phase=f"{size} images of each class")
            train = parts[size].train
            for arm, (inside, outside) in self.rows(train, test, seed).items():
                answers = right(inside, train.labels, outside, test.labels)
                yield Score(arm=arm, seed=seed, x=float(size), value=float(answers.mean()))
        self.read_stages(parts[sizes[-1]].train, test)
        yield self.stage_panel(sizes[-1])
        yield self.choice_panel(sizes[-1])
        if seed == settings.every_seed[-1]:
            yield Progress(done=0.98, phase="drawing a map")
            yield self.map_panel(test, seed)
            yield self.strongest()

    def rows(
        self, train: LabelledImages, test: LabelledImages, seed: int
    ) -> dict[str, tuple[Floats, Floats]]:
        """Training rows (N, D) and test rows (M, D) of every arm."""
        by_arm: dict[str, tuple[Floats, Floats]] = {}
        inside, outside = self.stacked("network", train), self.stacked("network", test)
        by_arm["last-stage"] = inside[-1], outside[-1]
        every = np.concatenate(inside, axis=1), np.concatenate(outside, axis=1)
        by_arm["all-stages"] = every
        kept = chosen(StandardScaler().fit_transform(every[0]), train.labels, self.settings.strictness)
        self.last_choice = kept
        by_arm["chosen"] = every[0][:, kept], every[1][:, kept]
        words = classical.VisualWords(seed=seed).fit(self.store["words"].of(train.images))
        for name in ("hog", "colours", "pixels"):
            by_arm[name] = tuple(np.stack(self.store[name].of(part.images)) for part in (train, test))  # type: ignore[assignment]
        by_arm["words"] = tuple(  # type: ignore[assignment]
            words.transform(self.store["words"].of(part.images)) for part in (train, test)
        )
        by_arm["random"] = self.stacked("random", train)[-1], self.stacked("random", test)[-1]
        return by_arm

    def stacked(self, name: str, part: LabelledImages) -> list[Floats]:
        """One (N, channels) per stage of a network."""
        return [np.stack(stage) for stage in zip(*self.store[name].of(part.images), strict=True)]

    def read_stages(self, train: LabelledImages, test: LabelledImages) -> None:
        """Read every stage alone, of both networks; and note from where features were chosen."""
        for name in ("network", "random"):
            inside, outside = self.stacked(name, train), self.stacked(name, test)
            for place in range(len(self.stages)):
                answers = right(inside[place], train.labels, outside[place], test.labels)
                self.by_stage[name, place].append(float(answers.mean()))
        borders = np.cumsum([rows.shape[1] for rows in self.stacked("network", train)])[:-1]
        self.kept.append(np.array([part.mean() for part in np.split(self.last_choice, borders)]))

    def strongest(self) -> Note:
        """Say what stands against the network best: of the hand-made features, and of the untrained stages."""

        def mean(arm: str) -> float:
            return float(np.mean([score.value for score in self.report.scores if score.arm == arm]))

        by_hand = max(
            (arm for arm in TECHNIQUE.arms if arm.role == "baseline"),
            key=lambda arm: mean(arm.name),
        )
        best = {
            name: max(float(np.mean(self.by_stage[name, place])) for place in range(len(self.stages)))
            for name in ("network", "random")
        }
        return Note(
            message=f"The strongest hand-made features are “{by_hand.title}”: {mean(by_hand.name):.1%} "
            f"over all numbers of images, where the network's last stage has {mean('last-stage'):.1%}. "
            f"With {sizes_up_to(self.settings.most)[-1]} images of each class, the best single stage reads "
            f"{best['network']:.1%} if pretrained and {best['random']:.1%} if untrained."
        )

    def stage_panel(self, size: int) -> Panel:
        """Draw what each stage alone reads with ``size`` images of each class."""
        values = [
            [float(np.mean(self.by_stage[name, place])) for place in range(len(self.stages))]
            for name in ("network", "random")
        ]
        return Panel(
            name="stages",
            title="What each stage knows by itself",
            caption=f"Test accuracy of the same classifier on one stage alone, {size} images of each class, mean over "
            "the seeds so far.",
            drawing=Grid(
                rows=("Pretrained", "Untrained"),
                columns=self.stages,
                values=values,
                x_title="Stage, from the input",
                low=0.0,
                high=1.0,
                share=True,
            ),
        )

    def choice_panel(self, size: int) -> Panel:
        """Draw how much of each stage was chosen with ``size`` images of each class."""
        return Panel(
            name="choice",
            title="Where the chosen features come from",
            caption=f"Share of each stage's features that the group lasso kept, {size} images of each class, mean over "
            "the seeds so far.",
            drawing=Grid(
                rows=("Kept",),
                columns=self.stages,
                values=[np.mean(self.kept, axis=0).tolist()],
                x_title="Stage, from the input",
                low=0.0,
                high=1.0,
                share=True,
            ),
        )

    def map_panel(self, test: LabelledImages, seed: int) -> Panel:
        """Lay the test images out so that like features lie close together."""
        kinds: tuple[tuple[str, Colour, Floats], ...] = (
            ("Raw pixels", "grey", np.stack(self.store["pixels"].of(test.images))),
            ("Untrained network", "grey", self.stacked("random", test)[-1]),
            ("Pretrained network", "fire", self.stacked("network", test)[-1]),
        )
        plots = tuple(
            neighbours_map(title, colour, StandardScaler().fit_transform(rows), test.labels, seed)
            for title, colour, rows in kinds
        )
        return Panel(
            name="map",
            title="Which test images look alike",
            caption="t-SNE (van der Maaten & Hinton 2008) of the test images; each sign is a class. Labels were not "
            "used. Distances between far groups mean nothing.",
            drawing=Clouds(plots=plots),
        )

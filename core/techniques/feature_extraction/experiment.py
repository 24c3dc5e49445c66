"""Pretrained features against hand-made ones, by number of images."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.open import open_dataset
from core.datasets.splits import split
from core.events import Event, Note, Progress
from core.interpretation import classical, specimen
from core.techniques.events import Cloud, Clouds, Colour, Grid, Panel, Score
from core.techniques.feature_extraction import features
from core.techniques.feature_extraction.entry import TECHNIQUE, FeatureExtractionSettings
from core.techniques.feature_extraction.features import Remembered
from core.techniques.feature_extraction.readout import right
from core.techniques.feature_extraction.selection import chosen

NETWORK = "tiny_resnet18"
SIDE = 64  # pixels: what the built-in network was trained on
SIZES = (2, 5, 10, 20, 50, 100)  # images of each class

Floats = NDArray[np.float64]


def run(settings: FeatureExtractionSettings) -> Iterator[Event]:
    """Compare all features on one of the lab's own data sets."""
    yield Progress(done=0.0, phase="Opening the pictures")
    yield from measure(settings, open_dataset(settings.data, side=SIDE))


def measure(settings: FeatureExtractionSettings, dataset: ImageDataset) -> Iterator[Event]:
    """Compare all features on ``dataset``, at 64 pixels, seed by seed."""
    pretrained = specimen.pretrained(NETWORK)
    bench = _Bench(
        settings,
        {
            "network": Remembered(features.by_picture(pretrained)),
            "hog": Remembered(_each(classical.hog_features)),
            "words": Remembered(_each(features.sift_descriptors)),
            "colours": Remembered(_each(features.colour_histogram)),
            "pixels": Remembered(_each(features.pixels)),
        },
        tuple(stage.name for stage in pretrained.backbone.table),
    )
    for number, seed in enumerate(settings.every_seed):
        bench.store["random"] = Remembered(features.by_picture(specimen.random(NETWORK, seed)))
        yield from bench.one_seed(number, seed, dataset)


def sizes_up_to(most: int) -> list[int]:
    """The numbers of images of each class that are tried; the last one is ``most``."""
    return [*(size for size in SIZES if size < most), most]


def tested(part: LabelledImages, most: int, seed: int) -> LabelledImages:
    """At most ``most`` images of each class."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(part))
    taken = [order[part.labels[order] == label][:most] for label in np.unique(part.labels)]
    return part.subset(np.sort(np.concatenate(taken)))


def _each(compute: Any) -> Any:
    return lambda images: [compute(image) for image in images]


class _Bench:
    """What is known of every picture, and what was measured."""

    def __init__(
        self, settings: FeatureExtractionSettings, store: dict[str, Remembered[Any]], stages: tuple[str, ...]
    ) -> None:
        self.settings = settings
        self.store = store
        self.stages = stages
        self.found: defaultdict[str, list[float]] = defaultdict(list)  # of each arm, over seeds and sizes
        self.by_stage: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        self.kept: list[Floats] = []  # of each seed, by stage, a share

    def one_seed(self, number: int, seed: int, dataset: ImageDataset) -> Iterator[Event]:
        settings = self.settings
        sizes = sizes_up_to(settings.most)

        def progress(share: float, doing: str) -> Progress:
            return Progress(
                done=(number + share) / settings.seeds,
                phase=f"Seed {number + 1} of {settings.seeds}: {doing}",
            )

        parts = {size: split(dataset, per_class=size, seed=seed) for size in sizes}
        test = tested(parts[sizes[-1]].test, settings.test_images, seed)
        everything = np.concatenate([*(parts[size].train.images for size in sizes), test.images])
        for place, (name, known) in enumerate(self.store.items()):
            for share in known.learn(everything):
                yield progress(0.8 * (place + share) / len(self.store), f"features ({name})")
        for place, size in enumerate(sizes):
            yield progress(0.8 + 0.2 * place / len(sizes), f"{size} images of each class")
            train = parts[size].train
            for arm, (inside, outside) in self.rows(train, test, seed).items():
                found = right(inside, train.labels, outside, test.labels)
                self.found[arm].append(float(found.mean()))
                yield Score(arm=arm, seed=seed, x=float(size), value=float(found.mean()))
        self.read_stages(parts[sizes[-1]].train, test)
        yield self.stage_panel(sizes[-1])
        yield self.choice_panel(sizes[-1])
        if number == settings.seeds - 1:
            yield progress(0.98, "drawing a map")
            yield self.map_panel(test, seed)
            yield self.strongest()
            yield Progress(done=1.0, phase="Done")

    def rows(
        self, train: LabelledImages, test: LabelledImages, seed: int
    ) -> dict[str, tuple[Floats, Floats]]:
        """Training rows (N, D) and test rows (M, D) of every arm."""
        found: dict[str, tuple[Floats, Floats]] = {}
        inside, outside = self.stacked("network", train), self.stacked("network", test)
        found["last-stage"] = inside[-1], outside[-1]
        every = np.concatenate(inside, axis=1), np.concatenate(outside, axis=1)
        found["all-stages"] = every
        kept = chosen(StandardScaler().fit_transform(every[0]), train.labels, self.settings.strictness)
        self.last_choice = kept
        found["chosen"] = every[0][:, kept], every[1][:, kept]
        words = classical.VisualWords(seed=seed).fit(self.store["words"].of(train.images))
        for name in ("hog", "colours", "pixels"):
            found[name] = tuple(np.stack(self.store[name].of(part.images)) for part in (train, test))  # type: ignore[assignment]
        found["words"] = tuple(  # type: ignore[assignment]
            words.transform(self.store["words"].of(part.images)) for part in (train, test)
        )
        found["random"] = self.stacked("random", train)[-1], self.stacked("random", test)[-1]
        return found

    def stacked(self, name: str, part: LabelledImages) -> list[Floats]:
        """One (N, channels) per stage of a network."""
        return [np.stack(stage) for stage in zip(*self.store[name].of(part.images), strict=True)]

    def read_stages(self, train: LabelledImages, test: LabelledImages) -> None:
        """Read every stage alone, of both networks; and note from where features were chosen."""
        for name in ("network", "random"):
            inside, outside = self.stacked(name, train), self.stacked(name, test)
            for place in range(len(self.stages)):
                found = right(inside[place], train.labels, outside[place], test.labels)
                self.by_stage[name, place].append(float(found.mean()))
        borders = np.cumsum([rows.shape[1] for rows in self.stacked("network", train)])[:-1]
        self.kept.append(np.array([part.mean() for part in np.split(self.last_choice, borders)]))

    def strongest(self) -> Note:
        """Say what stands against the network best: of the hand-made features, and of the untrained stages."""
        by_hand = max(
            (arm for arm in TECHNIQUE.arms if arm.role == "baseline"),
            key=lambda arm: float(np.mean(self.found[arm.name])),
        )
        best = {
            name: max(float(np.mean(self.by_stage[name, place])) for place in range(len(self.stages)))
            for name in ("network", "random")
        }
        return Note(
            message=f"The strongest hand-made features are “{by_hand.title}”: {np.mean(self.found[by_hand.name]):.1%} "
            f"over all numbers of images, where the network's last stage has {np.mean(self.found['last-stage']):.1%}. "
            f"With {sizes_up_to(self.settings.most)[-1]} images of each class, the best single stage reads "
            f"{best['network']:.1%} if pretrained and {best['random']:.1%} if untrained."
        )

    def stage_panel(self, size: int) -> Panel:
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
        plots = []
        for title, colour, rows in kinds:
            standard = StandardScaler().fit_transform(rows)
            near = min(20.0, (len(test) - 1) / 3)
            flat = TSNE(perplexity=near, init="pca", random_state=seed, max_iter=500).fit_transform(standard)
            cloud = Cloud(
                name=title,
                colour=colour,
                points=[(float(x), float(y)) for x, y in flat],
                symbols=test.labels.tolist(),
            )
            plots.append((title, (cloud,)))
        return Panel(
            name="map",
            title="Which test images look alike",
            caption="t-SNE (van der Maaten & Hinton 2008) of the test images; each sign is a class. Labels were not "
            "used. Distances between far groups mean nothing.",
            drawing=Clouds(plots=tuple(plots)),
        )

"""What transfer gains: pretrained networks at several freeze depths beside the same from scratch and beside HOG.

    python -m benchmarks.transfer_accuracy --data ../shared/data --work DIR [--sizes 20 100] [--methods hog scratch]

Pretrained networks at every depth are the evidence behind the advice (`tools/measure_evidence.py`); here stands what
evidence leaves out, by the same protocol: the same draws, steps and test images, three seeds. That is the network
**from scratch**; a control that knows no photographs, **HOG** (Dalal & Triggs 2005, scikit-image, at 64 px) with
logistic regression (scikit-learn); and the linear **probe** at larger sides, which needs a forward pass alone. One
line of JSON a result is kept in DIR, so that an interrupted measurement goes on where it stopped. Printed is all of it
in one table, means with 95 % t intervals; "advised" is the depth that the advice chose after probing, with the data set
unseen.
"""

import argparse
import itertools
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2gray
from skimage.feature import hog
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.advice import evidence
from core.advice.judge import POLICIES
from core.arrays import Labels, Pixels
from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.datasets.dataset import ImageDataset, LabelledImages
from core.metrics.classification import mean_interval
from core.techniques.feature_cache import FeatureCache
from core.training import probe, strategies
from core.training.cache import Features
from core.training.config import FinetuneConfig
from core.training.run import CHUNKS
from core.training.sweep import Bench, draw, parts
from core.training.sweep_config import SweepArm, SweepConfig
from core.training.views import views_of
from tools.measure_evidence import SEEDS, SIDES, open_task, rows

DATA_SETS = (
    "hymenoptera", "cats-dogs", "textures", "steel-defects", "satellite", "pacs-sketch", "chest-xray", "mnist-6000",
)  # fmt: skip
METHODS = ("hog", "probe", "scratch")  # the cheapest first
HOG_SIDE = 64  # pixels
PROBE_SIDES = (128, 160, 224)  # beside that of the evidence
LINES = "transfer.jsonl"


def hog_features(images: Pixels) -> NDArray[np.float64]:
    """HOG with 9 orientations, 8 x 8 pixel cells, 2 x 2 blocks: images (N, S, S, 3) -> (N, D)."""
    return np.stack([hog(rgb2gray(image), channel_axis=None) for image in images])


def hog_accuracy(train: LabelledImages, test: LabelledImages) -> float:
    """Fit HOG + logistic regression; its accuracy (0-1)."""
    classifier = make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=[1e-4, 1e-3, 1e-2, 1e-1],
            cv=3,
            scoring=None,
            max_iter=500,
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
        ),
    )
    classifier.fit(hog_features(train.images), train.labels)
    return float(classifier.score(hog_features(test.images), test.labels))


def scratch_accuracy(
    dataset: ImageDataset, name: str, *, side: int, per_class: int | None, seed: int
) -> float:
    """Train ``name`` from random weights as the evidence trains it with nothing frozen; its accuracy (0-1)."""
    config = SweepConfig(
        backbone=name, per_class=per_class, seeds=1, first_seed=seed, lp_ft=False, image_size=side
    )
    start = strategies.start(FinetuneConfig(backbone=name, strategy="scratch", seed=seed), None)
    bench = Bench(config, dataset, start)
    training = bench.measure(SweepArm(depth=0), seed)
    try:
        while True:
            next(training)
    except StopIteration as end:
        accuracy: float = end.value.accuracy
        return accuracy
    finally:
        bench.close()


def pooled(backbone: Backbone, side: int) -> Callable[[Pixels], list[NDArray[np.float64]]]:
    """Answer with what a linear probe of ``backbone`` reads: images (N, S, S, 3) -> N vectors (feature_size,)."""

    def compute(images: Pixels) -> list[NDArray[np.float64]]:
        part = LabelledImages(images=images, labels=np.zeros(len(images), dtype=np.int64))
        views = views_of(
            part, normalisation=stages.normalisation(backbone.name), size=side, device=torch.device("cpu")
        )
        return list(probe.rows_of(Features(backbone, views, depth=backbone.depth, size=CHUNKS["cpu"]))[0])

    return compute


def probe_accuracy(
    known: FeatureCache[NDArray[np.float64]], train: LabelledImages, test: LabelledImages, *, seed: int
) -> float:
    """Fit a linear probe; its accuracy (0-1)."""
    inside, outside = (_read(known, part.images) for part in (train, test))
    *_, solution = probe.fit(inside, train.labels, images=len(train), seed=seed)
    assert isinstance(solution, probe.Probe)
    named: Labels = (outside @ solution.weight.T + solution.bias).argmax(axis=1)
    return float((named == test.labels).mean())


def _read(known: FeatureCache[NDArray[np.float64]], images: Pixels) -> NDArray[np.float64]:
    for _ in known.learn(images):
        pass
    return np.stack(known.of(images))


@cache
def probed(name: str, side: int) -> FeatureCache[NDArray[np.float64]]:
    """Remember what the pretrained network ``name`` answers to pictures of ``side`` pixels."""
    backbone = stages.build(name)
    weights.load_pretrained(backbone)
    backbone.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return FeatureCache(pooled(backbone, side))


def measure(chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure what is not in the file yet: a row each."""
    there = {_key(row) for row in rows(chosen.work / LINES)}
    for method, name, per_class, seed in itertools.product(chosen.methods, chosen.only, chosen.sizes, SEEDS):
        evidence_side = SIDES[chosen.backbone]
        sides = {"hog": (HOG_SIDE,), "probe": chosen.probe_sides, "scratch": (evidence_side,)}[method]
        for side in sides:
            row: dict[str, Any] = {
                "data": name,
                "per_class": per_class,
                "seed": seed,
                "arm": method,
                "backbone": None if method == "hog" else chosen.backbone,
                "side": side,
            }
            if _key(row) in there:
                continue
            dataset = opened(chosen.data, name, side)
            pool, test = parts(dataset, seed)
            train = pool.subset(draw(pool.labels, per_class, seed=seed))
            began = time.process_time()
            if method == "hog":
                accuracy = hog_accuracy(train, test)
            elif method == "probe":
                accuracy = probe_accuracy(probed(chosen.backbone, side), train, test, seed=seed)
            else:
                accuracy = scratch_accuracy(
                    dataset, chosen.backbone, side=side, per_class=per_class, seed=seed
                )
            seconds = round(time.process_time() - began, 2)
            yield row | {
                "accuracy": round(accuracy, 5),
                "images": len(train),
                "test": len(test),
                "seconds": seconds,
            }


@cache
def opened(data: Path, name: str, side: int) -> ImageDataset:
    """Open a data set of the evidence once."""
    return open_task(name, data=data, side=side)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("data", "per_class", "seed", "arm", "backbone", "side"))


def table(lines: list[dict[str, Any]], networks: list[str]) -> str:
    """Markdown: a line per data set and number of images, a column per method; means with 95 % t intervals."""
    columns: dict[str, dict[tuple[str, int | None], list[float]]] = {}
    for network in networks:
        columns |= depths(network)
    for row in lines:
        of = "HOG" if row["arm"] == "hog" else f"{row['backbone']} {row['arm']}"
        column = columns.setdefault(f"{of}, {row['side']} px", {})
        column.setdefault((row["data"], row["per_class"]), []).append(row["accuracy"])
    wanted = dict.fromkeys((row["data"], row["per_class"]) for row in lines)
    text = [f"| data set | of each class | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|"]
    for name, per_class in wanted:
        cells = [_spoken(column.get((name, per_class), [])) for column in columns.values()]
        text.append(f"| {name} | {per_class or 'all'} | {' | '.join(cells)} |")
    return "\n".join(text)


def depths(network: str) -> dict[str, dict[tuple[str, int | None], list[float]]]:
    """Read, from the evidence that ships, the probe, the depth that the advice chose, and full fine-tuning."""
    shipped = evidence.load(network)
    if shipped is None:
        return {}
    side = f"{shipped.image_size} px"
    probes, advised, full = (
        f"{network} probe, {side}",
        f"{network} advised, {side}",
        f"{network} full, {side}",
    )
    columns: dict[str, dict[tuple[str, int | None], list[float]]] = {probes: {}, advised: {}, full: {}}
    for cell in shipped.cells:
        if cell.task not in DATA_SETS:
            continue
        place = cell.task, cell.per_class
        columns[probes][place] = list(cell.accuracy[shipped.arms[-1]])
        columns[full][place] = list(cell.accuracy[shipped.arms[0]])
        if cell.task in {known for known, _ in shipped.measures}:
            arms = POLICIES["advice-probed"].choose(shipped, cell)
            arms = arms * len(cell.accuracy[arms[0]]) if len(arms) == 1 else arms
            columns[advised][place] = [cell.accuracy[arm][seed] for seed, arm in enumerate(arms)]
    return columns


def _spoken(values: list[float]) -> str:
    if len(values) < 2:
        return "not measured" if not values else f"{values[0]:.3f} (1 seed)"
    interval = mean_interval(values)
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def main() -> None:
    """Measure what is missing, then print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder with the ZIPs")
    parser.add_argument("--work", type=Path, required=True, help="where lines of JSON are kept")
    parser.add_argument("--backbone", default=catalogue.DEFAULT, choices=sorted(SIDES))
    parser.add_argument("--only", nargs="+", default=DATA_SETS, help="names of data sets")
    parser.add_argument(
        "--sizes",
        nargs="+",
        default=[20],
        type=lambda text: None if text == "all" else int(text),
        help="images per class, or all",
    )
    parser.add_argument("--methods", nargs="*", default=METHODS, choices=METHODS)
    parser.add_argument("--probe-sides", nargs="+", type=int, default=PROBE_SIDES)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    chosen.work.mkdir(parents=True, exist_ok=True)
    for row in measure(chosen):
        with (chosen.work / LINES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(*row.values(), flush=True)
    print(table(rows(chosen.work / LINES), [chosen.backbone, catalogue.BUILT_IN]))


if __name__ == "__main__":
    main()

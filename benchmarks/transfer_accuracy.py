"""What transfer gains: probe and full fine-tuning against from scratch and against HOG, several seeds each.

    python -m benchmarks.transfer_accuracy --data ../shared/data/textures.zip digits --results accuracy.json

For every data set and seed: a converged linear probe, full fine-tuning, the same network from scratch with the
same budget (epochs, views, batches), and a classical control that knows no photographs: HOG (Dalal & Triggs 2005,
scikit-image) with logistic regression (scikit-learn). All are tested on the same held-out images. Results are kept in
one JSON file after every run, so that an interrupted measurement goes on where it stopped.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2gray
from skimage.feature import hog
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.backbones import catalogue
from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.open import open_dataset
from core.datasets.splits import split
from core.metrics.classification import mean_interval, wilson
from core.training.config import FinetuneConfig
from core.training.events import Finished
from core.training.run import finetune

METHODS = ("linear_probe", "full", "scratch", "hog")


def hog_features(part: LabelledImages) -> NDArray[np.float64]:
    """HOG with 9 orientations, 8 x 8 pixel cells, 2 x 2 blocks: (N, D)."""
    return np.stack([hog(rgb2gray(image), channel_axis=None) for image in part.images])


def hog_accuracy(dataset: ImageDataset, *, per_class: int | None, seed: int) -> tuple[float, int]:
    """Fit HOG + logistic regression on train and validation images; test accuracy (0-1) and test images."""
    parts = split(dataset, per_class=per_class, seed=seed)
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
    classifier.fit(
        np.concatenate([hog_features(parts.train), hog_features(parts.validation)]),
        np.concatenate([parts.train.labels, parts.validation.labels]),
    )
    return float(classifier.score(hog_features(parts.test), parts.test.labels)), len(parts.test)


def engine_accuracy(dataset: ImageDataset, config: FinetuneConfig) -> tuple[float, int]:
    """Run the engine; test accuracy (0-1) and test images."""
    for event in finetune(config, dataset):
        if isinstance(event, Finished):
            return event.test.accuracy.value, event.test.count
    raise RuntimeError("the run ended without a result")


def measure(dataset: ImageDataset, method: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """One method, one seed."""
    started = time.perf_counter()
    if method == "hog":
        accuracy, count = hog_accuracy(dataset, per_class=arguments.per_class, seed=seed)
    else:
        config = FinetuneConfig(
            backbone=arguments.backbone,
            weights=arguments.weights,
            strategy=method,  # type: ignore[arg-type]
            epochs=None if method == "linear_probe" else arguments.epochs,
            per_class=arguments.per_class,
            image_size=arguments.image_size,
            seed=seed,
        )
        accuracy, count = engine_accuracy(dataset, config)
    return {"accuracy": accuracy, "count": count, "seconds": time.perf_counter() - started}


def table(results: dict[str, dict[str, Any]]) -> str:
    """Markdown: a line per data set; mean over seeds with a 95 % t interval, mean seconds in brackets.

    One seed has no interval over seeds: then the Wilson interval of its test images stands there.
    """
    lines = [
        "| data set | test images | seeds | " + " | ".join(METHODS) + " |",
        "|---" * (3 + len(METHODS)) + "|",
    ]
    for name in dict.fromkeys(key.split("/")[0] for key in results):
        cells, seeds, count = [], 0, 0
        for method in METHODS:
            runs = [run for key, run in results.items() if key.startswith(f"{name}/{method}/")]
            if not runs:
                cells.append("not measured")
                continue
            seeds, count = max(seeds, len(runs)), runs[0]["count"]
            interval = (
                mean_interval([run["accuracy"] for run in runs])
                if len(runs) > 1
                else wilson(round(runs[0]["accuracy"] * count), count)
            )
            seconds = sum(run["seconds"] for run in runs) / len(runs)
            cells.append(
                f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}] ({len(runs)}; {seconds:.0f} s)"
            )
        lines.append(f"| {name} | {count} | {seeds} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing in the results file, then print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="catalogue names, ZIPs or folders")
    parser.add_argument("--results", type=Path, required=True, help="JSON file that collects the figures")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--backbone", default="tiny_resnet18")
    parser.add_argument("--weights", default="pretrained")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--epochs", type=int, help="for full and scratch alike; the strategy's default if left out"
    )
    parser.add_argument("--per-class", type=int)
    parser.add_argument("--image-size", type=int)
    arguments = parser.parse_args()
    side = arguments.image_size or catalogue.entry(arguments.backbone).image_size
    results: dict[str, dict[str, Any]] = {}
    if arguments.results.exists():
        results = json.loads(arguments.results.read_text())
    for reference in arguments.data:
        dataset = None
        for seed in range(arguments.seeds):
            for method in arguments.methods:
                key = f"{Path(reference).stem}/{method}/{seed}"
                if key in results:
                    continue
                dataset = dataset or open_dataset(reference, side=side)
                results[key] = measure(dataset, method, seed, arguments)
                arguments.results.write_text(json.dumps(results, indent=1))
                print(f"{key}: {results[key]['accuracy']:.4f} in {results[key]['seconds']:.0f} s", flush=True)
    print(table(results))


if __name__ == "__main__":
    main()

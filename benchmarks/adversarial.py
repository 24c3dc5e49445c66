"""DANN from MNIST to USPS, beside published numbers, and from photographs to the styles of PACS.

    python -m benchmarks.adversarial [--data ../shared/data] [--seeds 5]

The same images and network as in `benchmarks.domain_adaptation`; then once more with a target that lacks the digits 5
to 9, in training and test, so that features of both domains cannot look alike without mixing digits up. PACS has 280
labelled photographs, 280 pictures of the other style without labels, 140 for the test: too few to train a network on,
so that one layer learns on pooled features of the built-in backbone, which stays as it is.
"""

import argparse
import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from benchmarks.domain_adaptation import PACS_SIDE, STAGE, STEPS, STYLES, mnist_to_usps, table
from core.backbones.stages import seeded
from core.datasets.dataset import LabelledImages
from core.datasets.open import open_dataset
from core.interpretation import specimen
from core.metrics.similarity import pooled_features
from core.techniques.adversarial import reversal
from core.techniques.adversarial.entry import TECHNIQUE, AdversarialSettings
from core.techniques.adversarial.experiment import JUDGE_RATE, JUDGES
from core.techniques.digits.network import FEATURES, DigitNetwork, accuracy, random_network
from core.techniques.digits.tensors import DomainTensors, Labelled
from core.techniques.digits.training import train


def scores(
    parts: DomainTensors,
    seed: int,
    steps: int = STEPS,
    built: Callable[[int], DigitNetwork] = random_network,
) -> dict[str, float]:
    """Accuracy on the target's test of the source alone, of DANN and of DANN without reversal."""
    settings = AdversarialSettings()
    found = {}
    for arm in ("source", "dann", "together"):
        one, judge = built(seed), reversal.domain_classifier(seed + JUDGES)
        peak = settings.peak if arm == "dann" else 0.0
        for _ in train(
            one,
            parts.source,
            steps=steps,
            seed=seed,
            unlabelled=parts.target[0],
            penalty=None if arm == "source" else reversal.confusion(judge, peak, settings.steepness),
            others=() if arm == "source" else judge.parameters(),
            others_rate=JUDGE_RATE,
            annealed=True,
        ):
            pass
        found[arm] = accuracy(one, parts.target_test)
    return found


def up_to(labelled: Labelled, most: int) -> Labelled:
    """Keep the images of the digits 0 to ``most``."""
    images, labels = labelled
    return images[labels <= most], labels[labels <= most]


def photo_to(folder: Path, style: str) -> DomainTensors:
    """Read PACS as rows of the built-in backbone's features (N, C), in units of the photographs' spread."""
    photos, other = (
        open_dataset(str(folder / f"pacs-{name}.zip"), side=PACS_SIDE) for name in ("photo", style)
    )
    assert photos.test is not None
    assert other.test is not None
    one = specimen.pretrained("tiny_resnet18")

    def rows(part: LabelledImages) -> Labelled:
        found = pooled_features(one.backbone, one.input(part.images).split(64))[STAGE]
        return torch.from_numpy(found).float(), torch.from_numpy(part.labels)

    source = rows(photos.train)
    middle, spread = source[0].mean(dim=0), source[0].std(dim=0).clamp_min(1e-6)
    source, source_test, target, target_test = (
        ((features - middle) / spread, labels)
        for features, labels in (source, rows(photos.test), rows(other.train), rows(other.test))
    )
    return DomainTensors(source=source, source_test=source_test, target=target, target_test=target_test)


def one_layer(parts: DomainTensors, seed: int) -> DigitNetwork:
    """Put one layer, whose statistics are those of the batch, where the network for digits has convolutions."""
    channels, classes = parts.source[0].shape[1], int(parts.source[1].max()) + 1
    with seeded(seed):
        one = DigitNetwork(classes=classes)
        one.features = nn.Sequential(nn.Linear(channels, FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU())
    return one


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    for title, most in (("all digits", 9), ("the target lacks 5 to 9", 4)):
        started = time.process_time()
        measured: defaultdict[str, list[float]] = defaultdict(list)
        for seed in range(arguments.seeds):
            parts = mnist_to_usps(arguments.data, seed)
            kept = dataclasses.replace(
                parts, target=up_to(parts.target, most), target_test=up_to(parts.target_test, most)
            )
            for arm, value in scores(kept, seed).items():
                measured[arm].append(value)
        seconds = time.process_time() - started
        print(f"\nMNIST -> USPS, {title}, {arguments.seeds} seeds, {seconds:.0f} s of processor time\n")
        table(TECHNIQUE, measured, published=most == 9)
    for style in STYLES:
        parts = photo_to(arguments.data, style)
        rows = [
            scores(parts, seed, built=lambda seed, parts=parts: one_layer(parts, seed))  # type: ignore[misc]
            for seed in range(arguments.seeds)
        ]
        print(f"\nPACS, photographs -> {style}, {arguments.seeds} seeds, 140 test images\n")
        table(TECHNIQUE, {arm: [row[arm] for row in rows] for arm in rows[0]}, published=False)


if __name__ == "__main__":
    main()

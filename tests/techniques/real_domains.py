"""Digits and pictures of real domains, from archives beside the project: MNIST -> USPS, and the styles of PACS."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.backbones.stages import seeded
from core.datasets.dataset import LabelledImages
from core.datasets.open import open_dataset
from core.images.decoding import square_from_array
from core.interpretation import specimen
from core.metrics.similarity import pooled_features
from core.techniques.adversarial import reversal
from core.techniques.adversarial.entry import AdversarialSettings
from core.techniques.adversarial.experiment import JUDGE_RATE, JUDGES
from core.techniques.digits.domains import SIDE
from core.techniques.digits.network import FEATURES, DigitNetwork, accuracy, random_network
from core.techniques.digits.tensors import DomainTensors, Labelled, as_tensors
from core.techniques.digits.training import train
from core.techniques.domain_adaptation import adabn, coral, transport
from core.techniques.domain_adaptation.experiment import refitted

STEPS = 300
TARGET = 1000  # USPS digits to train on; the rest is for the test
STAGE = "layer4"
PACS_SIDE = 64

Floats = NDArray[np.float64]


def usps(folder: Path) -> LabelledImages:
    """Read USPS's test split (2007 digits) at `SIDE` pixels, white on black as MNIST is."""
    from sklearn.datasets import load_svmlight_file

    values, labels = load_svmlight_file(str(folder / "usps-test.libsvm.bz2"), n_features=256)
    grey = ((values.toarray().reshape(-1, 16, 16) + 1) * 127.5).clip(0, 255).round().astype(np.uint8)
    images = np.stack([square_from_array(one, SIDE) for one in grey])
    return LabelledImages(images=images, labels=labels.astype(np.int64) - 1)  # labels 1-10 mean 0-9


def mnist_to_usps(folder: Path, seed: int) -> DomainTensors:
    """Deal MNIST's subset and USPS's test split to source and target, other target images for every seed."""
    mnist = open_dataset(str(folder / "mnist-6000.zip"), side=SIDE)
    assert mnist.test is not None
    digits = usps(folder)
    order = np.random.default_rng(seed).permutation(len(digits))
    return DomainTensors(
        source=as_tensors(mnist.train),
        source_test=as_tensors(mnist.test),
        target=as_tensors(digits.subset(order[:TARGET])),
        target_test=as_tensors(digits.subset(order[TARGET:])),
    )


def pacs_scores(folder: Path, style: str) -> dict[str, float]:
    """Accuracy on a style's test images of a linear classifier on the built-in backbone's features, by arm."""
    photos, other = (
        open_dataset(str(folder / f"pacs-{name}.zip"), side=PACS_SIDE) for name in ("photo", style)
    )
    assert other.test is not None
    one = specimen.pretrained("tiny_resnet18")

    def features(backbone: specimen.Backbone, images: NDArray[np.uint8]) -> Floats:
        return pooled_features(backbone, one.input(images).split(64))[STAGE].astype(np.float64)

    source, target, test = (
        features(one.backbone, part.images) for part in (photos.train, other.train, other.test)
    )
    labels = as_tensors(photos.train)[1]
    adapted = adabn.adapt(one.private_copy(), one.input(other.train.images))

    def right(moved: Floats, of_test: Floats = test) -> float:
        return float((refitted(moved, labels, of_test) == other.test.labels).mean())  # type: ignore[union-attr]

    of_target = refitted(target, as_tensors(other.train)[1], test)
    return {
        "source": right(source),
        "adabn": right(source, features(adapted, other.test.images)),
        "coral": right(coral.align(source, target)),
        "transport": right(transport.transported(source, target)),
        "target": float((of_target == other.test.labels).mean()),
    }


def adversarial_scores(
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

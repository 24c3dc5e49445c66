"""The riding story with pictures: does a network that knows bicycles learn motorcycles from fewer of them?

    python -m tools.measure_picture_bridge --data ../shared/data/cifar100-vehicles.zip

A two-way question, asked twice: "a bicycle, or another vehicle?" (the source) and "a motorcycle, or another vehicle?"
(the target). The others are buses, pickup trucks, tractors and streetcars; the halves of them that source and target
see do not overlap, and test pictures are never trained on. All arms are the same network with the same steps, rate and
batches on the target; they differ in where they start:

- from scratch: random;
- from bicycles: random, then the source; everything is kept, the head too;
- from reversed bicycles: the same, but the source's two answers are swapped, as reversed handlebars swap sides;
- built-in weights: 200 classes of Tiny ImageNet, none of them a bicycle or a motorcycle; new head;
- built-in weights, then bicycles: both.

Every answer is kept in a work file as soon as it is measured, so an interrupted measurement goes on where it stopped.
Only figures ship (``core/riding/measured/pictures.json``), no picture.
"""

import argparse
import copy
import datetime
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.datasets.dataset import ImageDataset
from core.datasets.open import open_dataset
from core.images.normalisation import IMAGENET
from core.riding import picture_bridge
from core.riding.picture_bridge import ARMS, COUNTS, OTHERS, SOURCE, TARGET
from core.training import batch_norm
from core.training.strategies import initialise
from core.training.views import generator

SIDE = 32  # pixels, as the pictures have
SEEDS = 5
SOURCE_EPOCHS, STEPS = 10, 40
BATCH, RATE, DECAY = 32, 1e-3, 1e-2
SOURCE_OTHERS = 150  # pictures of each other class for the source; the target has the rest

BridgePictures = tuple[Tensor, Tensor]  # (N, 3, side, side) normalised, (N,) 0 other or 1


class Material:
    """The data set, cut into what source, target and test may see."""

    def __init__(self, dataset: ImageDataset) -> None:
        assert dataset.test is not None
        self.names = dataset.class_names
        self.train = self._prepared(dataset.train.images)
        self.test = self._prepared(dataset.test.images)
        self.train_labels, self.test_labels = dataset.train.labels, dataset.test.labels

    @staticmethod
    def _prepared(images: NDArray[np.uint8]) -> Tensor:
        return IMAGENET.apply(torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2))

    def _of(self, labels: NDArray[np.int64], name: str) -> NDArray[np.int64]:
        return np.flatnonzero(labels == self.names.index(name))

    def source(self) -> BridgePictures:
        """Every bicycle, and as many others, evenly."""
        yes = self._of(self.train_labels, SOURCE)
        each = len(yes) // len(OTHERS)
        no = np.concatenate([self._of(self.train_labels, name)[:SOURCE_OTHERS][:each] for name in OTHERS])
        return self._pick(yes, no)

    def target(self, count: int, seed: int) -> BridgePictures:
        """Draw ``count`` motorcycles and as many others, evenly; larger draws contain smaller ones."""
        drawn = np.random.default_rng((seed, 7))
        yes = drawn.permutation(self._of(self.train_labels, TARGET))[:count]
        shuffled = [drawn.permutation(self._of(self.train_labels, name)[SOURCE_OTHERS:]) for name in OTHERS]
        start = seed % len(OTHERS)  # whose turn it is first where the count does not divide
        order = [shuffled[(start + k) % len(OTHERS)] for k in range(len(OTHERS))]
        no = np.array([order[k % len(OTHERS)][k // len(OTHERS)] for k in range(count)])
        return self._pick(yes, no)

    def tested(self, name: str) -> BridgePictures:
        """Every test picture of ``name``, and as many others, evenly."""
        yes = self._of(self.test_labels, name)
        each = len(yes) // len(OTHERS)
        no = np.concatenate([self._of(self.test_labels, other)[:each] for other in OTHERS])
        labels = torch.cat([torch.ones(len(yes)), torch.zeros(len(no))]).long()
        return torch.cat([self.test[yes], self.test[no]]), labels

    def _pick(self, yes: NDArray[np.int64], no: NDArray[np.int64]) -> BridgePictures:
        labels = torch.cat([torch.ones(len(yes)), torch.zeros(len(no))]).long()
        return torch.cat([self.train[yes], self.train[no]]), labels


def practise(network: Backbone, pictures: BridgePictures, *, steps: int, seed: int) -> None:
    """AdamW with a cosine rate on flipped pictures, then BatchNorm's averages over them; changes ``network``."""
    images, labels = pictures
    drawn = generator(seed, "picture bridge")
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    network.train()
    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < min(BATCH, len(labels)):
            order = torch.cat([order, torch.randperm(len(labels), generator=drawn)])
        batch, order = order[:BATCH], order[BATCH:]
        flip = torch.rand(len(batch), generator=drawn) < 0.5
        seen = torch.where(flip[:, None, None, None], images[batch].flip(3), images[batch])
        loss = nn.functional.cross_entropy(network(seen), labels[batch])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    parts = torch.randperm(len(labels), generator=drawn).tensor_split(-(-len(labels) // BATCH))
    batch_norm.average_statistics(
        batch_norm.trained_layers(network, ()), parts, lambda numbers: network(images[numbers])
    )


@torch.no_grad()
def accuracy(network: Backbone, pictures: BridgePictures) -> float:
    """Share of right answers, 0-1."""
    network.eval()
    images, labels = pictures
    return float((network(images).argmax(1) == labels).float().mean())


def beginning(arm: str, material: Material, seed: int, known: dict[str, Backbone]) -> Backbone:
    """Build the network that ``arm`` starts the target with; sources are trained once a seed and kept in ``known``."""
    if arm not in known:
        if arm == "reversed":
            network = copy.deepcopy(beginning("bicycle", material, seed, known))
            head = next(module for module in network.head.modules() if isinstance(module, nn.Linear))
            with torch.no_grad():
                head.weight.copy_(head.weight.flip(0))
                head.bias.copy_(head.bias.flip(0))
        elif arm in ("bicycle", "built_in_bicycle"):
            start = "scratch" if arm == "bicycle" else "built_in"
            network = copy.deepcopy(beginning(start, material, seed, known))
            pictures = material.source()
            steps = SOURCE_EPOCHS * (len(pictures[1]) // BATCH)
            practise(network, pictures, steps=steps, seed=seed)
        else:
            network = stages.build(catalogue.BUILT_IN, seed=seed)
            if arm == "scratch":
                initialise(network, seed=seed)
            else:
                weights.load_pretrained(network)
            stages.new_head(network, 2, seed=seed)
        known[arm] = network
    return known[arm]


def measure(material: Material, done: dict[str, float], keep: Path, seeds: int) -> None:
    """Fill ``done`` ("arm/count/seed" -> accuracy) with what is missing."""
    test, source_test = material.tested(TARGET), material.tested(SOURCE)
    for seed in range(seeds):
        known: dict[str, Backbone] = {}
        for arm in ARMS:
            for count in COUNTS:
                name = f"{arm}/{count}/{seed}"
                if name in done:
                    continue
                network = copy.deepcopy(beginning(arm, material, seed, known))
                if count:
                    practise(network, material.target(count, seed), steps=STEPS, seed=seed)
                elif arm in ("bicycle", "built_in_bicycle"):
                    done[f"{arm}/source/{seed}"] = accuracy(network, source_test)
                done[name] = accuracy(network, test)
                keep.write_text(json.dumps(done))
                print(name, f"{done[name]:.3f}", flush=True)


def main() -> None:
    """Measure what is missing, then write what ships."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="cifar100-vehicles as a ZIP of class folders")
    parser.add_argument(
        "--work", type=Path, default=Path("picture_bridge.json"), help="where answers are kept"
    )
    parser.add_argument("--seeds", type=int, default=SEEDS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dataset = open_dataset(arguments.data, side=SIDE)
    material = Material(dataset)
    done: dict[str, Any] = json.loads(arguments.work.read_text()) if arguments.work.exists() else {}
    started = time.process_time()
    spent = done.pop("seconds", 0.0)
    measure(material, done, arguments.work, arguments.seeds)
    spent += time.process_time() - started
    arguments.work.write_text(json.dumps(done | {"seconds": spent}))
    picture_bridge.write(
        {
            arm: [[done[f"{arm}/{count}/{seed}"] for count in COUNTS] for seed in range(arguments.seeds)]
            for arm in ARMS
        },
        sources={
            arm: [done[f"{arm}/source/{seed}"] for seed in range(arguments.seeds)]
            for arm in ("bicycle", "built_in_bicycle")
        },
        provenance={
            "date": datetime.date.today().isoformat(),
            "data": "CIFAR-100 (Krizhevsky 2009), 6 vehicle classes, 300 training and 100 test pictures each",
            "fingerprint": dataset.fingerprint,
            "network": f"{catalogue.BUILT_IN} at {SIDE} pixels",
            "training": f"AdamW, rate {RATE:g} with a cosine, batch {BATCH}, flips; {STEPS} steps on the target, "
            f"{SOURCE_EPOCHS} epochs on the source; BatchNorm's statistics recomputed after each",
            "test_pictures": len(material.tested(TARGET)[1]),
            "source_pictures": len(material.source()[1]),
            "cpu_seconds": round(spent),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        },
    )


if __name__ == "__main__":
    main()

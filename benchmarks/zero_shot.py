"""Animals that were never shown, by their attributes: CIFAR-100's pictures, AwA2's descriptions.

    python -m benchmarks.zero_shot --data ../shared/data/cifar100-animals.zip \
        --attributes ../shared/data/awa2-attributes --squeezenet ../shared/weights/squeezenet1_0-imagenet.safetensors

For every seed, some of the 17 animals are hidden. DAP and ESZSL learn from the others' training pictures and name test
pictures: hidden animals among themselves, then all animals allowed. The control has shuffled descriptions. Features are
the last stage's of a pretrained network. "Unseen" means unseen by DAP and ESZSL: both networks were trained on
photographs among which some of these animals were, as was usual before Xian et al. 2018 (arXiv 1707.00600) objected.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.datasets.own_images import from_zip
from core.interpretation import specimen
from core.interpretation.specimen import Specimen
from core.metrics.classification import mean_interval
from core.metrics.similarity import pooled_features
from core.techniques.zero_shot.attributes import read_attributes
from core.techniques.zero_shot.calibration import per_class
from core.techniques.zero_shot.recognition import by_dap, by_eszsl

Floats = NDArray[np.float64]


def features(network: Specimen, images: NDArray[np.uint8]) -> Floats:
    """Pooled features (N, D) of the last stage, of images (N, S, S, 3)."""
    step = specimen.batch_size(images.shape[1])
    batches = (network.input(images[start : start + step]) for start in range(0, len(images), step))
    return list(pooled_features(network.backbone, batches).values())[-1].astype(np.float64)


def measure(
    train: tuple[Floats, NDArray[np.int64]],
    test: tuple[Floats, NDArray[np.int64]],
    descriptions: tuple[Floats, Floats],
    unseen: int,
    seed: int,
    *,
    with_dap: bool = True,
) -> dict[str, float]:
    """Mean accuracy over classes of one seed: method and what is allowed -> 0-1."""
    has, strength = descriptions
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(has))
    hidden, seen = np.sort(order[:unseen]), np.sort(order[unseen:])
    learned = np.isin(train[1], seen)
    x, labels = train[0][learned], train[1][learned]
    shuffled = generator.permutation(len(has))
    mixed = strength[shuffled]
    centred, mixed = (one - one[seen].mean(axis=0) for one in (strength, mixed))
    attributes = has.shape[1]
    by_method = {
        "ESZSL": by_eszsl(x, labels, test[0], centred, generator),
        "ESZSL, shuffled": by_eszsl(x, labels, test[0], mixed, generator),
    }
    if with_dap:  # 85 detectors: most of the time
        by_method["DAP"] = by_dap([x] * attributes, labels, [test[0]] * attributes, has)[0]
    found = {}
    for name, scores in by_method.items():
        among = hidden[scores[:, hidden].argmax(axis=1)] == test[1]
        of_all = scores.argmax(axis=1) == test[1]
        found |= {
            f"{name}: unseen": per_class(among, test[1], hidden),
            f"{name}: unseen, all allowed": per_class(of_all, test[1], hidden),
            f"{name}: seen, all allowed": per_class(of_all, test[1], seen),
        }
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--attributes", type=Path, required=True)
    parser.add_argument("--squeezenet", type=Path, help="SqueezeNet 1.0's ImageNet weights; left out without")
    parser.add_argument("--unseen", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--per-class", type=int, default=120, help="training pictures of each seen animal")
    parser.add_argument("--side", type=int, default=128, help="pixels for SqueezeNet; the pictures have 32")
    arguments = parser.parse_args()
    networks = [(specimen.pretrained("tiny_resnet18"), 64)]
    if arguments.squeezenet:
        networks.append((specimen.pretrained("squeezenet1_0", arguments.squeezenet), arguments.side))
    for network, side in networks:
        started = time.perf_counter()
        data = from_zip(arguments.data, side=side)
        assert data.test is not None
        descriptions = read_attributes(arguments.attributes).of(data.class_names)
        chosen = np.concatenate(
            [
                np.flatnonzero(data.train.labels == one)[: arguments.per_class]
                for one in range(len(data.class_names))
            ]
        )
        train = (features(network, data.train.images[chosen]), data.train.labels[chosen])
        test = (features(network, data.test.images), data.test.labels)
        rows = [measure(train, test, descriptions, arguments.unseen, seed) for seed in range(arguments.seeds)]
        seconds = time.perf_counter() - started
        print(
            f"\n{network.entry.title}, {side} pixels, {arguments.unseen} of {len(data.class_names)} hidden, "
            f"{arguments.seeds} seeds, {seconds:.0f} s; chance {1 / arguments.unseen:.3f} among the hidden"
        )
        for name in rows[0]:
            interval = mean_interval([row[name] for row in rows])
            print(f"  {name:40}{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]", flush=True)


if __name__ == "__main__":
    main()

"""Animals that were never shown, by their attributes: CIFAR-100's pictures, AwA2's descriptions.

    python -m benchmarks.zero_shot --data ../shared/data/cifar100-animals.zip \
        --attributes ../shared/data/awa2-attributes --squeezenet ../shared/weights/squeezenet1_0-imagenet.safetensors

The experiment of the page (``zero-shot`` with ``pictures=animals``), on an archive of the same 17 animals instead of
the download, by two networks. "Unseen" means unseen by DAP and ESZSL: both networks were trained on photographs among
which some of these animals were, as was usual before Xian et al. 2018 (arXiv 1707.00600) objected.
"""

import argparse
import time
from pathlib import Path

from core.interpretation import specimen
from core.metrics.classification import mean_interval
from core.techniques.threads import one_thread
from core.techniques.zero_shot.animals import NAMES
from core.techniques.zero_shot.attributes import read_attributes
from tests.techniques.real_animals import measure, prepared


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--attributes", type=Path, required=True)
    parser.add_argument("--squeezenet", type=Path, help="SqueezeNet 1.0's ImageNet weights; left out without")
    parser.add_argument("--unseen", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--per-class", type=int, default=120, help="training pictures of each seen animal")
    parser.add_argument("--side", type=int, default=128, help="pixels for SqueezeNet; the pictures have 32")
    arguments = parser.parse_args()
    networks = [(specimen.pretrained("tiny_resnet18"), 64)]
    if arguments.squeezenet:
        networks.append((specimen.pretrained("squeezenet1_0", arguments.squeezenet), arguments.side))
    attributes = read_attributes(arguments.attributes)
    for network, side in networks:
        started = time.perf_counter()
        with one_thread():
            animals = prepared(network, arguments.data, attributes, arguments.per_class, side)
            rows = [measure(animals, arguments.unseen, seed) for seed in range(arguments.seeds)]
        seconds = time.perf_counter() - started
        print(
            f"\n{network.entry.title}, {side} pixels, {arguments.unseen} of {len(NAMES)} hidden, "
            f"{arguments.seeds} seeds, {seconds:.0f} s; chance {1 / arguments.unseen:.3f} among the hidden"
        )
        for arm, quantity in rows[0]:
            interval = mean_interval([row[arm, quantity] for row in rows])
            print(
                f"  {arm:10}{quantity:8}{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]",
                flush=True,
            )


if __name__ == "__main__":
    main()

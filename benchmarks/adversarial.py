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
from pathlib import Path

from benchmarks.domain_adaptation import STYLES, table
from core.techniques.adversarial.entry import TECHNIQUE
from core.techniques.digits.tensors import Labelled
from tests.techniques.real_domains import adversarial_scores, mnist_to_usps, one_layer, photo_to


def up_to(labelled: Labelled, most: int) -> Labelled:
    """Keep the images of the digits 0 to ``most``."""
    images, labels = labelled
    return images[labels <= most], labels[labels <= most]


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
            for arm, value in adversarial_scores(kept, seed).items():
                measured[arm].append(value)
        seconds = time.process_time() - started
        print(f"\nMNIST -> USPS, {title}, {arguments.seeds} seeds, {seconds:.0f} s of processor time\n")
        table(TECHNIQUE, measured, published=most == 9)
    for style in STYLES:
        parts = photo_to(arguments.data, style)
        rows = [
            adversarial_scores(parts, seed, built=lambda seed, parts=parts: one_layer(parts, seed))  # type: ignore[misc]
            for seed in range(arguments.seeds)
        ]
        print(f"\nPACS, photographs -> {style}, {arguments.seeds} seeds, 140 test images\n")
        table(TECHNIQUE, {arm: [row[arm] for row in rows] for arm in rows[0]}, published=False)


if __name__ == "__main__":
    main()

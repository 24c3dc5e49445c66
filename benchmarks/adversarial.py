"""DANN from MNIST to USPS, beside published numbers.

    python -m benchmarks.adversarial [--data ../shared/data] [--seeds 5]

The same images and network as in `benchmarks.domain_adaptation`; then once more with a target that lacks the digits 5
to 9, in training and test, so that features of both domains cannot look alike without mixing digits up.
"""

import argparse
import dataclasses
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.domain_adaptation import STEPS, mnist_to_usps, table
from core.techniques.adversarial import reversal
from core.techniques.adversarial.entry import TECHNIQUE, AdversarialSettings
from core.techniques.adversarial.experiment import JUDGE_RATE, JUDGES
from core.techniques.domain_adaptation import network
from core.techniques.domain_adaptation.experiment import Parts
from core.techniques.domain_adaptation.network import Labelled


def scores(parts: Parts, seed: int, steps: int = STEPS) -> dict[str, float]:
    """Accuracy on USPS of the source alone, of DANN and of DANN without reversal."""
    settings = AdversarialSettings()
    found = {}
    for arm in ("source", "dann", "together"):
        one, judge = network.built(seed), reversal.domain_classifier(seed + JUDGES)
        peak = settings.peak if arm == "dann" else 0.0
        for _ in network.train(
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
        found[arm] = network.accuracy(one, parts.target_test)
    return found


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
            for arm, value in scores(kept, seed).items():
                measured[arm].append(value)
        seconds = time.process_time() - started
        print(f"\nMNIST -> USPS, {title}, {arguments.seeds} seeds, {seconds:.0f} s of processor time\n")
        table(TECHNIQUE, measured, published=most == 9)


if __name__ == "__main__":
    main()

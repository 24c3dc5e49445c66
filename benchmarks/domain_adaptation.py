"""Domain adaptation where published numbers exist: MNIST -> USPS, and the styles of PACS.

    python -m benchmarks.domain_adaptation [--data ../shared/data] [--seeds 5]

MNIST -> USPS trains the lab's own network with the functions of its experiment, at 16 pixels: 5000 labelled MNIST
digits, 1000 USPS digits without labels, 1007 USPS digits for the test. PACS adapts pooled features of the built-in
backbone, which stays as it is, from photographs to the other styles.
"""

import argparse
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from core.metrics.report import Interval
from core.techniques.digits.network import accuracy, random_network
from core.techniques.digits.tensors import DomainTensors
from core.techniques.digits.training import train
from core.techniques.domain_adaptation.experiment import penalties, without_training
from core.techniques.events import Score
from core.techniques.report import Report
from core.techniques.technique import Technique
from tests.techniques.real_domains import STEPS, TARGET, mnist_to_usps, pacs_scores

STYLES = ("art-painting", "cartoon", "sketch")

# Bousmalis et al. 2017 (arXiv 1612.05424), table 1; and
# Tzeng et al. 2017 (ADDA, arXiv 1702.05464), table 2, with 2000 MNIST and 1800 USPS images.
PUBLISHED = {
    "source": "78.9 (Bousmalis), 75.2 (Tzeng)",
    "deep_coral": "81.7 (CORAL, Bousmalis)",
    "coral": "81.7 (CORAL, Bousmalis)",
    "mmd": "81.1 (Bousmalis)",
    "dann": "85.1 (Bousmalis), 77.1 (Tzeng)",
    "target": "96.5 (Bousmalis)",
}


def digits_scores(parts: DomainTensors, seed: int, steps: int = STEPS) -> dict[str, float]:
    """Accuracy on USPS by arm."""
    found = {}
    for arm, penalty in {"source": None, **penalties(1.0), "target": None}.items():
        one = random_network(seed)
        labelled = parts.target if arm == "target" else parts.source
        for _ in train(one, labelled, steps=steps, seed=seed, unlabelled=parts.target[0], penalty=penalty):
            pass
        found[arm] = accuracy(one, parts.target_test)
        if arm == "source":
            few = np.random.default_rng(seed).permutation(len(parts.source[1]))[:TARGET]
            smaller = DomainTensors(  # the transport plan holds a number for every pair of images
                source=(parts.source[0][few], parts.source[1][few]),
                source_test=parts.source_test,
                target=parts.target,
                target_test=parts.target_test,
            )
            for event in without_training(one, smaller, partial(Score, seed=seed)):
                if not event.quantity:
                    found[event.arm] = event.value
    return found


def interval(technique: Technique, arm: str, values: list[float]) -> Interval:
    """Mean over seeds with its 95 % t interval, as the lab's reports compute it."""
    scores = [Score(arm=arm, seed=seed, value=value) for seed, value in enumerate(values)]
    found = Report(technique=technique, scores=scores).mean(arm)
    assert found is not None
    return found


def table(technique: Technique, measured: dict[str, list[float]], *, published: bool = True) -> None:
    """Print accuracy by arm, beside what was published on the same task."""
    print("| arm | accuracy, % | 95 % over seeds | published, % |\n|---|---|---|---|")
    for arm, values in measured.items():
        one = interval(technique, arm, values)
        print(
            f"| {arm} | {100 * one.value:.1f} | {100 * one.low:.1f} to {100 * one.high:.1f} | "
            f"{PUBLISHED.get(arm, '') if published else ''} |",
            flush=True,
        )


def main() -> None:
    """Measure both and print the tables."""
    from core.techniques.domain_adaptation.entry import TECHNIQUE

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    started = time.process_time()
    measured: defaultdict[str, list[float]] = defaultdict(list)
    for seed in range(arguments.seeds):
        for arm, value in digits_scores(mnist_to_usps(arguments.data, seed), seed).items():
            measured[arm].append(value)
    print(
        f"MNIST -> USPS, {arguments.seeds} seeds, {time.process_time() - started:.0f} s of processor time\n"
    )
    table(TECHNIQUE, measured)
    print("\nPACS, from photographs, test accuracy in %; 140 test images a style\n")
    for style in STYLES:
        found = pacs_scores(arguments.data, style)
        print(style, ", ".join(f"{arm} {100 * value:.1f}" for arm, value in found.items()), flush=True)


if __name__ == "__main__":
    main()

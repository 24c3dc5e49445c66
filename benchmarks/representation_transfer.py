"""Yosinski's four curves between halves of any data set's classes, with the experiment's own functions.

python -m benchmarks.representation_transfer ../shared/data/cifar10-6000.zip [--network residual] [--seeds 5]
"""

import argparse

from core.datasets.open import open_dataset
from core.techniques.report import Report
from core.techniques.representation_transfer.entry import TECHNIQUE, RepresentationTransferSettings
from core.techniques.representation_transfer.experiment import SIDE, between
from core.techniques.threads import one_thread


def main() -> None:
    """Print a line for every arm: mean accuracy and its interval by n, in per cent."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dataset", help="a data set's name, ZIP or folder")
    parser.add_argument("--network", default="plain")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--per-class", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=30)
    chosen = parser.parse_args()
    settings = RepresentationTransferSettings(
        network=chosen.network, seeds=chosen.seeds, per_class=chosen.per_class, epochs=chosen.epochs
    )
    with one_thread():
        report = Report.of(TECHNIQUE, between(settings, open_dataset(chosen.dataset, side=SIDE)))
    places = report.places()
    print("| | " + " | ".join(f"n = {n:g}" for n in places) + " |\n" + "|---" * (len(places) + 1) + "|")
    for arm in TECHNIQUE.arms:
        found = [report.mean(arm.name, x=n) for n in places]
        cells = [f"{100 * one.value:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]" for one in found if one]
        print(f"| {arm.name} | " + " | ".join(cells) + " |")
    print("\n" + report.verdict.sentence)
    print("\n".join(report.remarks))


if __name__ == "__main__":
    main()

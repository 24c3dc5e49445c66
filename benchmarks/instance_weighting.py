"""Weighting source examples, on MNIST's digits instead of scikit-learn's.

    python -m benchmarks.instance_weighting --data ../shared/data/mnist-6000.zip

``--data`` is a ZIP file or folder of ten classes of digits, "0" to "9"; images are brought to 8 x 8 grey pixels.
"""

import argparse
import time

import numpy as np

from core.datasets.open import open_dataset
from core.techniques.instance_weighting.entry import TECHNIQUE, InstanceWeightingSettings
from core.techniques.instance_weighting.experiment import measure
from core.techniques.report import Report

SIDE = 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    part = open_dataset(arguments.data, side=SIDE).train
    images = part.images.mean(axis=3).reshape(len(part), -1) / 255
    order = np.random.default_rng(0).permutation(len(part))[:4000]
    for share, wrong in ((0.95, 0.0), (0.95, 0.2), (0.5, 0.0)):
        started = time.perf_counter()
        settings = InstanceWeightingSettings(seeds=arguments.seeds, share=share, wrong=wrong)
        report = Report.of(TECHNIQUE, measure(settings, images[order], part.labels[order]))
        print(
            f"\nshare {share}, wrong {wrong}: {report.verdict.sentence} ({time.perf_counter() - started:.0f} s)"
        )
        for arm in TECHNIQUE.arms:
            cells = [report.mean(arm.name, x=x) for x in report.places()]
            texts = [f"{one.value:6.1%} [{one.low:.1%}, {one.high:.1%}]" for one in cells if one is not None]
            print(f"{arm.title:24s}", *texts, sep=" | ")


if __name__ == "__main__":
    main()

"""Pretrained features against hand-made ones, on pictures of your own.

    python -m benchmarks.feature_extraction --data ../shared/data/textures.zip digits

The experiment of `core.techniques.feature_extraction` on any data set, ZIP file or folder; prints a table.
"""

import argparse
import time

from core.datasets.open import open_dataset
from core.techniques.feature_extraction.entry import TECHNIQUE, FeatureExtractionSettings
from core.techniques.feature_extraction.experiment import SIDE, measure
from core.techniques.report import Report


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    for data in arguments.data:
        started = time.perf_counter()
        settings = FeatureExtractionSettings(most=arguments.most, seeds=arguments.seeds)
        report = Report.of(TECHNIQUE, measure(settings, open_dataset(data, side=SIDE)))
        print(f"\n{data}: {report.verdict.sentence} ({time.perf_counter() - started:.0f} s)")
        for arm in TECHNIQUE.arms:
            cells = [report.mean(arm.name, x=x) for x in report.places()]
            texts = [f"{one.value:6.1%} [{one.low:.1%}, {one.high:.1%}]" for one in cells if one is not None]
            print(f"{arm.title:24s}", *texts, sep=" | ")


if __name__ == "__main__":
    main()

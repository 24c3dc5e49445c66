"""A small network taught by relations, on pictures of your own.

    python -m benchmarks.relational_distillation --data ../shared/data/textures.zip ../shared/data/satellite.zip

The experiment of `core.techniques.relational_distillation` on any data set, ZIP file or folder; prints a table.
"""

import argparse
import time

from core.datasets.open import open_dataset
from core.techniques.relational_distillation.entry import TECHNIQUE, RelationalDistillationSettings
from core.techniques.relational_distillation.experiment import TEACHER_SIDE, measure
from core.techniques.report import Report, shown


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    for data in arguments.data:
        started = time.perf_counter()
        settings = RelationalDistillationSettings(seeds=arguments.seeds)
        report = Report.of(TECHNIQUE, measure(settings, open_dataset(data, side=TEACHER_SIDE)))
        print(
            f"\n{data}: {report.verdict.sentence} ({time.perf_counter() - started:.0f} s)",
            *report.remarks,
            sep="\n",
        )
        for of in TECHNIQUE.quantities:
            print(f"\n{of.title}")
            for arm in TECHNIQUE.arms:
                places: list[float | None] = [*report.places(of.name)] or [None]
                cells = [report.mean(arm.name, of.name, x) for x in places]
                texts = [
                    f"{shown(one.value, of):>6s} [{shown(one.low, of)}, {shown(one.high, of)}]"
                    for one in cells
                    if one is not None
                ]
                print(f"{arm.title:24s}", *texts, sep=" | ")


if __name__ == "__main__":
    main()

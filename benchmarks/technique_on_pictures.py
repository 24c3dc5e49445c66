"""A technique's experiment on pictures of your own, in the place of the built-in ones; prints its table.

    python -m benchmarks.technique_on_pictures fine-tuning --data ../shared/data/textures.zip digits [--set epochs=3]

For `feature-extraction`, `fine-tuning` and `relational-distillation`. A data set is a name, a ZIP file or a folder.
"""

import argparse
import importlib
import time

from core.commands.technique import settings_from, tell
from core.datasets.open import open_dataset
from core.techniques import catalogue
from core.techniques.report import Report

# The side at which pictures are read, by the name that it has in the experiment.
SIDES = {"feature-extraction": "SIDE", "fine-tuning": "SIDE", "relational-distillation": "TEACHER_SIDE"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=SIDES)
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    technique = catalogue.technique(chosen.name)
    settings = settings_from(technique, chosen.set)
    experiment = importlib.import_module(f"{technique.package}.experiment")
    for data in chosen.data:
        began = time.perf_counter()
        pictures = open_dataset(data, side=getattr(experiment, SIDES[chosen.name]))
        report = Report.of(technique, experiment.measure(settings, pictures))
        print(f"\n{data}, {time.perf_counter() - began:.0f} s")
        tell(report)


if __name__ == "__main__":
    main()

"""Run every technique's experiment with its defaults, and keep what it found for the page to show.

    python -m tools.measure_techniques [NAME …] [--again]

What is there already, with today's defaults, is left alone unless ``--again`` is given. Prints the table.
"""

import argparse
import datetime
import os
import platform
import time

import torch

from core.events import Progress
from core.techniques import catalogue, measured


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--again", action="store_true", help="measure anew what is there")
    chosen = parser.parse_args()
    for name in chosen.names or catalogue.techniques():
        technique = catalogue.technique(name)
        if chosen.again or measured.measured(name) is None:
            began = time.process_time()  # on one thread: what an idle machine would take
            events = [
                event.to_json()
                for event in technique.run(technique.settings())
                if not isinstance(event, Progress)
            ]
            provenance = {
                "date": datetime.date.today().isoformat(),
                "processor": f"{os.cpu_count()} cores, {platform.machine()}",
                "torch": torch.__version__,
            }
            measured.write(technique, events, time.process_time() - began, provenance)
            measured.measured.cache_clear()
        tell(name)


def tell(name: str) -> None:
    """Print one technique's means, seconds and verdict."""
    found = measured.measured(name)
    assert found is not None
    print(f"\n{name}: {found.seconds:.0f} s. {found.report.verdict.sentence}")
    for row in found.report.to_json()["results"]:
        place = "" if row["x"] is None else f" at {row['x']:g}"
        mean = f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        print(f"  {row['quantity']:<16} {row['arm']:<20}{place:<10} {mean}")


if __name__ == "__main__":
    main()

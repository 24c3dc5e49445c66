"""Does a hostile upload crash the server, leave the data directory, or take its time and memory?

    python -m benchmarks.upload_fuzz --data ../shared/data --mutants 1200

Sends what `tests.hostile` makes, real archives damaged at random among it, as `tests.hostile.fuzz` describes. A process
stands for the server: it asks others to open what is foreign, as a page does, with a limit on memory and time, and an
audit hook writes down every file that it opens for writing outside the data directory, and every other program,
connection, link, renaming or removal there. Only a `LabError` or a data set is a good end; anything else is a crash.
Memory is counted for the server beyond what it had, and for the largest of the others.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from PIL import Image

from tests.hostile import mutants
from tests.hostile.fuzz import Case, Outcome, classics, damaged, dear, outcomes, single, weights_files


def table(found: list[Outcome]) -> str:
    """Write the outcomes by family, as Markdown."""
    lines = [
        "| Family | Cases | Used | Refused | Crashes | Outside | Longest, s | Server, MB | Others, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    families = list(dict.fromkeys(one.family.split(".")[0] for one in found))
    for family in [*families, "all"]:
        part = [one for one in found if family in (one.family.split(".")[0], "all")]
        ends = Counter(one.end for one in part)
        lines.append(
            f"| {family} | {len(part):,} | {ends['used']:,} | {ends['refused']:,} | {ends['CRASH']} "
            f"| {sum(len(one.outside) for one in part)} | {max(one.seconds for one in part):.2f} "
            f"| {max(one.megabytes for one in part):,.0f} | {max(one.opened for one in part):,.0f} |"
        )
    return "\n".join(lines)


def _told(cases: Iterable[Case], *, every: bool) -> Iterator[Outcome]:
    for one in outcomes(cases):
        if every or one.end == "CRASH" or one.outside or one.seconds > 5 or one.megabytes > 300:
            touched = f" TOUCHED {one.outside}" if one.outside else ""
            took = f"{one.end:8}{one.seconds:7.2f} s {one.megabytes:6.0f} MB {one.opened:6.0f} MB"
            print(f"{took}  {one.family}: {one.name}: {one.said}{touched}", flush=True)
        yield one


def main() -> None:
    """Run everything, print the table, and fail where anything crashed or touched what it must not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of archives of class folders")
    parser.add_argument("--mutants", type=int, default=1200)
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--weights", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--every", action="store_true", help="print every case, not the remarkable ones alone"
    )
    asked = parser.parse_args()
    samples = [
        found
        for path in sorted(asked.data.glob("*.zip"))
        if path.stat().st_size < 50_000_000 and (found := mutants.sample(path, Random(asked.seed)))
    ]
    found = [
        *_told(dear(), every=True),
        *_told(classics(), every=True),
        *_told(damaged(samples, asked.mutants, asked.seed), every=asked.every),
        *_told(single(samples, asked.pictures, asked.seed), every=asked.every),
        *_told(weights_files(asked.weights, asked.seed), every=asked.every),
    ]
    print(f"\n{len(samples)} real archives; Pillow {Image.__version__}\n\n{table(found)}")
    bad = [one for one in found if one.end == "CRASH" or one.outside]
    sys.exit(f"{len(bad)} bad" if bad else 0)


if __name__ == "__main__":
    main()

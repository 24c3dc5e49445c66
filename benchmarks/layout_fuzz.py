"""Is an archive read as whoever packed it meant it? Layouts at random, whose right answer the generator knows.

    python -m benchmarks.layout_fuzz --archives 1000

Each archive is built from a plan (classes, parts and what they are called, wrapping folders, stray files, encoding of
the names, spelling, nesting, repeats). The plan says which pictures belong to which class and part; the reader is
asked, and its answer compared picture by picture. What cannot be meant in one way only has to be refused, with a
sentence that names what was seen. Ends with an error where anything was read wrongly.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from tests.hostile.layouts import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the counts, and fail where anything was read wrongly."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archives", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--every", action="store_true", help="print every archive, not those read wrongly alone"
    )
    asked = parser.parse_args(arguments)
    ends: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    for number, plan, end, said in run(asked.archives, asked.seed):
        ends[end] += 1
        kinds[plan.traits[1] if plan.encoding else plan.traits[0], end] += 1
        if asked.every or end not in ("right", "refused"):
            print(f"{number}: {end}; {', '.join(plan.traits)}: {said}", flush=True)
    columns = ("right", "right, names otherwise", "refused", "wrong")
    print(f"\n| Layout | {' | '.join(columns)} |\n|---{'|---' * len(columns)}|")
    for kind in sorted({kind for kind, _ in kinds}):
        print(f"| {kind} | {' | '.join(str(kinds[kind, end]) for end in columns)} |")
    print(f"| all {asked.archives:,} | {' | '.join(str(ends[end]) for end in columns)} |")
    sys.exit(f"{ends['wrong']} read wrongly" if ends["wrong"] else 0)


if __name__ == "__main__":
    main()

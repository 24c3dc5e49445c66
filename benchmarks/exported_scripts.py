"""Does the exported script's ``--train`` repeat the number that the lab reported, in every configuration?

    python -m benchmarks.exported_scripts [WORD …] [--weights ../shared/weights/squeezenet1_0-imagenet.safetensors]

Printed are both accuracies, the largest differences between the scores of the test images (softmax) and between the
trained weights, and at the end how many configurations repeat. WORDs choose rows whose name has one of them.
Exit status 1 where one does not repeat the reported accuracy.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.runs.script_repeats import Repeat, cases, repeat


def main() -> None:
    """Try every configuration and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--data", default="science-patches")
    parser.add_argument("--per-class", type=int, default=10)
    parser.add_argument("--image-size", type=int, default=48)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--weights", help="SqueezeNet 1.0's ImageNet weights; without them its rows are left out"
    )
    chosen = parser.parse_args()
    defaults = {"per_class": chosen.per_class, "image_size": chosen.image_size, "epochs": chosen.epochs}
    print(
        "| configuration | reported | repeated | scores differ by | weights differ by | repeats | seconds |"
    )
    print("|---|---|---|---|---|---|---|")
    found: list[Repeat] = []
    for case in cases(chosen.weights):
        if chosen.words and not any(word in case.name for word in chosen.words):
            continue
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            one = repeat(
                case,
                data=chosen.data,
                defaults={**defaults, "batch_size": 16, "seed": 1},
                folder=Path(folder),
            )
        found.append(one)
        print(
            f"| {case.name} | {100 * one.reported:.2f} % | {100 * one.found:.2f} % | {one.scores:.1e} |"
            f" {one.weights:.1e} | {'yes' if one.repeats else 'NO'} | {time.perf_counter() - begin:.1f} |",
            flush=True,
        )
    same = sum(one.repeats for one in found)
    bits = sum(one.scores == 0 and one.weights == 0 for one in found)
    print(
        f"\n{same} of {len(found)} configurations repeat the reported accuracy, {bits} to the last bit of all scores."
    )
    sys.exit(same < len(found))


if __name__ == "__main__":
    main()

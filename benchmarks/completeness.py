"""Do the parts of each explanation add up, on every network of the catalogue?

    python -m benchmarks.completeness [NETWORK …] [--methods deep_lift] [--bare]

Weights of most networks are a download, and random ones leave a deep network almost linear, which hides every gap. So
weights are random and then *calibrated*: BatchNorm takes its statistics from pictures of noise, its scales and shifts
are drawn, and so are scales and heads that start at (almost) zero: activations then have the sizes of a trained
network's. Printed is the gap between the parts' sum and the difference of the scores, as a share of the latter, the
mean over several pictures and classes, beside the caveat that the page shows. ``--bare`` asks Captum's DeepLift itself.
"""

import argparse
import statistics

from core.backbones import catalogue
from core.interpretation.attribution import METHODS, caveat
from core.interpretation.completeness import TOLERANCE
from tests.interpretation.calibrated import calibrated, measured


def main() -> None:
    """Print a row per network and method."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NETWORK")
    promised = [name for name, method in METHODS.items() if method.complete]
    parser.add_argument("--methods", nargs="*", default=promised, choices=promised)
    parser.add_argument("--pictures", type=int, default=3)
    parser.add_argument("--bare", action="store_true", help="Captum's DeepLift itself beside it")
    chosen = parser.parse_args()
    print("| network | method | " + "Captum's gap | " * chosen.bare + "gap | said |")
    print("|---|---|" + "---|" * chosen.bare + "---|---|")
    for name in chosen.names or catalogue.BACKBONES:
        one = calibrated(name)
        for method in chosen.methods:
            gaps = [one.gap for one in measured(one, method, pictures=chosen.pictures)]
            row = f"| {name} | {METHODS[method].title} |"
            if chosen.bare:
                own = method == "deep_lift"
                others = measured(one, method, pictures=chosen.pictures, bare=True) if own else []
                row += f" {100 * statistics.mean(other.gap for other in others):.1f} % |" if own else " |"
            said = "gap" if max(gaps) > TOLERANCE else "parts add up"
            print(
                f"{row} {100 * statistics.mean(gaps):.1f} % | {said}; {caveat(one, method) or 'no caveat'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

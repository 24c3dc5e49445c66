"""General to specific: accuracy read out of every stage, beside random weights, raw pixels, HOG and SIFT.

    python -m benchmarks.general_to_specific digits --data ../shared/data/textures.zip

For every data set: at most 600 images of the training part, one forward pass through the network and through the
same architecture with random weights; five-fold linear probe and leave-one-out neighbours, Wilson intervals.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from core.backbones.catalogue import BUILT_IN
from core.datasets import catalogue
from core.datasets.open import open_dataset
from core.interpretation import classical, specificity, specimen
from core.interpretation.specificity_report import ClassicalReading, Readings, SpecificityReport, findings


def cells(readings: Readings) -> str:
    """Write probe and neighbours, each with its interval, in per cent."""
    return " | ".join(
        f"{100 * one.value:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
        for one in (readings.probe.accuracy, readings.neighbours.accuracy)
    )


def table(report: SpecificityReport, found: tuple[ClassicalReading, ...]) -> Iterator[str]:
    """Markdown, a line per stage, then what was not learned."""
    yield "| features | probe | neighbours | random: probe | random: neighbours | selectivity (shuffled) | CKA |"
    yield "|---" * 7 + "|"
    for stage in report.stages:
        selective = (
            ""
            if stage.selectivity is None or stage.shuffled is None
            else (f"{stage.selectivity.median:.2f} ({stage.shuffled.median:.2f})")
        )
        cka = "" if stage.cka_random is None else f"{stage.cka_random:.2f}"
        yield f"| {stage.name} | {cells(stage.trained)} | {cells(stage.random)} | {selective} | {cka} |"
    for one in found:
        yield f"| {one.name} | {cells(one.readings)} | | | | |"


def main() -> None:
    """Print a table and the findings for every data set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="catalogue names; the built-in sets if nothing is given")
    parser.add_argument(
        "--data", nargs="+", default=[], metavar="FILE.zip", help="ZIPs or folders of class folders"
    )
    parser.add_argument("--backbone", default=BUILT_IN, help="a network of the catalogue")
    parser.add_argument("--weights", default=specimen.PRETRAINED, help='a weights file, or "pretrained"')
    parser.add_argument("--images", type=int, default=specificity.MOST_IMAGES, help="at most, of each set")
    arguments = parser.parse_args()
    references = [*arguments.names, *arguments.data] or [
        name for name, entry in catalogue.DATASETS.items() if entry.kind == "builtin"
    ]
    one, control = (
        specimen.pretrained(arguments.backbone, arguments.weights),
        specimen.random(arguments.backbone),
    )
    for reference in references:
        dataset = open_dataset(reference, side=one.image_size)
        sample = specificity.draw_sample(dataset, arguments.images)
        started, worked = time.perf_counter(), time.process_time()
        *_, report = specificity.measure(one, control, sample)
        assert isinstance(report, SpecificityReport)
        middle, middle_worked = time.perf_counter(), time.process_time()
        *_, found = classical.measure(sample.images, sample.labels)
        assert isinstance(found, tuple)
        print(
            f"\n### {Path(reference).stem}: {report.images} images, {report.classes} classes, "
            f"chance {100 * report.chance:.1f} %\n"
            f"network {middle - started:.1f} s ({middle_worked - worked:.1f} s of CPU), pixels, HOG and SIFT "
            f"{time.perf_counter() - middle:.1f} s ({time.process_time() - middle_worked:.1f} s of CPU)\n"
        )
        print("\n".join(table(report, found)))
        for measure in ("probe", "neighbours"):
            print(f"\n{measure}: " + " ".join(findings(report, found, measure)), flush=True)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()

"""Measure every freeze depth of a network on a data set, with several seeds.

python -m examples.every_depth [DATA]
"""

import sys

import core


def main(data: str = "digits", images_per_class: int = 10, epochs: int = 2, seeds: int = 2) -> str:
    """Print the accuracy at each depth; the sentence that sums them up."""
    pictures = core.open_dataset(data, side=32)
    config = core.SweepConfig(
        backbone="tiny_resnet18", per_class=images_per_class, epochs=epochs, seeds=seeds, image_size=32
    )
    report = core.sweep_report(core.sweep(config, pictures))
    for arm in report.arms:
        print(f"{arm.arm:<8} {arm.accuracy.value:6.1%} [{arm.accuracy.low:.1%}, {arm.accuracy.high:.1%}]")
    print(report.verdict)
    return report.verdict


if __name__ == "__main__":
    main(*sys.argv[1:2])

"""A sweep's report as a table for a spreadsheet. Torch-free."""

import csv
import io

from core.training.sweep_report import SweepReport


def as_csv(found: SweepReport) -> str:
    """Write a report as a table for a spreadsheet: a line an arm, shares 0-1, then a column a seed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *("arm", "frozen_stages", "accuracy", "low", "high", "behind_best", "behind_low", "behind_high"),
            *("p_value", "may_be_best", "seconds", "seconds_alone"),
            *(f"seed_{seed}" for seed in found.seeds),
        ]
    )
    for one in found.arms:
        by_seed = dict(zip(one.seeds, one.accuracies, strict=True))
        writer.writerow(
            [
                *(one.arm, one.depth, one.accuracy.value, one.accuracy.low, one.accuracy.high),
                *(one.regret.value, one.regret.low, one.regret.high, one.p_value, int(one.as_good)),
                *(one.seconds, one.seconds_alone, *(by_seed.get(seed) for seed in found.seeds)),
            ]
        )
    return text.getvalue()

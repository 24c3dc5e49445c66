"""What a finished sweep leaves behind, typed, and its JSON form: the download "the sweep as JSON". Torch-free."""

import csv
import dataclasses
import io
from dataclasses import dataclass
from typing import Any

from core.training.sweep_events import ArmDone, SweepFinished, SweepStarted
from core.training.sweep_log import SweepLog
from core.training.sweep_report import SweepReport, report

FORMAT = 1  # of result.json; raised when a field changes its meaning


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """What was asked, what it was measured on, every single measurement, and what follows from them."""

    title: str
    started: SweepStarted
    measurements: tuple[ArmDone, ...]
    report: SweepReport
    finished: SweepFinished
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``."""
        provenance = dataclasses.asdict(self.started)
        costs = dataclasses.asdict(self.finished)
        return {
            "format": FORMAT,
            "kind": "sweep",
            "title": self.title,
            **provenance,
            **costs,
            "report": dataclasses.asdict(self.report),
            "measurements": [dataclasses.asdict(one) for one in self.measurements],
            "notes": self.notes,
        }

    def summary(self) -> dict[str, Any]:
        """Pick what a list of runs shows: the best arm's accuracy with its interval (0-1), the cheapest as good."""
        best = self.report.of(str(self.report.best))
        assert best is not None
        return {
            "kind": "sweep",
            "accuracy": best.accuracy.value,
            "low": best.accuracy.low,
            "high": best.accuracy.high,
            "best": self.report.best,
            "as_good": self.report.as_good,
            "cheapest": self.report.cheapest,
            "seconds": self.finished.seconds,
            "epochs": self.started.epochs,
            "caveats": self.report.caveats,
        }


def build_result(title: str, log: SweepLog, notes: tuple[str, ...] = ()) -> SweepResult:
    """Gather a finished sweep's figures."""
    assert log.started is not None
    assert log.finished is not None
    return SweepResult(
        title=title,
        started=log.started,
        measurements=log.arms_done,
        report=report(log),
        finished=log.finished,
        notes=notes,
    )


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

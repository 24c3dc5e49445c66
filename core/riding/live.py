"""A visitor's own run of the experiment, in a process of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core import errors, live
from core.riding.experiment import ARMS, TESTS
from core.riding.experiment_report import Report
from core.turns import NOBODY, Owner, Ticket


@dataclass(kw_only=True, eq=False)
class RidingRun(live.LiveRun):
    """What was asked, and what has been found so far."""

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    target: str = "motorcycle"
    tests: tuple[int, ...] = tuple(TESTS)
    done: float = 0.0  # 0-1
    learning: Literal["source", "target"] = "source"
    report: Report | None = None  # of all tests so far

    def __post_init__(self) -> None:
        for name in self.arms:
            errors.one_of("arm", name, ARMS)

    @property
    def command(self) -> tuple[str, dict[str, Any]]:
        """The worker, and what it is asked."""
        asked = {"arms": self.arms, "seeds": self.seeds, "target": self.target, "tests": self.tests}
        return "core.riding.worker", asked

    def take(self, line: dict[str, Any]) -> None:
        """Keep a report, or how far it is."""
        if "report" in line:
            self.report = Report.from_json(line["report"])
        else:
            self.done, self.learning = line["done"], line["learning"]


def start(
    arms: Sequence[str],
    seeds: Sequence[int],
    target: str = "motorcycle",
    tests: Sequence[int] = TESTS,
    *,
    owner: Owner = NOBODY,
    pool: live.Pool = live.pool,
) -> RidingRun:
    """Queue a run of ``owner`` and return at once; `SettingsError` for an arm that is none. As `experiment.run`."""
    run = RidingRun(
        arms=tuple(arms), seeds=tuple(seeds), target=target, tests=tuple(tests), ticket=Ticket(owner=owner)
    )
    pool.start(run)
    return run

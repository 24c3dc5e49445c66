"""A visitor's own run of an experiment, in a process of its own."""

from dataclasses import dataclass, field
from typing import Any

from core import events, live
from core.techniques.events import KINDS
from core.techniques.report import Report
from core.techniques.technique import Settings, Technique
from core.turns import NOBODY, Owner, Ticket

# Not the riders' pool: an experiment here takes up to a minute.
POOL = live.Pool()


@dataclass(kw_only=True, eq=False)
class TechniqueRun(live.LiveRun):
    """What was asked, and what has been found so far."""

    technique: Technique
    settings: Settings
    report: Report = field(init=False)
    error: str = ""  # one sentence, where the person can mend it

    def __post_init__(self) -> None:
        self.report = Report(technique=self.technique)

    @property
    def command(self) -> tuple[str, dict[str, Any]]:
        """The worker, and what it is asked."""
        asked = {"technique": self.technique.name, "settings": self.settings.to_json()}
        return "core.techniques.worker", asked

    def take(self, line: dict[str, Any]) -> None:
        """Keep an event, or the sentence that says what went wrong."""
        if "error" in line:
            self.error = line["error"]
        else:
            event = events.read(line, KINDS)
            assert event is not None
            self.report.take(event)


def start(
    technique: Technique, settings: Settings, *, owner: Owner = NOBODY, pool: live.Pool = POOL
) -> TechniqueRun:
    """Queue a run of ``owner`` and return at once."""
    run = TechniqueRun(technique=technique, settings=settings, ticket=Ticket(owner=owner))
    pool.start(run)
    return run

"""When the runs of a lane begin and end, as far as measured runs can tell. Torch-free."""

import heapq
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

# How long a long run may go on before it lets shorter ones pass, at its next arm or epoch.
STRETCH_SECONDS = 30.0
# As many times longer than another a run has to be to let it pass.
LONGER = 2.0


@dataclass(frozen=True, kw_only=True)
class RunAhead:
    """A run of a lane that waits or is worked on; seconds are infinite where nobody can tell."""

    id: str
    visitor: str
    priority: int
    whole: float  # seconds that it takes in all
    left: float  # of those
    stretch: float = 0.0  # seconds that it has been worked on without a break; 0 while it waits
    in_work: bool = False


@dataclass(frozen=True, kw_only=True)
class RunLike:
    """What decides whether one run's pace says something about another's."""

    kind: str
    backbone: str | None
    control: bool = False


@dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """A finished run: how long it took, and how long it should have taken on the machine that measured networks."""

    alike: RunLike
    expected: float | None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class LanePace:
    """What a lane's last runs tell about the next ones."""

    runs: Sequence[MeasuredRun]

    def seconds(self, run: RunLike, expected: float | None) -> float:
        """Expect how long a run takes here; of one that nobody could count, as its kind has; else infinite."""
        if expected is None:
            took = [one.seconds for one in self.runs if one.alike.kind == run.kind][:20]
            return sum(took) / len(took) if took else math.inf
        return expected * self.slowness(run)

    def slowness(self, run: RunLike) -> float:
        """How many times longer such runs take here than where networks were measured; 1 before any has ended.

        The last ones that are most like it say so: the same in all, else those of its network, else any.
        """
        known = [one for one in self.runs if one.expected]
        same = [one for one in known if one.alike == run]
        own = [one for one in known if one.alike.backbone == run.backbone]
        said = (same or own or known)[:20]
        return median(one.seconds / (one.expected or 1.0) for one in said) if said else 1.0


def forecast(runs: Iterable[RunAhead], slots: int = 1) -> dict[str, tuple[float, float]]:
    """Say for every run when it begins and when it ends, in seconds from now; ``runs`` are in the queue's order.

    It plays the queue through: ``slots`` runs at a time, controls make way at once, long runs at their breaks.
    """
    free, now, order = max(1, slots), 0.0, itertools.count()
    waiting: list[RunAhead] = []
    busy: list[tuple[float, int, RunAhead]] = []  # until when, and what is then left to do
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}

    def begin(run: RunAhead) -> None:
        begun.setdefault(run.id, now)
        length = run.left
        if waiting and run.priority > waiting[0].priority:
            length = 0.0 if run.in_work else length  # a control goes back when it is the turn of a run
        elif lets_pass(run, waiting):
            length = min(length, max(0.0, STRETCH_SECONDS - run.stretch))
        heapq.heappush(
            busy,
            (now + length, next(order), replace(run, left=run.left - length, stretch=0.0, in_work=False)),
        )

    both = list(runs)
    waiting = [run for run in both if not run.in_work]
    for run in both:
        if run.in_work:
            begin(run)
            free -= 1
    while waiting or busy:
        while waiting and free > 0:
            begin(waiting.pop(0))
            free -= 1
        if not busy:
            break
        now, _, run = heapq.heappop(busy)
        free += 1
        if run.left > 0 and math.isfinite(now):
            behind = sum(one.priority <= run.priority for one in waiting)
            waiting.insert(behind, run)
        else:
            ended[run.id] = now
    return {name: (begun[name], ended.get(name, math.inf)) for name in begun}


def lets_pass(run: RunAhead, waiting: Iterable[RunAhead]) -> bool:
    """Whether somebody else's run waits that is much shorter than ``run``; `Store.order` asks the same in SQL."""
    return any(
        one.priority <= run.priority
        and one.visitor != run.visitor
        and LONGER * one.whole <= run.whole < math.inf
        for one in waiting
    )

"""What an experiment found so far: means over seeds with intervals, and a verdict read from them. Torch-free."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import stats

from core.events import Event, Note
from core.metrics.classification import CONFIDENCE
from core.metrics.comparison import seeds_difference
from core.metrics.report import Interval
from core.metrics.verdict import PLAIN, POINTS, Verdict, early, effect, turned, unripe
from core.techniques.events import Panel, Score
from core.techniques.technique import Quantity, Technique


@dataclass(kw_only=True)
class Report:
    """Grows event by event; everything in it is computed from the scores."""

    technique: Technique
    seeds: int = 0  # that are planned; before the last one nothing is judged. 0: those that are there
    scores: list[Score] = field(default_factory=list)
    panels: dict[str, Panel] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Keep a score, a panel, a remark."""
        if isinstance(event, Score):
            self.technique.arm(event.arm)
            self.scores.append(event)
        elif isinstance(event, Panel):
            self.panels[event.name] = event
        elif isinstance(event, Note):
            self.remarks.append(event.message)

    @classmethod
    def of(cls, technique: Technique, events: Iterable[Event], seeds: int = 0) -> "Report":
        """Take all ``events``."""
        report = cls(technique=technique, seeds=seeds)
        for event in events:
            report.take(event)
        return report

    def quantity(self, name: str = "") -> Quantity:
        """Find a quantity; the first for an empty name."""
        return next(one for one in self.technique.quantities if name in ("", one.name))

    def values(self, arm: str, quantity: str = "", x: float | None = None) -> dict[int, float]:
        """By seed; with an axis and without ``x``, the mean over those places that every seed has reached."""
        wanted = self.quantity(quantity).name
        rows = [one for one in self.scores if one.arm == arm and self.quantity(one.quantity).name == wanted]
        if x is not None:
            rows = [one for one in rows if one.x == x]
        places: dict[int, dict[float | None, float]] = {}
        for one in rows:
            places.setdefault(one.seed, {})[one.x] = one.value
        whole = {place for by_place in places.values() for place in by_place}
        return {
            seed: float(np.mean(list(by_place.values())))
            for seed, by_place in places.items()
            if set(by_place) == whole  # a seed that is still at work would be compared at other places
        }

    def places(self, quantity: str = "") -> list[float]:
        """List the places on the axis, in order; empty without one."""
        wanted = self.quantity(quantity).name
        return sorted(
            {one.x for one in self.scores if one.x is not None and self.quantity(one.quantity).name == wanted}
        )

    def mean(self, arm: str, quantity: str = "", x: float | None = None) -> Interval | None:
        """Mean over seeds with its 95 % t interval; None without a value, the value alone for one seed."""
        values = np.array(list(self.values(arm, quantity, x).values()))
        if not len(values):
            return None
        value = float(values.mean())
        if len(values) == 1 or float(np.ptp(values)) == 0.0:
            return Interval(value=value, low=value, high=value)
        low, high = stats.t.interval(CONFIDENCE, len(values) - 1, loc=value, scale=stats.sem(values))
        if self.quantity(quantity).share:  # the t distribution does not know where shares end
            low, high = max(low, 0.0), min(high, 1.0)
        return Interval(value=value, low=float(low), high=float(high))

    def compare(self, first: str, second: str, quantity: str = "", x: float | None = None) -> Verdict:
        """Lay ``first`` beside ``second`` seed by seed (paired t interval over seeds)."""
        of = self.quantity(quantity)
        scale = POINTS if of.share else PLAIN
        a, b = self.values(first, quantity, x), self.values(second, quantity, x)
        seeds = sorted(set(a) & set(b))
        if len(seeds) < 2:
            return early(None, unripe(None, len(seeds)), scale)
        gain = seeds_difference(
            [a[seed] for seed in seeds], [b[seed] for seed in seeds], paired=True
        ).difference
        if not of.higher_is_better:
            gain = turned(gain)
        waits = unripe(gain, len(seeds), self.seeds)
        if waits:
            return early(gain, waits, scale)
        found = effect(gain, scale)
        return replace(found, sentence=f"{found.sentence}, {len(seeds)} seeds")

    @property
    def verdict(self) -> Verdict:
        """The technique's method against its baseline."""
        return self.compare(*self.technique.verdict)

    def to_json(self) -> dict[str, Any]:
        """Means, intervals and verdicts as plain values: what the command line prints last."""
        rows = [
            {"arm": arm.name, "quantity": of.name, "x": x, "seeds": len(self.values(arm.name, of.name, x))}
            | {"mean": found.value, "low": found.low, "high": found.high}
            for of in self.technique.quantities
            for arm in self.technique.arms
            for x in (self.places(of.name) or [None])  # type: ignore[list-item]
            if (found := self.mean(arm.name, of.name, x)) is not None
        ]
        gain = self.verdict.gain
        return {
            "technique": self.technique.name,
            "results": rows,
            "verdict": self.verdict.sentence,
            "judgement": self.verdict.judgement,
            "gain": None if gain is None else [gain.value, gain.low, gain.high],
            "remarks": self.remarks,
        }


def shown(value: float, of: Quantity) -> str:
    """Write a value, or a difference, as a person reads it: shares in percent or points, with a true minus."""
    text = f"{round(100 * value, 1) + 0.0:.1f}" if of.share else f"{value:.3g}"
    return text.replace("-", "−")

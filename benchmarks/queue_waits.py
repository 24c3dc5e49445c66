"""How long a class waits behind sweeps: the real queue, with runs that only take their time on a clock of its own.

    python -m benchmarks.queue_waits --learners 25 --sweeps 3 --slowness 2 --json waits.json

The store decides who comes next, who makes way and who goes on, as it does for workers; nothing is trained. Every run
takes as long as `core.runs.duration` expects, times ``--slowness``: EfficientNet-Lite0, everyday close-ups, 25 pictures
of each class, half frozen, and its control; sweeps of the same. The sweeps are there first, then learners come within a
minute, from a fixed seed. What a break costs a sweep, reading its pictures and running the network over them again, is
counted. "Before" never lets a run pass; "after" is the queue as it is.
"""

import argparse
import json
import random
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from core.backbones import catalogue
from core.runs import duration
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.lanes import TRAINING
from core.runs.spec import RunSpec
from core.runs.store import runs as store_module
from core.runs.store.runs import Claim, Store
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig

DATA, PER_CLASS = "everyday-closeups", 25
RUN = RunSpec(config=FinetuneConfig(per_class=PER_CLASS, freeze_depth=3), data=DATA, title="Half frozen")
SWEEP = RunSpec(config=SweepConfig(per_class=PER_CLASS), data=DATA, title="Every depth")
ARRIVE_WITHIN = 60.0  # seconds
LOOK_SECONDS = 1.0  # between two looks of a control at whether it has to go back
NEVER = 1e12


@dataclass(kw_only=True)
class _Clock:
    now: float = 1_000_000.0

    def time(self) -> float:
        return self.now


@dataclass(kw_only=True)
class _Class:
    """The queue of one afternoon."""

    store: Store
    clock: _Clock
    slowness: float
    arrivals: list[tuple[float, str]]  # when, whose
    asked: dict[str, float] = field(default_factory=dict)
    promised: dict[str, float] = field(default_factory=dict)  # the wait that the page said at first, seconds
    begun: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    done: dict[str, float] = field(default_factory=dict)  # seconds of work
    breaks: int = 0

    def add(self, spec: RunSpec, visitor: str) -> str:
        control = control_spec(spec) if spec.kind == "finetune" else None
        expected = (_seconds(spec), None if control is None else _seconds(control))
        run = self.store.add(spec, visitor, control, expected=expected)
        self.asked[run] = self.clock.now
        self.promised[run] = self.store.wait(run) or 0.0
        return run

    def go_on(self, seconds: float) -> None:
        """Let time go by; who arrives meanwhile is there afterwards."""
        self.clock.now += seconds
        while self.arrivals and self.arrivals[0][0] <= self.clock.now:
            _, visitor = self.arrivals.pop(0)
            self.add(RUN, visitor)

    def work(self, claim: Claim) -> None:
        """Do one run as a worker does, until it ends or has to make way."""
        run, record = claim.run, self.store.run(claim.run)
        self.begun.setdefault(run, self.clock.now)
        whole = self.slowness * (_seconds(record.spec) or 0.0)
        step = LOOK_SECONDS
        if record.spec.kind == "sweep":
            step = whole / _arms(record.spec)
            if run in self.done:
                self.breaks += 1
                self.go_on(self.slowness * _again(record.spec))
        while self.done.get(run, 0.0) < whole:
            length = min(step, whole - self.done.get(run, 0.0))
            self.go_on(length)
            self.done[run] = self.done.get(run, 0.0) + length
            order = self.store.order(claim)
            if order == "wait":
                self.store.give_back(claim)
                return
            if order == "let pass" and record.spec.kind == "sweep" and self.done[run] < whole:
                self.store.let_pass(claim)
                return
        self.store.end(claim, "finished")
        self.ended[run] = self.clock.now


def play(home: Path, *, learners: int, sweeps: int, slowness: float, lets_pass: bool) -> dict[str, float]:
    """Play one afternoon; seconds."""
    chance, clock = random.Random(0), _Clock()
    arrivals = sorted(
        (clock.now + chance.uniform(0, ARRIVE_WITHIN), f"learner {one}") for one in range(learners)
    )
    stretch = store_module.STRETCH_SECONDS if lets_pass else NEVER
    with mock.patch.multiple(store_module, time=clock, STRETCH_SECONDS=stretch, create=False):
        store = Store(home)
        # The machine's pace is known, as it is after a lesson's first run.
        known = store.add(RUN, "teacher", expected=(_seconds(RUN), None))
        claim = store.claim(TRAINING)
        assert claim is not None
        assert claim.run == known
        clock.now += slowness * (_seconds(RUN) or 0.0)
        store.end(claim, "finished")
        arrivals = [(when + slowness * (_seconds(RUN) or 0.0), who) for when, who in arrivals]
        played = _Class(store=store, clock=clock, slowness=slowness, arrivals=arrivals)
        long = [played.add(SWEEP, f"sweeper {one}") for one in range(sweeps)]
        while True:
            claim = store.claim(TRAINING)
            if claim is not None:
                played.work(claim)
            elif arrivals:
                played.go_on(max(0.0, arrivals[0][0] - clock.now))
            else:
                break
        store.close()
    runs = [run for run in played.asked if run not in long]
    waits = [played.begun[run] - played.asked[run] for run in runs]
    results = [played.ended[run] - played.asked[run] for run in runs]
    return {
        "wait, median": statistics.median(waits),
        "wait, 95th": _quantile(waits, 0.95),
        "wait, longest": max(waits),
        "result, median": statistics.median(results),
        "last result": max(played.ended[run] for run in runs) - min(played.asked.values()),
        "first sweep done": min(played.ended[run] for run in long) - min(played.asked.values()),
        "last sweep done": max(played.ended[run] for run in long) - min(played.asked.values()),
        "breaks": float(played.breaks),
        "promised wait off by, median": statistics.median(
            abs(played.promised[run] - wait) for run, wait in zip(runs, waits, strict=True)
        ),
    }


def _seconds(spec: RunSpec) -> float | None:
    return duration.expected(spec)


def _arms(spec: RunSpec) -> int:
    assert isinstance(spec.config, SweepConfig)
    return spec.config.seeds * (catalogue.entry(spec.config.backbone).depth + 2)  # every depth, and LP-FT


def _again(spec: RunSpec) -> float:
    """What going on after a break costs: reading the pictures, and the network once over them, as a probe does."""
    probe = FinetuneConfig(strategy="linear_probe")
    return duration.expected(RunSpec(config=probe, data=spec.data)) or 0.0


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    """Print before and after, in minutes, or write them as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--learners", type=int, default=25)
    parser.add_argument("--sweeps", type=int, default=3)
    parser.add_argument("--slowness", type=float, default=1.0, help="how many times longer runs take here")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = {}
    for name, lets_pass in (("before", False), ("after", True)):
        with tempfile.TemporaryDirectory() as home:
            found[name] = play(
                Path(home),
                learners=asked.learners,
                sweeps=asked.sweeps,
                slowness=asked.slowness,
                lets_pass=lets_pass,
            )
    lengths = {
        name: _seconds(spec)
        for name, spec in (("run", RUN), ("control", control_spec(RUN)), ("sweep", SWEEP))
    }
    print(f"Expected lengths, seconds: {lengths}, times {asked.slowness}")
    print(f"{'minutes':<32}{'before':>8}{'after':>8}")
    for name in found["before"]:
        scale = 1.0 if name == "breaks" else 60.0
        print(f"{name:<32}" + "".join(f"{found[when][name] / scale:>8.1f}" for when in ("before", "after")))
    if asked.json is not None:
        asked.json.write_text(json.dumps({"lengths": lengths, **found}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

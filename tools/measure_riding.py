"""Run the riding experiment with 20 seeds and write ``core/riding/measured/``.

    python -m tools.measure_riding

About ten minutes on one core. The same seeds give the same file, but for the date and the seconds.
"""

import datetime
import platform
import time
from collections.abc import Iterable
from math import isinf
from typing import Any

import numpy as np
import scipy

from core.events import Event
from core.riding import events, experiment, gains, measured, policy, rides
from core.riding.experiment_report import RiderCurve, RidingReport, mean, median
from core.riding.machines import machine
from core.riding.policy import Policies
from core.riding.practice import RIDES_AN_UPDATE, practise
from core.riding.simulate import RidingTest, Tracks

SEEDS = tuple(range(20))
MAIN = ("scratch", "bicycle", "reversed")
ON_SECOND = (*MAIN, "shuffled", "ebike")
LONG = (*experiment.TESTS, *range(100, 301, 20))
FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
DOSES = (0, 5, 10, 20, 40, 80, 160)  # source updates
SHOWN_AT = (0, 2, 4, 10, 20, 40, 80)  # updates of the animation's riders


def main() -> None:
    """Measure all and write the files."""
    began = time.process_time()
    report = _last(experiment.run(list(experiment.ARMS), SEEDS))
    _say("all arms", began)
    second = _last(experiment.run(ON_SECOND, SEEDS, target="motorcycle_1994"))
    _say("second motorcycle", began)
    sources = _sources(["bicycle", "reversed", "ebike"], experiment.SOURCE_UPDATES)
    shown = _typical(report)
    long, forgetting, riders, at_80 = _long(sources, shown)
    _say("300 updates and forgetting", began)
    until_goal = _doses()
    _say("doses", began)
    measured.write_riders(riders)
    measured.write(
        {
            "provenance": {
                "made_by": "python -m tools.measure_riding",
                "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
                "versions": {
                    "python": platform.python_version(),
                    "numpy": np.__version__,
                    "scipy": scipy.__version__,
                },
                "seeds": len(SEEDS),
                "cpu_seconds": round(time.process_time() - began),
                "shown_seed": shown,
            },
            "motorcycle": report.to_json(),
            "second": second.to_json(),
            "long": long.to_json(),
            "forgetting": forgetting.to_json(),
            "sources": {name: _at_home(name, one) for name, one in sources.items()},
            "factors": FACTORS,
            "strengthened": _strengthened(sources["bicycle"]),
            "doses": [RIDES_AN_UPDATE * updates for updates in DOSES],
            "until_goal": until_goal,
            "gains": {
                "bicycle": np.round(gains.learned_gains(sources["bicycle"]), 4).tolist(),
                "reversed": np.round(gains.learned_gains(sources["reversed"]), 4).tolist(),
                "motorcycle": np.round(gains.learned_gains(at_80), 4).tolist(),
            },
        }
    )
    _table(report)


def _say(what: str, began: float) -> None:
    print(f"{time.process_time() - began:6.0f} CPU s: {what}", flush=True)


def _last(told: Iterable[Event]) -> RidingReport:
    found = events.report(told)
    assert found is not None
    return found


def _sources(names: list[str], updates: int) -> dict[str, Policies]:
    learned: dict[Any, Policies] = {}
    for _, found in experiment.ride_sources(names, SEEDS, updates):
        learned |= found
    return learned


def _track(name: str) -> rides.Track:
    of, turned = experiment.SOURCES[name]
    return rides.track(machine(of), reversed=turned)


def _at_home(name: str, policies: Policies) -> list[float]:
    score = RidingTest(len(SEEDS)).score(policies, Tracks.of([_track(name)], len(SEEDS)))
    survival: list[float] = np.round(score.survival, 4).tolist()
    return survival


def _strengthened(policies: Policies) -> list[list[float]]:
    exam = RidingTest(len(SEEDS))
    track = Tracks.of([rides.track(machine("motorcycle"))], len(SEEDS))
    scores = [exam.score(policies, track, strength).survival for strength in FACTORS]
    survival: list[list[float]] = np.round(np.stack(scores, axis=1), 4).tolist()
    return survival


def _typical(report: RidingReport) -> int:
    """Choose the seed whose bicycle rider survives most nearly as often as the average one does."""
    before = report.curve("bicycle").at(0)
    return SEEDS[int(np.abs(before - before.mean()).argmin())]


def _long(
    sources: dict[str, Policies], shown: int
) -> tuple[RidingReport, RidingReport, dict[str, Policies], Policies]:
    """Practise the main arms on and on; test on the motorcycle, and on what the riders came from."""
    n = len(SEEDS)
    start = policy.together([policy.fresh(SEEDS), sources["bicycle"], sources["reversed"]])
    back = Tracks.of([_track("bicycle"), _track("reversed")], n)
    exam = RidingTest(2 * n)
    scores, old, riders = [], [], {}
    tracks = Tracks.of([rides.track(machine("motorcycle"))], start.riders)
    for step in practise(start, tracks, SEEDS, purpose="target", tests=LONG):
        if step is None:
            continue
        scores.append(step.score)
        old.append(exam.score(step.policies.part(slice(n, None)), back))
        if step.update in SHOWN_AT:
            for place, arm in enumerate(MAIN):
                rider = place * n + SEEDS.index(shown)
                riders[f"{arm}.{step.update}"] = step.policies.part(slice(rider, rider + 1))
        if step.update == experiment.UPDATES:
            at_80 = step.policies.part(slice(n))
    return _report("motorcycle", MAIN, scores), _report("bicycle", MAIN[1:], old), riders, at_80


def _report(target: str, arms: tuple[str, ...], scores: list[Any]) -> RidingReport:
    survival = np.stack([one.survival for one in scores], axis=1).reshape(len(arms), len(SEEDS), -1)
    seconds = np.stack([one.seconds for one in scores], axis=1).reshape(len(arms), len(SEEDS), -1)
    return RidingReport(
        target=target,
        seeds=SEEDS,
        curves=tuple(
            RiderCurve(arm=arm, updates=LONG, survival=survival[place], seconds=seconds[place])
            for place, arm in enumerate(arms)
        ),
    )


def _doses() -> dict[str, list[list[float | None]]]:
    """Let riders with more and fewer source rides learn the motorcycle: updates until the goal."""
    names = ["bicycle", "reversed"]
    groups: list[Policies] = []
    for updates in DOSES:
        learned = _sources(names, updates)
        groups += [learned[name] for name in names]
    start = policy.together(groups)
    tracks = Tracks.of([rides.track(machine("motorcycle"))], start.riders)
    scores = [
        step.score
        for step in practise(start, tracks, SEEDS, purpose="target", tests=experiment.TESTS)
        if step is not None
    ]
    survival = np.stack([one.survival for one in scores], axis=1)
    survival = survival.reshape(len(DOSES), len(names), len(SEEDS), -1)
    found: dict[str, list[list[float | None]]] = {}
    for place, name in enumerate(names):
        by_dose = [
            RiderCurve(arm=name, updates=experiment.TESTS, survival=one, seconds=one).until_goal()
            for one in survival[:, place]
        ]
        found[name] = [
            [None if isinf(value) else float(value) for value in row] for row in np.stack(by_dose, axis=1)
        ]
    return found


def _table(report: RidingReport) -> None:
    print(f"{'arm':22} upright s   survival at 0/4/10/20/40/80            updates to 90 %      never")
    for curve in report.curves:
        upright = mean(curve.seconds[:, 0])
        shares = "/".join(f"{curve.at(update).mean():.2f}" for update in (0, 4, 10, 20, 40, 80))
        until = curve.until_goal()
        middle = median(until)
        print(
            f"{curve.arm:22} {upright.value:.2f}        {shares}   "
            f"{middle.value:4.0f} [{middle.low:.0f}, {middle.high:.0f}]   {int(np.isinf(until).sum())}"
        )


if __name__ == "__main__":
    main()

"""What a sweep found: accuracy over depth with intervals, whether differences are real, what it cost. Torch-free."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from core import errors
from core.arrays import Flags
from core.events import Event
from core.metrics.report import Interval
from core.metrics.verdict import judged, written
from core.training.sweep_config import SweepArm
from core.training.sweep_events import ArmDone, ArmDropped, CachesReady, SweepStarted
from core.training.sweep_log import SweepLog
from core.training.sweep_statistics import compare
from core.words import percent, points

DROP_BELOW = 0.005  # racing drops an arm whose loss to the leader is less likely than this by chance


@dataclass(frozen=True, kw_only=True)
class ArmReport:
    """One arm over its seeds. Accuracies are shares, 0-1."""

    arm: str
    depth: int
    accuracy: Interval  # mean over seeds, 95 %
    regret: Interval  # how much less than the best of all arms, >= 0, 95 %
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]  # of each of ``seeds``
    seconds: float  # within the sweep: median over seeds of training and testing, from the caches on
    seconds_alone: (
        float | None
    )  # with the pass up to its cache over all images the sweep used; None: not known yet
    p_value: float | None  # of being as good as the best, corrected after Holm; None: it is the best
    as_good: bool  # cannot be told from the best, or is the best
    dropped: bool  # racing left it out


@dataclass(frozen=True, kw_only=True)
class SweepReport:
    """What is known so far, or in the end. Before the first arm, ``best`` and ``cheapest`` are None."""

    data_name: str
    classes: int
    images: dict[str, int]
    stages: tuple[str, ...]
    planned: tuple[str, ...]  # names of arms
    seeds: tuple[int, ...]  # planned
    counted: tuple[int, ...]  # seeds that all arms have: means and comparisons rest on these
    epochs: int
    chance: float
    arms: tuple[ArmReport, ...]  # measured ones, from depth 0 on, LP-FT last
    best: str | None
    as_good: tuple[str, ...]  # the best, and what cannot be told from it
    cheapest: str | None  # of those: the one that trains fewest stages
    verdict: str
    method: str
    seconds: float | None  # of the whole sweep; None before its end
    finished: bool
    caveats: tuple[str, ...] = ()  # of the data: said wherever an accuracy is

    def of(self, arm: str) -> ArmReport | None:
        """Look up an arm by name; None while it is not measured."""
        return next((one for one in self.arms if one.arm == arm), None)


def report(events: Iterable[Event] | SweepLog) -> SweepReport:
    """Read a sweep's events, all of them or those so far; `RunError` before its `SweepStarted`.

    Where an arm and seed, or a beginning, comes twice (a resumed sweep), the last one counts. While a seed is
    under way it is not counted, so that arms are compared on the same seeds; the first one is, as far as it is.
    """
    log = events if isinstance(events, SweepLog) else SweepLog(events)
    started, caches, done, dropped = log.started, log.caches, log.done, log.dropped
    if started is None:
        raise errors.RunError("The sweep has not begun yet; wait a moment.")
    measured = {name: seeds for name, seeds in done.items() if seeds}
    racing = [name for name in measured if name not in dropped]
    counted = log.complete
    seeds_of = {
        name: counted or tuple(seeds) if name in racing else tuple(sorted(seeds))
        for name, seeds in measured.items()
    }
    hits = {
        name: np.stack([unpack(done[name][seed].hits, started.images["test"]) for seed in seeds])
        for name, seeds in seeds_of.items()
    }  # (S, N) each
    best = max((name for name in hits if name in racing), key=lambda name: hits[name].mean(), default=None)
    found = compare(hits, seeds_of, racing, best) if best is not None else {}
    arms = []
    for name in hits:
        arm = SweepArm.named(name)
        seconds = median(one.seconds for one in measured[name].values())
        accuracy, regret, p_value = found[name]
        arms.append(
            ArmReport(
                arm=name,
                depth=arm.depth,
                accuracy=accuracy,
                regret=regret,
                seeds=tuple(sorted(measured[name])),
                accuracies=tuple(measured[name][seed].accuracy for seed in sorted(measured[name])),
                seconds=seconds,
                seconds_alone=_alone(arm, seconds, started, caches, measured),
                p_value=p_value,
                as_good=name not in dropped and judged(regret) == "no difference",
                dropped=name in dropped,
            )
        )
    as_good = tuple(one.arm for one in arms if one.as_good)
    cheapest = max(as_good, key=_thrift, default=None)
    return SweepReport(
        data_name=started.data_name,
        classes=len(started.class_names),
        images=started.images,
        stages=started.stages,
        planned=started.arms,
        seeds=started.seeds,
        counted=counted,
        epochs=started.epochs,
        chance=started.chance,
        arms=tuple(arms),
        best=best,
        as_good=as_good,
        cheapest=cheapest,
        verdict=_verdict(arms, best, cheapest, counted=counted, seeds=started.seeds),
        method=_method(started, counted, len(hits)),
        seconds=log.finished.seconds if log.finished else None,
        finished=log.finished is not None,
        caveats=started.caveats,
    )


def _alone(
    arm: SweepArm,
    seconds: float,
    started: SweepStarted,
    caches: CachesReady | None,
    measured: dict[str, dict[int, ArmDone]],
) -> float | None:
    """What the arm would have taken by itself; what starts from a probe needs all stages' pass, and the probe."""
    if caches is None:
        return None
    probe = f"k{len(started.stages)}"
    if arm.name == probe or not (started.probe_head or arm.strategy == "lp_ft"):
        return seconds + caches.seconds[arm.depth]
    if probe not in measured:
        return None
    return seconds + caches.seconds[-1] + median(one.seconds for one in measured[probe].values())


# --- words ----------------------------------------------------------------------------------------------


def _thrift(name: str) -> tuple[int, bool]:
    """Order arms by how little they train; LP-FT also solves a probe first."""
    return SweepArm.named(name).depth, name != "lp_ft"


def spoken(arms: Iterable[str]) -> str:
    """Name arms in a sentence: ``depths 0 to 3``, ``depth 2 and LP-FT``."""
    names = list(arms)
    depths = sorted(SweepArm.named(name).depth for name in names if name != "lp_ft")
    runs: list[list[int]] = []
    for depth in depths:
        if runs and depth == runs[-1][-1] + 1:
            runs[-1].append(depth)
        else:
            runs.append([depth])
    parts: list[str] = []
    for run in runs:
        parts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(depth) for depth in run]
    if parts:
        parts[0] = f"depth{'s' if len(depths) > 1 else ''} {parts[0]}"
    parts += ["LP-FT"] if "lp_ft" in names else []
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _verdict(
    arms: Sequence[ArmReport],
    best: str | None,
    cheapest: str | None,
    *,
    counted: Sequence[int],
    seeds: Sequence[int],
) -> str:
    """Say what the sweep found, in a sentence; it warns of a single seed, whose luck nothing has measured."""
    if best is None or cheapest is None:
        return "Nothing is measured yet."
    top = next(one for one in arms if one.arm == best)
    if len(arms) == 1:
        return f"Only {spoken([best])} is measured so far: {percent(top.accuracy.value)}."
    early = len(counted) < len(seeds)
    so_far = ("so far, " if early else "") + ("with one seed, " if len(counted) < 2 else "")
    as_good = [one.arm for one in arms if one.as_good]
    if len(as_good) == 1:
        runner_up = min((one for one in arms if one.arm != best), key=lambda one: one.regret.value)
        text = (
            f"{so_far}{spoken([best])} {'leads' if early else 'is better than all others'}: "
            f"{percent(top.accuracy.value)}, {written(runner_up.regret, sign=False)} before {spoken([runner_up.arm])}."
        )
    elif len(as_good) == len(arms):
        text = f"{so_far}{spoken(as_good)} cannot be told apart; the cheapest of them is {_short(cheapest)}."
    else:
        text = (
            f"{so_far}{spoken(as_good)} cannot be told apart from the best of them ({_short(best)}); "
            f"the cheapest of them is {_short(cheapest)}."
        )
    return text[0].upper() + text[1:]


def regret_sentence(found: SweepReport, advised: str) -> str:
    """Say how the advised arm did; "" while not every arm is measured at least once."""
    arm = found.of(advised)
    if arm is None or found.best is None or len(found.arms) < max(2, len(found.planned)):
        return ""
    name = spoken([advised])
    reach = f"95 % interval {100 * arm.regret.low:.1f} to {100 * arm.regret.high:.1f}"
    if advised == found.best:
        at_most = points(arm.regret.high, sign=False)
        return f"The advice, {name}, is the best of all measured (behind by at most {at_most}, 95 %)."
    behind = f"{points(arm.regret.value, sign=False)} behind the best, {spoken([found.best])} ({reach})"
    if arm.as_good:
        return f"The advice, {name}, is {behind}: a difference that may be chance."
    if len(found.counted) < 2:
        return f"The advice, {name}, is {behind}: with one seed, which may be luck."
    return f"The advice, {name}, is {behind}: the advice was wrong here."


def _short(name: str) -> str:
    return "LP-FT" if name == "lp_ft" else str(SweepArm.named(name).depth)


def _method(started: SweepStarted, counted: Sequence[int], arms: int) -> str:
    """Say in a sentence or two what intervals and comparisons count."""
    images = f"{started.images['test']:,} test images"
    seeds = len(counted) or 1
    chance = (
        f"95 % intervals count {seeds} seeds and {images}"
        if seeds > 1
        else f"95 % intervals count {images}; with one seed, what another draw would change is not counted"
    )
    many = max(arms - 1, 1)
    return (
        f"{chance}. Each arm is compared with the best on the same images and seeds; {many} "
        f"comparison{'s' if many > 1 else ''}, corrected after Holm (1979), err with 5 % together at most."
    )


# --- hits, and racing -----------------------------------------------------------------------------------


def pack(hits: Flags) -> str:
    """Write flags (N,) as hex."""
    return np.packbits(hits).tobytes().hex()


def unpack(text: str, count: int) -> Flags:
    """Read ``count`` flags back."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8), count=count).astype(bool)


def lost(measured: Sequence[ArmDone], racing: Sequence[str], test_count: int) -> list[ArmDropped]:
    """Racing's decision, after Maron & Moore 1994 ("Hoeffding races"): which of ``racing`` need no further seed.

    An arm is dropped when it was right on fewer (seed, test image) pairs than the leader, and so many fewer among
    the pairs where the two disagree that chance alone gives that with probability below 0.5 % (exact McNemar
    test). Seeds share test images, so the test is a little too sure; `benchmarks/sweep_cost.py` says how often it
    would have dropped the best arm.
    """
    hits = {
        name: np.concatenate([unpack(one.hits, test_count) for one in measured if one.arm == name])
        for name in racing
    }
    from scipy import stats  # takes a while to import

    leader = max(hits, key=lambda name: hits[name].sum())
    found = []
    for name in racing:
        wins = int((hits[leader] & ~hits[name]).sum())
        losses = int((hits[name] & ~hits[leader]).sum())
        if wins > losses:
            p_value = float(stats.binomtest(wins, wins + losses, 0.5).pvalue)
            if p_value < DROP_BELOW:
                found.append(ArmDropped(arm=name, after_seed=0, behind=leader, p_value=p_value))
    return found

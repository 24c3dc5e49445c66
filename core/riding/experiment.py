"""The experiment: riders who learned something else before, or nothing, learn the motorcycle side by side.

After Torrey & Shavlik 2009 ("Transfer Learning", in Handbook of Research on Machine Learning Applications): one
learns the target with and without a source, and compares where the curves start, rise and end.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core import errors
from core.events import Event, Progress
from core.riding import policy, rides
from core.riding.events import RidersStarted, RidersTested
from core.riding.machines import machine
from core.riding.policy import Policies
from core.riding.practice import practise
from core.riding.simulate import Tracks

SOURCE_UPDATES = 80
UPDATES = 80
TESTS = (*range(4), *range(4, UPDATES + 1, 2))
MOST_SEEDS = 64
MOST_UPDATES = 1000

RiderColour = Literal["control", "trained", "frozen", "misled", "near"]

# (machine, reversed handlebar) that a rider may come from
SOURCES: dict[str, tuple[str, bool]] = {
    "bicycle": ("bicycle", False),
    "reversed": ("bicycle", True),
    "ebike": ("ebike", False),
}


def _as_it_is(source: Policies, seeds: Sequence[int]) -> Policies:
    return source


@dataclass(frozen=True, kw_only=True)
class RiderArm:
    """One way to begin with the motorcycle."""

    name: str  # as in addresses and in files
    title: str  # as on screen
    short: str  # as beside its line
    colour: RiderColour
    source: str | None  # one of `SOURCES`, or None: never rode before
    frozen: frozenset[int] = frozenset()  # layers 0, 1, 2 that stay as they are
    change: Callable[[Policies, Sequence[int]], Policies] = _as_it_is  # done to the source's weights first


ARMS: dict[str, RiderArm] = {
    one.name: one
    for one in (
        RiderArm(name="scratch", title="From scratch", short="scratch", colour="control", source=None),
        RiderArm(
            name="bicycle", title="From the bicycle", short="bicycle", colour="trained", source="bicycle"
        ),
        RiderArm(
            name="reversed",
            title="From the reversed bicycle",
            short="reversed",
            colour="misled",
            source="reversed",
        ),
        RiderArm(
            name="shuffled",
            title="Bicycle weights, shuffled",
            short="shuffled",
            colour="control",
            source="bicycle",
            change=policy.shuffled,
        ),
        RiderArm(name="ebike", title="From the e-bike", short="e-bike", colour="near", source="ebike"),
        RiderArm(
            name="bicycle_first_frozen",
            title="Bicycle, first layer frozen",
            short="1 layer frozen",
            colour="frozen",
            source="bicycle",
            frozen=frozenset({0}),
        ),
        RiderArm(
            name="bicycle_two_frozen",
            title="Bicycle, two layers frozen",
            short="2 layers frozen",
            colour="frozen",
            source="bicycle",
            frozen=frozenset({0, 1}),
        ),
        RiderArm(
            name="bicycle_last_frozen",
            title="Bicycle, layer 2 and head frozen",
            short="last 2 frozen",
            colour="frozen",
            source="bicycle",
            frozen=frozenset({1, 2}),
        ),
        RiderArm(
            name="bicycle_fresh_head",
            title="Bicycle, head started anew",
            short="new head",
            colour="trained",
            source="bicycle",
            change=policy.with_fresh_head,
        ),
        RiderArm(
            name="scratch_two_frozen",
            title="Random, two layers frozen",
            short="random, frozen",
            colour="frozen",
            source=None,
            frozen=frozenset({0, 1}),
        ),
        RiderArm(
            name="reversed_two_frozen",
            title="Reversed, two layers frozen",
            short="reversed, frozen",
            colour="frozen",
            source="reversed",
            frozen=frozenset({0, 1}),
        ),
        RiderArm(
            name="reversed_fresh_head",
            title="Reversed, head started anew",
            short="reversed, new head",
            colour="misled",
            source="reversed",
            change=policy.with_fresh_head,
        ),
    )
}


def check(arms: Sequence[str], seeds: Sequence[int], tests: Sequence[int]) -> None:
    """Raise `SettingsError` for ways to begin, seeds or tests with which nothing can be learned."""
    for name in arms:
        errors.one_of("arm", name, ARMS)
    if not arms or len(set(arms)) < len(arms):
        raise errors.SettingsError("Choose at least one way to begin, and each only once.")
    if len(set(seeds)) < len(seeds):
        raise errors.SettingsError("Each seed may stand only once.")
    errors.within("number of seeds", len(seeds), 2, MOST_SEEDS)
    if not tests:
        raise errors.SettingsError("Say after how many updates the riders are tested.")
    for update in tests:
        errors.within("update", update, 0, MOST_UPDATES)


def run(
    arms: Sequence[str],
    seeds: Sequence[int],
    *,
    target: str = "motorcycle",
    tests: Sequence[int] = TESTS,
    source_updates: int = SOURCE_UPDATES,
) -> Iterator[Event]:
    """Let every arm learn ``target``, once for each seed; stop by not asking on.

    First the sources are learned, then all arms at once on the same rides. Yields `RidersStarted`, a `Progress`
    after every update, and a `RidersTested` after every test: `core.riding.events.report` reads them. The same seeds
    give the same numbers, whatever other arms take part.
    """
    check(arms, seeds, tests)
    yield RidersStarted(arms=tuple(arms), seeds=tuple(seeds), target=target, tests=tuple(sorted(tests)))
    chosen = [ARMS[name] for name in arms]
    needed = sorted({one.source for one in chosen if one.source is not None})
    total = max(tests) + 2 * len(tests) + (source_updates if needed else 0)
    done = 0

    riders = policy.fresh(seeds)
    sources: dict[str | None, Policies] = {None: riders}
    if needed:
        for found, sources_now in ride_sources(needed, seeds, source_updates):
            sources |= sources_now
            done = found
            yield Progress(phase="source", done=done / total)

    start = policy.together([one.change(sources[one.source], seeds) for one in chosen])
    tracks = Tracks.of([rides.track(machine(target))], start.riders)
    for step in practise(
        start, tracks, seeds, purpose="target", tests=tests, frozen=[one.frozen for one in chosen]
    ):
        done += 1
        if step is not None:
            done += 2
            yield RidersTested(
                update=step.update,
                survival=step.score.survival.reshape(len(chosen), -1),
                seconds=step.score.seconds.reshape(len(chosen), -1),
            )
        yield Progress(phase="target", done=min(done / total, 1.0))


def ride_sources(
    names: Sequence[str], seeds: Sequence[int], updates: int = SOURCE_UPDATES
) -> Iterator[tuple[int, dict[str | None, Policies]]]:
    """Let fresh riders learn the sources, all at once; yields (updates done, what is learned: empty until then)."""
    for name in names:
        errors.one_of("source", name, SOURCES)
    tracks = [rides.track(machine(of), reversed=turned) for of, turned in (SOURCES[name] for name in names)]
    start = policy.together([policy.fresh(seeds)] * len(names))
    if updates == 0:
        yield 0, {name: policy.fresh(seeds) for name in names}
        return
    steps = practise(start, Tracks.of(tracks, len(seeds)), seeds, purpose="source", tests=[updates])
    for update, step in enumerate(steps):
        learned: dict[str | None, Policies] = {}
        if step is not None:
            n = len(seeds)
            learned = {
                name: step.policies.part(slice(place * n, (place + 1) * n))
                for place, name in enumerate(names)
            }
        yield update, learned

"""A visitor's own learning curve: what was carried from machine to machine, from measured rides only.

Machines, starts and gusts differ, and so does how long nobody's ride lasts. So every ride is judged against nobody's:
the same ride on the same machine with nobody steering; what counts are the seconds beyond that. The words are those of
Torrey and Shavlik 2009, *Transfer Learning* (Handbook of Research on Machine Learning Applications): a **jump-start**
is a better first performance on the target task; **negative transfer** a worse one. Both compare the first ride that
was steered on a machine with the first on the bicycle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.metrics.report import Interval
from core.metrics.verdict import DifferenceScale, judged, rivals
from core.riding import simulated_rider, visitor
from core.words import number

SOURCE = "bicycle"
NOTICEABLE = 0.3  # s: a smaller difference of two rides is called none
PAIRS = 3  # of rides, from which on luck is measured as well
SECONDS = DifferenceScale(unit=" s", least=0.05, write=number)
CarriedKind = Literal["jump-start", "negative transfer", "no difference", "ceiling", "order", "not steered"]


@dataclass(frozen=True, kw_only=True)
class OwnRide:
    """One ride of the visitor, and the same ride with nobody steering."""

    machine: str
    number: int  # on this machine, from 0
    seconds: float
    fell: bool
    steered: bool = True  # the handlebar was touched

    @property
    def difficulty(self) -> float:
        """The share of the toppling that the hand left to the rider, 0-1."""
        return 1 - self.hand

    @property
    def gain(self) -> float:
        """Seconds beyond nobody's ride."""
        return self.seconds - self.nobody

    @property
    def hand(self) -> float:
        """The share that the hand carried, 0-1."""
        return visitor.hand(self.number)

    @property
    def nobody(self) -> float:
        """Seconds of the control."""
        return visitor.nobody(self.machine, self.number)


def planned(rides: Sequence[OwnRide]) -> list[OwnRide]:
    """List what is still to be ridden, in order, up to `visitor.RIDES` on each machine; ``seconds`` mean nothing."""
    ahead = []
    for name in visitor.MOUNTS:
        done = sum(one.machine == name for one in rides)
        ahead += [
            OwnRide(machine=name, number=number, seconds=0.0, fell=False)
            for number in range(done, visitor.RIDES)
        ]
    return ahead


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What the first steered ride on ``machine`` says about what was carried over from the bicycle."""

    machine: str
    kind: CarriedKind
    first: OwnRide  # that was steered on this machine; the very first where none was
    source_first: OwnRide
    alone: float  # s: `difference` of a simulated rider who is clumsy and never learns, so what the machines make of it

    @property
    def difference(self) -> float:
        """Seconds that the first ride here was further beyond nobody's than that on the bicycle."""
        return self.first.gain - self.source_first.gain


def carried(rides: Sequence[OwnRide], machine: str) -> Carried | None:
    """Compare ``machine`` with the bicycle; None until both have been ridden."""
    source, target = (_first(rides, name) for name in (SOURCE, machine))
    if source is None or target is None or machine == SOURCE:
        return None
    return Carried(
        machine=machine,
        kind=_kind(source, target, target_came_first=rides.index(target) < rides.index(source)),
        first=target,
        source_first=source,
        alone=_clumsy(machine) - _clumsy(SOURCE),
    )


def _first(rides: Sequence[OwnRide], machine: str) -> OwnRide | None:
    own = [ride for ride in rides if ride.machine == machine]
    return next((ride for ride in own if ride.steered), own[0] if own else None)


def _kind(source: OwnRide, target: OwnRide, *, target_came_first: bool) -> CarriedKind:
    if not source.steered or not target.steered:
        return "not steered"
    if target_came_first:
        return "order"
    gap = target.gain - source.gain
    # A ride to the end might have gone on: who knows only its beginning cannot say that the other one was better.
    if (not source.fell and gap >= 0) or (not target.fell and gap <= 0):
        return "ceiling"
    found = judged(Interval(value=gap, low=gap, high=gap), NOTICEABLE)
    words: dict[str, CarriedKind] = {"helps": "jump-start", "hurts": "negative transfer"}
    return words.get(found, "no difference")


def _clumsy(machine: str) -> float:
    """How far beyond nobody the clumsy rider comes in a first ride."""
    return simulated_rider.mean_seconds(machine, 0) - simulated_rider.mean_seconds(machine, 0, None)


def signed(value: float) -> str:
    """Write a difference with its sign, a minus as it is printed."""
    return number(value, sign=True)


def sentence(of: Carried) -> str:
    """Say in Markdown what was carried over, and how much of it the machine alone may account for."""
    title = visitor.mount(of.machine).title.lower()
    if of.kind == "not steered":
        where = " or ".join(
            visitor.mount(ride.machine).title.lower()
            for ride in (of.source_first, of.first)
            if not ride.steered
        )
        return (
            f"**You have not steered the {where} yet**: so far it rode as it does with nobody on it, which says "
            "nothing about you."
        )
    if of.kind == "order":
        return f"You rode the {title} before the bicycle, so nothing could be carried over to it yet."
    rode = f"your first ride on the {title} lasted {_beyond(of.first)}, on the bicycle {_beyond(of.source_first)}"
    if of.kind == "ceiling":
        return f"**Cannot be told**: a first ride lasted to the end, and might have gone on ({rode})."
    if of.kind == "no difference":
        return f"**No difference**: {rode}."
    name = "Jump-start" if of.kind == "jump-start" else "Negative transfer (interference)"
    text = f"**{name}: {signed(of.difference)} s.** {rode[0].upper()}{rode[1:]}."
    if not visitor.mount(of.machine).reversed and of.alone * of.difference > 0:
        text += f" The machine alone may account for {signed(of.alone)} s."
    return text


def _beyond(ride: OwnRide) -> str:
    than = "longer" if ride.gain >= 0 else "shorter"
    return f"{number(abs(ride.gain))} s {than} than nobody's"


def ride_by_ride(rides: Sequence[OwnRide], machine: str) -> str:
    """Judge all rides of the same number on ``machine`` and the bicycle; "" while there are fewer than `PAIRS`."""
    from core.metrics.comparison import seeds_difference  # with SciPy behind it

    gains = {
        name: {ride.number: ride.gain for ride in rides if ride.machine == name and ride.steered}
        for name in (SOURCE, machine)
    }
    both = sorted(set(gains[SOURCE]) & set(gains[machine]))
    if machine == SOURCE or len(both) < PAIRS:
        return ""
    target, source = ([gains[name][ride] for ride in both] for name in (machine, SOURCE))
    names = visitor.mount(machine).title, visitor.mount(SOURCE).title
    found = rivals(seeds_difference(target, source, paired=True).difference, names, SECONDS)
    return f"{names[0]} and {names[1].lower()}, {len(both)} rides each, beyond nobody: {found.sentence}."


def compared(carried: Sequence[Carried]) -> str:
    """Set the first steered rides beside nobody's and those of one who never learns; empty without any."""
    steered = [one for one in carried if one.kind != "not steered"]
    if not steered:
        return ""
    lines = [
        "| First ride you steered, seconds | You | Nobody steering | You beyond nobody | Clumsy rider beyond nobody |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {visitor.mount(ride.machine).title} | {ride.seconds:.1f} | {ride.nobody:.1f} | **{signed(ride.gain)}** | "
        f"{signed(_clumsy(ride.machine))} |"
        for ride in (steered[0].source_first, *(one.first for one in steered))
    ]
    return "\n".join(lines)


def so_far(rides: Sequence[OwnRide]) -> str:
    """Say how long each ride lasted, machine by machine, beside the same rides with nobody steering."""
    parts = []
    for name in dict.fromkeys(ride.machine for ride in rides):
        own = [ride for ride in rides if ride.machine == name]
        seconds, nobody = (
            ", ".join(f"{value:.1f}" for value in values)
            for values in ([ride.seconds for ride in own], [ride.nobody for ride in own])
        )
        parts.append(f"{visitor.MOUNTS[name].title}: you {seconds} s, nobody steering {nobody} s.")
    return " ".join(parts)


def progress(rides: Sequence[OwnRide]) -> str:
    """Say how the steered rides on the bicycle went, beyond nobody and while it became harder; "" before the second."""
    source = [ride for ride in rides if ride.machine == SOURCE]
    if source and not any(ride.steered for ride in source):
        return "**You have not steered yet.** What you saw is nobody's ride: use the arrow keys, or pull the picture."
    steered = [ride for ride in source if ride.steered]
    if len(steered) < 2:
        return ""
    first, last = steered[0], steered[-1]
    return (
        f"**Slope**: on the bicycle, beyond nobody, from {signed(first.gain)} s to {signed(last.gain)} s in "
        f"{len(steered)} rides, while it grew harder: you carried {number(100 * first.difficulty, 0)}, then "
        f"{number(100 * last.difficulty, 0)} % of the toppling yourself."
    )

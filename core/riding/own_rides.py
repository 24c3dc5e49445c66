"""A visitor's own learning curve: what was carried from machine to machine, from measured rides only.

The words are those of Torrey and Shavlik 2009, *Transfer Learning* (Handbook of Research on Machine Learning
Applications): a **jump-start** is a better first performance on the target task; **negative transfer** a worse one.
Both compare the first ride on a machine with the very first one, on the bicycle: the same hand, the same start and the
same gusts, so that what differs is the machine and what the rider knew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.riding import simulated_rider, visitor
from core.words import number, percent

SOURCE = "bicycle"
NOTICEABLE = 0.3  # s: a smaller difference is called none
CarriedKind = Literal["jump-start", "negative transfer", "no difference", "ceiling", "order"]


@dataclass(frozen=True, kw_only=True)
class OwnRide:
    """One ride of the visitor, and the same ride with nobody steering."""

    machine: str
    number: int  # on this machine, from 0
    seconds: float
    fell: bool

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
    """What the first ride on ``machine`` says about what was carried over from the bicycle."""

    machine: str
    kind: CarriedKind
    first: float  # s, first ride on this machine
    source_first: float  # s, first ride on the bicycle
    nobody: float  # s, the first ride's control on this machine
    source_nobody: float
    beginner: float  # s, the same for a simulated rider who is clumsy and never learns
    source_beginner: float

    @property
    def difference(self) -> float:
        """Seconds that the first ride here was longer."""
        return self.first - self.source_first


def carried(rides: Sequence[OwnRide], machine: str) -> Carried | None:
    """Compare ``machine`` with the bicycle; None until both have been ridden."""
    source = [one for one in rides if one.machine == SOURCE]
    target = [one for one in rides if one.machine == machine]
    if not source or not target or machine == SOURCE:
        return None
    difference = target[0].seconds - source[0].seconds
    kind: CarriedKind
    if rides.index(target[0]) < rides.index(source[0]):
        kind = "order"
    elif not target[0].fell and not source[0].fell:
        kind = "ceiling"
    elif abs(difference) < NOTICEABLE:
        kind = "no difference"
    else:
        kind = "jump-start" if difference > 0 else "negative transfer"
    return Carried(
        machine=machine,
        kind=kind,
        first=target[0].seconds,
        source_first=source[0].seconds,
        nobody=target[0].nobody,
        source_nobody=source[0].nobody,
        beginner=simulated_rider.mean_seconds(machine, 0),
        source_beginner=simulated_rider.mean_seconds(SOURCE, 0),
    )


def signed(value: float) -> str:
    """Write a difference with its sign, a minus as it is printed."""
    return number(value, sign=True)


def sentence(of: Carried) -> str:
    """Say in Markdown what was carried over, and how much of it the machine alone may account for."""
    title = visitor.mount(of.machine).title.lower()
    if of.kind == "order":
        return f"You rode the {title} before the bicycle, so nothing could be carried over to it yet."
    rode = f"first ride on the {title} {of.first:.1f} s, on the bicycle {of.source_first:.1f} s"
    if of.kind == "ceiling":
        return f"**No difference to be seen**: both first rides lasted to the end ({rode})."
    if of.kind == "no difference":
        return f"**No difference**: {rode}."
    name = "Jump-start" if of.kind == "jump-start" else "Negative transfer (interference)"
    text = f"**{name}: {signed(of.difference)} s.** {rode[0].upper()}{rode[1:]}."
    alone = of.beginner - of.source_beginner
    if not visitor.mount(of.machine).reversed and alone * of.difference > 0:
        text += f" The machine alone may account for {signed(alone)} s."
    return text


def compared(carried: Sequence[Carried]) -> str:
    """Set the first rides beside those of two who learn nothing, as a Markdown table; empty without ``carried``."""
    if not carried:
        return ""
    first = carried[0]
    rows = [
        (SOURCE, first.source_first, first.source_beginner, first.source_nobody),
        *((one.machine, one.first, one.beginner, one.nobody) for one in carried),
    ]
    lines = ["| First ride, seconds | You | Clumsy, never learns | Nobody steering |", "|---|---:|---:|---:|"]
    lines += [
        f"| {visitor.mount(name).title} | **{you:.1f}** | {beginner:.1f} | {nobody:.1f} |"
        for name, you, beginner, nobody in rows
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
    """Say how the rides on the bicycle went; empty before the second one."""
    source = [one for one in rides if one.machine == SOURCE]
    if len(source) < 2:
        return ""
    first, last = source[0], source[-1]
    return (
        f"**Slope**: on the bicycle from {first.seconds:.1f} s to {last.seconds:.1f} s in {len(source)} rides, while "
        f"the hand let go from {number(100 * first.hand, 0)} to {percent(last.hand, 0)}."
    )

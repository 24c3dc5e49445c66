"""The game's rules: what a visitor's hands do to a machine, who helps, and how a ride is scored.

The browser integrates a ride while it is ridden and sends the visitor's inputs; `replay` integrates the same
inputs again, with the same operations in the same order, so that both agree to the last bit.

A bare torque on the handlebar cannot be ridden by a person: the fork is so light that whoever reacts 0.2 s late
falls sooner than with no hands at all (measured by ``benchmarks/riding_game.py``). People have arms: a pressed key
pulls the handlebar towards an angle, as a spring and a damper do, within the torque limit of the learning
policies; a released one leaves it loose. The arms are the same on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np

from core import errors
from core.arrays import Floats
from core.riding import dynamics
from core.riding.machines import BENCHMARK_BICYCLE, SHARP_1971, Machine

Number = TypeVar("Number", float, Floats)

DT = 0.01  # s
SECONDS = 8.0  # a ride that lasts so long is a whole ride
STEPS = round(SECONDS / DT)
SPEED = 3.5  # m/s on every machine; the middle one of the policies' speeds
RIDES = 5  # on each machine before the next one is offered

# The arms
LEVELS = 100  # an input is a whole number from -LEVELS to LEVELS, so that it travels exactly
REACH = 0.35  # rad, the handlebar angle that a fully pressed key pulls towards
STIFFNESS, DAMPING = 40.0, 4.0  # N·m/rad and N·m·s/rad when fully pressed
TORQUE = 50.0  # N·m, as in RIDING: "the same arms"
MUSCLE = 0.08  # s, how long an input takes to be felt

# The hand on the saddle: it carries this share of the machine's toppling, and calms it
FIRST_HAND, HAND_STEP = 0.45, 0.05
CALM = 0.3  # s: it pushes against roll + CALM · roll rate

# Starts and gusts
START = (0.05, 0.025, 0.1, 0.1)  # the largest roll, steer (rad), roll rate and steer rate (rad/s)
GUST, GUST_STEPS = 0.04, 10  # share of m·g·h, drawn anew every tenth of a second
SEED = 1971

FALL_ROLL, FALL_STEER = 0.5, 1.0  # rad


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A machine as the visitor meets it."""

    name: str
    title: str
    machine: Machine
    reversed: bool = False


MOUNTS: dict[str, Mount] = {
    one.name: one
    for one in (
        Mount(name="bicycle", title="Bicycle", machine=BENCHMARK_BICYCLE),
        Mount(name="motorcycle", title="Motorcycle", machine=SHARP_1971),
        Mount(name="reversed", title="Reversed bicycle", machine=BENCHMARK_BICYCLE, reversed=True),
    )
}


def mount(name: str) -> Mount:
    """Look one up by name; `SettingsError` for a name that is none."""
    errors.one_of("machine", name, MOUNTS)
    return MOUNTS[name]


def hand(ride: int) -> float:
    """Say which share of the toppling the hand carries in ride 0, 1, … on a machine: the same on every machine."""
    return max(0.0, round(FIRST_HAND - HAND_STEP * ride, 2))


@dataclass(frozen=True, kw_only=True)
class RideConditions:
    """How a ride begins and what blows; the same on every machine."""

    start: Floats  # (6,), with the fork's own angle and rate
    gusts: Floats  # (STEPS / GUST_STEPS,), share of m·g·h


@cache
def conditions(ride: int) -> RideConditions:
    """Draw start and gusts of ride 0, 1, … from its own seed."""
    errors.within("ride", ride, 0, 10_000)
    generator = np.random.default_rng((SEED, ride))
    start = np.zeros(6)
    start[:4] = generator.uniform(-1, 1, 4) * START
    return RideConditions(start=start, gusts=generator.normal(0.0, GUST, STEPS // GUST_STEPS))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One exact step of a machine: x′ = a x + b · (handlebar torque) + g · (roll torque)."""

    a: tuple[tuple[float, ...], ...]  # (6, 6), as plain numbers: one ride is integrated without arrays
    b: tuple[float, ...]  # (6,)
    g: tuple[float, ...]  # (6,)
    weight: float  # N·m: m·g·h, the roll torque in which gusts and the hand are measured
    signs: Floats  # (6,): -1 for the handlebar's angle and rate where it turns the fork the other way


@cache
def step(name: str) -> Step:
    """Discretise the mount ``name`` at `SPEED`."""
    of = mount(name)
    a, b, g = dynamics.discretise(*dynamics.state_matrices(of.machine, SPEED, of.reversed), DT)
    weight = of.machine.mass * of.machine.gravity * of.machine.height
    signs = dynamics.HANDLEBAR if of.reversed else np.ones(6)
    rows = tuple(tuple(row) for row in a.tolist())
    return Step(a=rows, b=tuple(b.tolist()), g=tuple(g.tolist()), weight=weight, signs=signs)


@dataclass(frozen=True, kw_only=True)
class Ride:
    """One ride, integrated."""

    states: Floats  # (n + 1, 6) from the start to the fall or the end
    seconds: float  # upright
    fell: bool
    steered: bool  # somebody touched the handlebar before the end


def advance(
    of: Step, x: Sequence[Number], muscle: Number, wish: Number, gust: Number, *, share: float
) -> tuple[list[Number], Number]:
    """Integrate one step of a ride (floats) or of many (arrays (n,)): the 6 states, and how far the muscle follows.

    ``wish`` lies between -1 and 1. Written out, without matrix products, whose order of summation a library chooses:
    widgets/riding/browser/integrate.js does the same.
    """
    muscle = muscle + (wish - muscle) * (DT / MUSCLE)
    firm = abs(muscle)
    torque = _limited(STIFFNESS * (REACH * muscle - firm * x[1]) - DAMPING * firm * x[3])
    roll = of.weight * (gust - share * (x[0] + CALM * x[2]))
    states = []
    for row, from_torque, from_roll in zip(of.a, of.b, of.g, strict=True):
        total = row[0] * x[0]
        for factor, value in zip(row[1:], x[1:], strict=True):
            total = total + factor * value
        states.append(total + from_torque * torque + from_roll * roll)
    return states, muscle


def _limited(torque: Number) -> Number:
    if isinstance(torque, float):
        return min(max(torque, -TORQUE), TORQUE)
    return np.minimum(np.maximum(torque, -TORQUE), TORQUE)


def upright(x: Sequence[Number]) -> Any:
    """Say who has not fallen: a bool, or an array of them for a batch."""
    return (abs(x[0]) < FALL_ROLL) & (abs(x[1]) < FALL_STEER)


def replay(name: str, ride: int, inputs: Sequence[int]) -> Ride:
    """Integrate ride ``ride`` (from 0) on ``name`` with one whole number from -LEVELS to LEVELS for each step.

    Fewer inputs than `STEPS` are a ride that was let go; it is integrated as far as they go.
    """
    if len(inputs) > STEPS or any(abs(one) > LEVELS for one in inputs):
        raise errors.SettingsError(
            f"A ride has at most {STEPS} inputs, whole numbers from -{LEVELS} to {LEVELS}."
        )
    of, given, share = step(name), conditions(ride), hand(ride)
    x, muscle = (given.start * of.signs).tolist(), 0.0
    gusts = given.gusts.tolist()
    states = [x]
    fell = steered = False
    for number, wish in enumerate(inputs):
        steered |= wish != 0
        x, muscle = advance(of, x, muscle, wish / LEVELS, gusts[number // GUST_STEPS], share=share)
        states.append(x)
        if not upright(x):
            fell = True
            break
    return Ride(states=np.array(states), seconds=round((len(states) - 1) * DT, 2), fell=fell, steered=steered)


@cache
def nobody(name: str, ride: int) -> float:
    """Measure the control: the seconds that ``name`` stays up in the same ride when nobody touches the handlebar."""
    return replay(name, ride, [0] * STEPS).seconds


def to_json() -> dict[str, Any]:
    """Everything the browser needs: the rules and, for each machine, its matrices and its shape."""
    return {
        "dt": DT,
        "steps": STEPS,
        "speed": SPEED,
        "rides": RIDES,
        "levels": LEVELS,
        "reach": REACH,
        "stiffness": STIFFNESS,
        "damping": DAMPING,
        "torque": TORQUE,
        "muscle": DT / MUSCLE,
        "calm": CALM,
        "gustSteps": GUST_STEPS,
        "fallRoll": FALL_ROLL,
        "fallSteer": FALL_STEER,
        "mounts": [_mount_to_json(one) for one in MOUNTS.values()],
    }


def ride_to_json(ride: int) -> dict[str, Any]:
    """One ride's start, gusts and hand."""
    given = conditions(ride)
    return {"start": given.start.tolist(), "gusts": given.gusts.tolist(), "hand": hand(ride)}


def _mount_to_json(of: Mount) -> dict[str, Any]:
    one = step(of.name)
    machine = of.machine
    return {
        "name": of.name,
        "title": of.title,
        "a": one.a,
        "b": one.b,
        "g": one.g,
        "weight": one.weight,
        "signs": one.signs.tolist(),
        "shape": {
            "wheelbase": machine.wheelbase,
            "trail": machine.trail,
            "tilt": machine.tilt,
            "rear": machine.rear_wheel.radius,
            "front": machine.front_wheel.radius,
        },
    }

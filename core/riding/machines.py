"""Bicycles and motorcycles as the 25 numbers of the Whipple–Carvallo model, each with where they come from.

Axes as in Meijaard et al. 2007: the origin is the rear wheel's contact point, x points forward, y to the
right and z **down**; SI units; ``ixz`` is the inertia tensor's own entry, −∫ x z dm.
"""

from dataclasses import dataclass
from math import pi

from core import errors

GRAVITY = 9.81  # m/s², as in the benchmark


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A wheel, symmetric about its axle; ``ixx`` holds for every axis in its plane."""

    radius: float  # m
    mass: float  # kg
    ixx: float  # kg·m²
    iyy: float  # kg·m², about the axle: its spin is what makes a gyroscope of it

    def __post_init__(self) -> None:
        errors.within("wheel radius", self.radius, 0.01, 10)
        errors.within("wheel mass", self.mass, 0, 1e4)


@dataclass(frozen=True, kw_only=True)
class RigidBody:
    """The rear frame with its rider, or the handlebar with the fork, about its own centre of mass."""

    x: float  # m, centre of mass
    z: float  # m, negative: above the ground
    mass: float  # kg
    ixx: float  # kg·m²
    izz: float
    ixz: float
    iyy: float | None = None  # does not enter the linear motion; many sources leave it out

    def __post_init__(self) -> None:
        errors.within("body mass", self.mass, 0, 1e4)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A single-track vehicle with its rider sitting still on it."""

    name: str  # as in addresses and in files
    title: str  # as on screen
    source: str  # where the numbers were published
    certainty: str  # how far to trust them
    wheelbase: float  # m
    trail: float  # m
    tilt: float  # rad, how far the steering axis leans back
    rear_wheel: Wheel
    rear_frame: RigidBody
    front_frame: RigidBody
    front_wheel: Wheel
    gravity: float = GRAVITY  # m/s²

    def __post_init__(self) -> None:
        errors.within("wheelbase", self.wheelbase, 0.1, 10)
        errors.within("steer-axis tilt", self.tilt, -pi / 2, pi / 2)

    @property
    def mass(self) -> float:
        """Kilograms of all four bodies together."""
        return self.rear_wheel.mass + self.rear_frame.mass + self.front_frame.mass + self.front_wheel.mass

    @property
    def height(self) -> float:
        """Metres from the ground up to the common centre of mass."""
        return (
            self.rear_wheel.radius * self.rear_wheel.mass
            - self.rear_frame.z * self.rear_frame.mass
            - self.front_frame.z * self.front_frame.mass
            + self.front_wheel.radius * self.front_wheel.mass
        ) / self.mass


BENCHMARK_BICYCLE = Machine(
    name="bicycle",
    title="Bicycle",
    source="Meijaard, Papadopoulos, Ruina and Schwab 2007, Proc. R. Soc. A 463, 1955–1982, Table 1",
    certainty="published as the benchmark; our matrices and eigenvalues agree with theirs to 10 digits",
    wheelbase=1.02,
    trail=0.08,
    tilt=pi / 10,
    rear_wheel=Wheel(radius=0.3, mass=2, ixx=0.0603, iyy=0.12),
    rear_frame=RigidBody(x=0.3, z=-0.9, mass=85, ixx=9.2, iyy=11, izz=2.8, ixz=2.4),
    front_frame=RigidBody(x=0.9, z=-0.7, mass=4, ixx=0.05892, iyy=0.06, izz=0.00708, ixz=-0.00756),
    front_wheel=Wheel(radius=0.35, mass=3, ixx=0.1405, iyy=0.28),
)

SHARP_1971 = Machine(
    name="motorcycle",
    title="Motorcycle",
    source="Sharp 1971, J. Mech. Eng. Sci. 13, 316–329, converted to the same form",
    certainty="the meaning of three lengths is inferred; the static front load then is 0.7 % from the listed one",
    wheelbase=1.414528,
    trail=0.129983,
    tilt=0.4715,
    # Sharp's frames include the wheels' masses; what is left of a wheel is its spin.
    rear_wheel=Wheel(radius=0.3048, mass=0, ixx=0, iyy=1.0508),
    rear_frame=RigidBody(x=0.4798, z=-0.6157, mass=217.45, ixx=31.18, izz=21.07, ixz=-1.7355),
    front_frame=RigidBody(x=1.359433, z=-0.416719, mass=30.65, ixx=1.070437, izz=0.605363, ixz=-0.320411),
    front_wheel=Wheel(radius=0.3048, mass=0, ixx=0, iyy=0.7186),
)

SHARP_1994 = Machine(
    name="motorcycle_1994",
    title="Second motorcycle",
    source="Sharp 1994, in Vehicle NVH and Refinement, after Koenen 1983 (Delft), converted to the same form",
    certainty="less certain: static wheel loads 3044/1348 N against 3042/1250 N listed; wheel Ixx taken as Iyy/2",
    wheelbase=1.539,
    trail=0.106517,
    tilt=0.52,
    rear_wheel=Wheel(radius=0.321, mass=25.6, ixx=0.37, iyy=0.74),
    rear_frame=RigidBody(x=0.66599, z=-0.647234, mass=254.1, ixx=24.0927, izz=22.7349, ixz=0.0678),
    front_frame=RigidBody(x=1.165, z=-0.869, mass=13.1, ixx=0.7259, izz=0.5741, ixz=-0.1294),
    front_wheel=Wheel(radius=0.319, mass=17.5, ixx=0.29, iyy=0.58),
)

EBIKE = Machine(
    name="ebike",
    title="E-bike",
    source="BicycleParameters data (Moore et al.): bicycle Balanceassistv1 with the rider Jason",
    certainty="measured on one e-bike and one rider",
    wheelbase=1.113,
    trail=0.042,
    tilt=0.255,
    rear_wheel=Wheel(radius=0.34895, mass=4.085, ixx=0.1023, iyy=0.1887),
    rear_frame=RigidBody(x=0.374262, z=-1.009311, mass=106, ixx=19.6693, izz=4.9997, ixz=-3.5161),
    front_frame=RigidBody(x=0.921, z=-0.860, mass=4.3, ixx=0.2984, izz=0.0566, ixz=-0.038),
    front_wheel=Wheel(radius=0.35231, mass=2.235, ixx=0.0995, iyy=0.1902),
)

MACHINES: dict[str, Machine] = {one.name: one for one in (BENCHMARK_BICYCLE, SHARP_1971, SHARP_1994, EBIKE)}


def machine(name: str) -> Machine:
    """Look up a machine by name; `SettingsError` for a name that is none."""
    errors.one_of("machine", name, MACHINES)
    return MACHINES[name]

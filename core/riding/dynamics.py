"""How a bicycle moves: the linearised Whipple–Carvallo equations, from 25 numbers to exact time steps.

Roll φ and steer δ obey M q̈ + v C₁ q̇ + (g K₀ + v² K₂) q = f at forward speed v, with q = [φ, δ] and
f = [roll torque, steer torque] (Meijaard, Papadopoulos, Ruina and Schwab 2007, Proc. R. Soc. A 463,
1955–1982, doi:10.1098/rspa.2007.1857, appendix A). The whole state of a ride adds the heading ψ and the
distance y beside the line:

    x = [φ, δ, φ̇, δ̇, ψ, y]          radians, radians a second, metres
"""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, sin

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from core import errors
from core.arrays import Floats
from core.riding.machines import Machine

STATES = ("roll", "steer", "roll rate", "steer rate", "heading", "lateral")
# What changes its sign when the handlebar is geared to turn the fork the other way: its angle and its rate.
HANDLEBAR = np.array([1.0, -1.0, 1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class Whipple:
    """The four constant matrices of a machine, each (2, 2) over [roll, steer]."""

    M: Floats  # kg·m²: inertia
    C1: Floats  # kg·m: what a speed of 1 m/s adds to damping
    K0: Floats  # kg·m: what gravity of 1 m/s² adds to stiffness
    K2: Floats  # kg: what the square of the speed adds to stiffness


def matrices(machine: Machine) -> Whipple:
    """Compute M, C₁, K₀ and K₂; the names are those of the paper's appendix A."""
    w, c, tilt = machine.wheelbase, machine.trail, machine.tilt
    rear, frame, fork, front = (
        machine.rear_wheel,
        machine.rear_frame,
        machine.front_frame,
        machine.front_wheel,
    )
    sine, cosine = sin(tilt), cos(tilt)

    # T: the whole machine, about the rear contact point
    m_t = machine.mass
    x_t = (frame.x * frame.mass + fork.x * fork.mass + w * front.mass) / m_t
    z_t = -machine.height
    i_txx = (
        (rear.ixx + frame.ixx + fork.ixx + front.ixx)
        + (rear.mass * rear.radius**2 + frame.mass * frame.z**2)
        + (fork.mass * fork.z**2 + front.mass * front.radius**2)
    )
    i_txz = (
        (frame.ixz + fork.ixz)
        - (frame.mass * frame.x * frame.z + fork.mass * fork.x * fork.z)
        + front.mass * w * front.radius
    )
    i_tzz = (
        (rear.ixx + frame.izz + fork.izz + front.ixx)
        + (frame.mass * frame.x**2 + fork.mass * fork.x**2)
        + front.mass * w**2
    )

    # A: what turns with the handlebar, about its own centre of mass
    m_a = fork.mass + front.mass
    x_a = (fork.x * fork.mass + w * front.mass) / m_a
    z_a = (fork.z * fork.mass - front.radius * front.mass) / m_a
    i_axx = (fork.ixx + front.ixx) + fork.mass * (fork.z - z_a) ** 2 + front.mass * (front.radius + z_a) ** 2
    i_axz = (
        fork.ixz - fork.mass * (fork.x - x_a) * (fork.z - z_a) + front.mass * (w - x_a) * (front.radius + z_a)
    )
    i_azz = (fork.izz + front.ixx) + fork.mass * (fork.x - x_a) ** 2 + front.mass * (w - x_a) ** 2
    u_a = (x_a - w - c) * cosine - z_a * sine  # how far its centre of mass lies before the steering axis

    # … and about the steering axis
    i_all = m_a * u_a**2 + i_axx * sine**2 + 2 * i_axz * sine * cosine + i_azz * cosine**2
    i_alx = -m_a * u_a * z_a + i_axx * sine + i_axz * cosine
    i_alz = m_a * u_a * x_a + i_axz * sine + i_azz * cosine

    mu = c / w * cosine  # how much of the steering becomes a turn of the whole machine
    s_f = front.iyy / front.radius
    s_t = rear.iyy / rear.radius + s_f  # the wheels' spin for each m/s
    s_a = m_a * u_a + mu * m_t * x_t

    m_rs = i_alx + mu * i_txz
    return Whipple(
        M=np.array([[i_txx, m_rs], [m_rs, i_all + 2 * mu * i_alz + mu**2 * i_tzz]]),
        C1=np.array(
            [
                [0.0, mu * s_t + s_f * cosine + i_txz / w * cosine - mu * m_t * z_t],
                [-(mu * s_t + s_f * cosine), i_alz / w * cosine + mu * (s_a + i_tzz / w * cosine)],
            ]
        ),
        K0=np.array([[m_t * z_t, -s_a], [-s_a, -s_a * sine]]),
        K2=np.array([[0.0, (s_t - m_t * z_t) / w * cosine], [0.0, (s_a + s_f * sine) / w * cosine]]),
    )


def state_matrices(machine: Machine, v: float, reversed: bool = False) -> tuple[Floats, Floats, Floats]:
    """Write the motion at ``v`` m/s as ẋ = A x + B u + G d, with A (6, 6), B and G (6,).

    ``u`` is the torque of the hands on the handlebar and ``d`` a roll torque (a gust), both in N·m.
    ``reversed`` gears the handlebar so that it turns the fork the other way: the handlebar's angle, rate and
    torque change sign, the machine itself stays the same.
    """
    errors.within("speed", v, 0, 100)
    of = matrices(machine)
    inverse = np.linalg.inv(of.M)
    a, b, g = np.zeros((6, 6)), np.zeros(6), np.zeros(6)
    a[0, 2] = a[1, 3] = 1.0
    a[2:4, :2] = -inverse @ (machine.gravity * of.K0 + v**2 * of.K2)
    a[2:4, 2:4] = -inverse @ (v * of.C1)
    a[4, 1] = v * cos(machine.tilt) / machine.wheelbase
    a[4, 3] = machine.trail * cos(machine.tilt) / machine.wheelbase
    a[5, 4] = v
    g[2:4], b[2:4] = inverse[:, 0], inverse[:, 1]
    if reversed:
        a, b, g = HANDLEBAR[:, None] * a * HANDLEBAR, -HANDLEBAR * b, HANDLEBAR * g
    return a, b, g


def discretise(a: Floats, b: Floats, g: Floats, dt: float) -> tuple[Floats, Floats, Floats]:
    """Step exactly ``dt`` seconds while u and d are held: x′ = A_d x + B_d u + G_d d (zero-order hold).

    One matrix exponential of the state with both inputs appended gives all three (Van Loan 1978).
    """
    n = len(a)
    together = np.zeros((n + 2, n + 2))
    together[:n, :n], together[:n, n], together[:n, n + 1] = a, b, g
    from scipy import linalg  # takes a while; pages that only name riders need none of it

    step = linalg.expm(together * dt)
    return step[:n, :n], step[:n, n], step[:n, n + 1]


def eigenvalues(machine: Machine, v: float) -> NDArray[np.complex128]:
    """Give the four eigenvalues of roll and steer at ``v`` m/s, in 1/s, the largest real part first."""
    a, _, _ = state_matrices(machine, v)
    found = np.linalg.eigvals(a[:4, :4]).astype(np.complex128)
    # Rounded in the key only: the two of a conjugate pair stay neighbours, the positive one first.
    order = np.lexsort((-found.imag, -np.round(found.real, 9)))
    return found[order]


def stable_range(machine: Machine) -> tuple[float, float] | None:
    """Find the speeds in m/s between which the machine balances without a rider; None where there are none.

    The lower one is where weaving dies out, the upper one where it begins to capsize, slowly. Neither needs
    a search: with V = v², the characteristic polynomial a₄s⁴ + … + a₀ of the equations above has a₃ and a₁
    odd in v, so that Routh's condition for oscillation and a₀ = 0 are polynomials in V.
    """
    of = matrices(machine)
    a4, a3, a2, a1, a0 = _characteristic(of, machine.gravity)
    routh = a1 * a2 * a3 - a4 * a1**2 - a0 * a3**2  # after division by V
    edges = [0.0]
    for polynomial in (routh, a0, a1, a2):
        roots = np.asarray(polynomial.roots(), dtype=np.complex128)
        edges += [float(np.sqrt(root.real)) for root in roots if root.real > 0 and abs(root.imag) < 1e-9]
    edges = sorted(edges)
    for low, high in pairwise(edges):
        if high - low > 1e-9 and eigenvalues(machine, (low + high) / 2)[0].real < 0:
            return low, high
    return None


def _characteristic(of: Whipple, gravity: float) -> tuple[Polynomial, ...]:
    """Give a₄, a₃/v, a₂, a₁/v and a₀ of det(M s² + v C₁ s + g K₀ + v² K₂), as polynomials in V = v²."""
    m, c = of.M, of.C1
    k = [[Polynomial([gravity * of.K0[i, j], of.K2[i, j]]) for j in range(2)] for i in range(2)]
    square = Polynomial([0.0, 1.0])  # V
    a4 = Polynomial([m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]])
    a3 = Polynomial([m[0, 0] * c[1, 1] + c[0, 0] * m[1, 1] - m[0, 1] * c[1, 0] - c[0, 1] * m[1, 0]])
    a2 = (m[0, 0] * k[1][1] + k[0][0] * m[1, 1] - m[0, 1] * k[1][0] - k[0][1] * m[1, 0]) + (
        c[0, 0] * c[1, 1] - c[0, 1] * c[1, 0]
    ) * square
    a1 = c[0, 0] * k[1][1] + k[0][0] * c[1, 1] - c[0, 1] * k[1][0] - k[0][1] * c[1, 0]
    a0 = k[0][0] * k[1][1] - k[0][1] * k[1][0]
    # det K₂ is zero in this model; cut the term so that no root comes from rounding.
    return a4, a3, a2, a1, a0.cutdeg(1)


def lqr(a: Floats, b: Floats, state_cost: Floats, input_cost: float) -> Floats:
    """Find the gains k (n,) of the steady discrete-time regulator u = −k x that costs least.

    ``a`` (n, n) and ``b`` (n,) are one exact step, ``state_cost`` (n, n) and ``input_cost`` weigh x and u in
    each step; the algebraic Riccati equation is SciPy's.
    """
    column, weight = b[:, None], np.array([[input_cost]])
    from scipy import linalg

    p = linalg.solve_discrete_are(a, column, state_cost, weight)
    gains: Floats = linalg.solve(weight + column.T @ p @ column, column.T @ p @ a)[0]
    return gains

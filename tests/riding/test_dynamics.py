"""The model against what its authors published, and exact consequences of it."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from core import errors
from core.riding import dynamics, machines

TEN_DIGITS = {"rtol": 1e-10, "atol": 1e-11}
BICYCLE = machines.BENCHMARK_BICYCLE


def test_benchmark_matrices() -> None:
    # Meijaard et al. 2007, equation 5.3 and table 1
    of = dynamics.matrices(BICYCLE)
    np.testing.assert_allclose(
        of.M, [[80.81722, 2.31941332208709], [2.31941332208709, 0.29784188199686]], **TEN_DIGITS
    )
    np.testing.assert_allclose(
        of.C1, [[0, 33.86641391492494], [-0.85035641456978, 1.68540397397560]], **TEN_DIGITS
    )
    np.testing.assert_allclose(
        of.K0, [[-80.95, -2.59951685249872], [-2.59951685249872, -0.80329488458618]], **TEN_DIGITS
    )
    np.testing.assert_allclose(of.K2, [[0, 76.59734589573222], [0, 2.65431523794604]], **TEN_DIGITS)


@pytest.mark.parametrize(
    ("v", "published"),
    [
        (0, [5.53094371765393, 3.13164324790656, -3.13164324790656, -5.53094371765393]),
        (
            3,
            [
                1.70675605664 + 2.31582447384j,
                1.70675605664 - 2.31582447384j,
                -2.63366137254,
                -10.3510146725,
            ],
        ),
        (
            5,
            [
                -0.32286642900,
                -0.77534188220 + 4.46486771379j,
                -0.77534188220 - 4.46486771379j,
                -14.0783896928,
            ],
        ),
        (
            8,
            [
                0.14327879766,
                -2.69348683581 + 8.46037971397j,
                -2.69348683581 - 8.46037971397j,
                -20.2794089439,
            ],
        ),
        (
            10,
            [
                0.16105338653,
                -3.72016840437 + 10.9068113948j,
                -3.72016840437 - 10.9068113948j,
                -24.6245963502,
            ],
        ),
    ],
)
def test_benchmark_eigenvalues(v: float, published: list[complex]) -> None:
    found = dynamics.eigenvalues(BICYCLE, v)
    # Up to the last digit that is printed: 10 decimals from 10 on, 11 below.
    for ours, theirs in zip(found, published, strict=True):
        assert abs(ours - theirs) < (5.1e-11 if abs(theirs) >= 10 else 5.1e-12)


def test_benchmark_weave_and_capsize_speeds() -> None:
    low, high = dynamics.stable_range(BICYCLE) or (0.0, 0.0)
    assert low == pytest.approx(4.292382536341, abs=1e-12)
    assert high == pytest.approx(6.024262015388, abs=1e-12)
    # They are what they say: an oscillation without growth, and a motionless lean without growth.
    weave, capsize = dynamics.eigenvalues(BICYCLE, low), dynamics.eigenvalues(BICYCLE, high)
    assert abs(weave[0].real) < 1e-9
    assert abs(weave[0].imag) > 1
    assert abs(capsize[0]) < 1e-9


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("motorcycle", 5.634, 11.313), ("motorcycle_1994", 7.080, 13.146), ("ebike", 4.088, 6.258)],
)
def test_stable_ranges_of_the_others(name: str, low: float, high: float) -> None:
    assert dynamics.stable_range(machines.machine(name)) == (
        pytest.approx(low, abs=6e-4),
        pytest.approx(high, abs=6e-4),
    )


def test_sharp_1971_matrices() -> None:
    of = dynamics.matrices(machines.SHARP_1971)
    np.testing.assert_allclose(of.M, [[120.0053, 7.02434], [7.02434, 1.55154]], atol=6e-5)
    np.testing.assert_allclose(of.C1, [[0, 64.67999], [-2.5756, 8.54706]], atol=6e-5)
    np.testing.assert_allclose(of.K0, [[-146.65639, -12.70005], [-12.70005, -5.76866]], atol=6e-5)
    np.testing.assert_allclose(of.K2, [[0, 96.02225], [0, 8.67311]], atol=6e-5)


def test_no_stable_speed_without_trail_and_spin() -> None:
    still = machines.Wheel(radius=0.3, mass=2, ixx=0.06, iyy=0)
    unstable = machines.Machine(
        name="x",
        title="x",
        source="x",
        certainty="x",
        wheelbase=1.02,
        trail=0,
        tilt=0,
        rear_wheel=still,
        rear_frame=BICYCLE.rear_frame,
        front_frame=machines.RigidBody(x=1.02, z=-0.7, mass=4, ixx=0.06, izz=0.01, ixz=0),
        front_wheel=still,
    )
    assert dynamics.stable_range(unstable) is None


@pytest.mark.parametrize("reversed", [False, True])
def test_discrete_step_is_exact(reversed: bool) -> None:
    a, b, g = dynamics.state_matrices(machines.SHARP_1971, 3.5, reversed)
    a_d, b_d, g_d = dynamics.discretise(a, b, g, 0.02)
    x, u, d = np.array([0.05, -0.02, 0.1, 0.3, 0.05, 0.4]), 7.0, -30.0
    exact = solve_ivp(
        lambda _, state: a @ state + b * u + g * d, (0, 0.02), x, rtol=1e-12, atol=1e-14, method="DOP853"
    )
    np.testing.assert_allclose(a_d @ x + b_d * u + g_d * d, exact.y[:, -1], rtol=1e-11, atol=1e-13)


def test_reversed_handlebar_is_the_same_machine() -> None:
    plain = dynamics.discretise(*dynamics.state_matrices(BICYCLE, 3.5), 0.02)
    crossed = dynamics.discretise(*dynamics.state_matrices(BICYCLE, 3.5, reversed=True), 0.02)
    x = np.array([0.05, -0.02, 0.1, 0.3, 0.05, 0.4])
    mirror = dynamics.HANDLEBAR
    straight = plain[0] @ x + plain[1] * 3.0 + plain[2] * 20.0
    # Hands that see the handlebar turned the other way and push it the other way ride the same path.
    turned = crossed[0] @ (mirror * x) + crossed[1] * -3.0 + crossed[2] * 20.0
    np.testing.assert_allclose(mirror * turned, straight, rtol=1e-12, atol=1e-15)
    # Hands that push as before lean it the other way.
    assert np.sign(crossed[1][0]) == -np.sign(plain[1][0])
    assert np.sign(crossed[1][1]) == np.sign(plain[1][1])


def test_steering_right_turns_right() -> None:
    a, _, _ = dynamics.state_matrices(BICYCLE, 3.0)
    rate = a @ np.array([0, 0.1, 0, 0, 0.2, 0])
    assert rate[4] == pytest.approx(3.0 * 0.1 * np.cos(np.pi / 10) / 1.02)
    assert rate[5] == pytest.approx(3.0 * 0.2)


def test_lqr_holds_the_machine_up_and_no_other_gain_is_cheaper() -> None:
    a, b, _ = dynamics.discretise(*dynamics.state_matrices(machines.SHARP_1971, 3.5), 0.02)
    weight = np.diag([100.0, 100, 4, 1, 25, 1])
    gains = dynamics.lqr(a, b, weight, 1e-3)
    assert np.abs(np.linalg.eigvals(a - np.outer(b, gains))).max() < 1

    def cost(k: np.ndarray) -> float:
        x, total = np.array([0.1, 0, 0, 0, 0, 0.5]), 0.0
        for _ in range(2000):
            u = -k @ x
            total += x @ weight @ x + 1e-3 * u * u
            x = a @ x + b * u
        return float(total)

    best = cost(gains)
    rng = np.random.default_rng(0)
    assert all(cost(gains * (1 + 0.02 * rng.standard_normal(6))) > best for _ in range(5))


def test_wrong_input_says_what_to_do() -> None:
    with pytest.raises(errors.SettingsError, match="speed must lie between"):
        dynamics.state_matrices(BICYCLE, -1)
    with pytest.raises(errors.SettingsError, match="machine must be one of bicycle"):
        machines.machine("unicycle")
    with pytest.raises(errors.SettingsError, match="wheel radius"):
        machines.Wheel(radius=0, mass=1, ixx=0, iyy=0)


def test_static_loads_of_the_converted_motorcycles() -> None:
    def front_load(of: machines.Machine) -> float:
        moment = (
            of.rear_frame.x * of.rear_frame.mass
            + of.front_frame.x * of.front_frame.mass
            + of.wheelbase * of.front_wheel.mass
        )
        return moment / of.wheelbase * of.gravity

    assert front_load(machines.SHARP_1971) == pytest.approx(1012.5, abs=0.2)
    assert front_load(machines.SHARP_1994) == pytest.approx(1348, abs=1)

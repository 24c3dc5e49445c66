"""A ride, step by step, against the equations; and what a fall is."""

import numpy as np
import pytest

from core.riding import dynamics, gains, policy, rides, simulate
from core.riding.machines import BENCHMARK_BICYCLE, SHARP_1971
from core.riding.simulate import Simulation, Tracks

SEEDS = (3, 4)


def _conditions(steps: int, rides_at_a_speed: int = 2) -> rides.StartsAndGusts:
    return rides.draw(np.random.default_rng(5), rides=rides_at_a_speed, seconds=steps * rides.DT)


def _hands(policies: policy.Policies, rider: int, x: np.ndarray, v: float) -> float:
    seen = np.append(x / rides.TYPICAL, (v - policy.MIDDLE_SPEED) / policy.SPEED_UNIT)
    for layer in range(policy.LAYERS):
        seen = np.tanh(seen @ policies.weights[layer][rider] + policies.biases[layer][rider, 0])
    return float(rides.MOST_TORQUE * seen[0])


def test_a_ride_follows_the_equations() -> None:
    steps, policies = 60, policy.fresh(SEEDS)
    machines = (BENCHMARK_BICYCLE, SHARP_1971)
    tracks = Tracks.of([rides.track(one) for one in machines], 1)
    conditions = _conditions(steps)
    simulation = Simulation(2, 2, steps, recorded=True)
    simulation.run(policies, tracks, conditions)
    found = simulation.recording()
    for rider, machine in enumerate(machines):
        for ride in range(6):
            place, each = divmod(ride, 2)
            v = rides.SPEEDS[place]
            a, b, g = dynamics.discretise(*dynamics.state_matrices(machine, v), rides.DT)
            x = conditions.starts[place, each].astype(np.float64)
            upright = True
            for t in range(steps):
                u = _hands(policies, rider, x, v)
                if upright:
                    push = rides.gust_torque(machine) * conditions.gusts[t, place, each]
                    x = a @ x + b * u + g * push
                upright = upright and bool((np.abs(x[:2]) <= rides.FALL).all())
                assert found.upright[t, rider, ride, 0] == upright
                np.testing.assert_allclose(found.states[t + 1, rider, ride], x, rtol=2e-4, atol=2e-5)
    assert not found.upright[-1].all()  # somebody fell, or this test would not see what a fall does


def test_test_and_practice_ride_alike() -> None:
    policies, tracks = policy.fresh(SEEDS), Tracks.of([rides.track(BENCHMARK_BICYCLE)], 2)
    conditions = _conditions(100)
    recorded = Simulation(2, 2, 100, recorded=True)
    count = recorded.run(policies, tracks, conditions)
    assert np.array_equal(count, recorded.recording().upright[..., 0].sum(axis=0))
    unrecorded = Simulation(2, 2, 100, recorded=False)
    for _ in range(2):  # and again: nothing of a ride is left over for the next
        assert np.array_equal(unrecorded.run(policies, tracks, conditions), count)


def test_mirrored_hands_ride_the_reversed_bicycle_as_well() -> None:
    policies = policy.fresh(range(8))
    mirrored = policies.copy()
    mirrored.weights[0][:, :6] *= dynamics.HANDLEBAR[:, None]
    mirrored.weights[-1][:] *= -1
    mirrored.biases[-1][:] *= -1
    conditions = _conditions(200)
    seen_mirrored = rides.StartsAndGusts(
        starts=(conditions.starts * dynamics.HANDLEBAR).astype(np.float32), gusts=conditions.gusts
    )
    simulation = Simulation(8, 2, 200, recorded=True)
    simulation.run(policies, Tracks.of([rides.track(BENCHMARK_BICYCLE)], 8), conditions)
    straight = simulation.recording().states.copy()
    crossed = Tracks.of([rides.track(BENCHMARK_BICYCLE, reversed=True)], 8)
    simulation.run(mirrored, crossed, seen_mirrored)
    np.testing.assert_allclose(
        simulation.recording().states * dynamics.HANDLEBAR, straight, rtol=1e-3, atol=1e-4
    )
    simulation.run(policies, crossed, seen_mirrored)
    assert np.abs(simulation.recording().states * dynamics.HANDLEBAR - straight).max() > 0.1


def test_the_hands_have_a_limit_that_can_be_multiplied() -> None:
    policies = policy.fresh((0,))
    policies.biases[-1][:] = 10.0  # as hard as they can
    tracks = Tracks.of([rides.track(SHARP_1971)], 1)
    calm = rides.StartsAndGusts(
        starts=np.zeros((3, 1, 6), np.float32), gusts=np.zeros((1, 3, 1), dtype=np.float32)
    )
    simulation = Simulation(1, 1, 1, recorded=True)
    for strength in (1.0, 3.0):
        simulation.run(policies, tracks, calm, strength)
        expected = strength * 50.0 * rides.track(SHARP_1971).step[:, 6]
        np.testing.assert_allclose(simulation.recording().states[1, 0], expected, rtol=1e-6)


def test_every_test_is_the_same() -> None:
    first, second = rides.exam(), rides.exam()
    assert np.array_equal(first.gusts, second.gusts)
    assert first.starts.shape == (3, 32, 6)
    assert (np.abs(first.starts) <= rides.START).all()
    assert np.abs(first.starts).max(axis=(0, 1)) == pytest.approx(rides.START, rel=0.1)


def test_gains_of_hand_made_riders() -> None:
    policies = policy.fresh((0, 1))
    policies.biases[0][:] = policies.biases[1][:] = policies.biases[2][:] = 0
    one, two, three = policies.weights
    found = gains.learned_gains(policies)
    np.testing.assert_allclose(found, 50 * (one[:, :6] @ two @ three)[..., 0], rtol=1e-5)
    assert simulate.SPEED_FELT.tolist() == [-1, 0, 1]

"""The visitor's ride: its rules, its control, and that what a browser sends is checked."""

from itertools import pairwise

import numpy as np
import pytest

from core import errors
from core.riding import dynamics, simulated_rider, visitor


def test_a_ride_without_forces_is_the_machine_s_own_exact_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hand, no gusts, no input: after n steps the state is the matrix exponential's power times the start."""
    calm = visitor.RideConditions(start=np.array([0.02, 0, 0, 0, 0, 0.0]), gusts=np.zeros(80))
    monkeypatch.setattr(visitor, "conditions", lambda _: calm)
    monkeypatch.setattr(visitor, "hand", lambda _: 0.0)
    ride = visitor.replay("motorcycle", 0, [0] * 60)
    of = visitor.MOUNTS["motorcycle"]
    a, b, g = dynamics.state_matrices(of.machine, visitor.SPEED)
    whole, _, _ = dynamics.discretise(a, b, g, 60 * visitor.DT)
    assert np.allclose(ride.states[60], whole @ calm.start, rtol=0, atol=1e-12)


def test_hands_off_the_reversed_bicycle_is_the_bicycle() -> None:
    """Without anybody at the handlebar, its gear changes nothing but the sign of its angle."""
    for number in range(visitor.RIDES):
        plain = visitor.replay("bicycle", number, [0] * visitor.STEPS)
        turned = visitor.replay("reversed", number, [0] * visitor.STEPS)
        assert plain.seconds == turned.seconds == visitor.nobody("reversed", number)
        assert np.array_equal(plain.states * dynamics.HANDLEBAR, turned.states)


def test_the_same_inputs_turn_the_reversed_fork_the_other_way() -> None:
    pull = [100] * 20
    plain, turned = visitor.replay("bicycle", 0, pull).states, visitor.replay("reversed", 0, pull).states
    still = visitor.replay("bicycle", 0, [0] * 20).states
    assert plain[20, 1] - still[20, 1] > 0.02  # the handlebar goes right …
    assert turned[20, 1] + still[20, 1] > 0.02  # … on both
    assert plain[20, 0] < still[20, 0] < turned[20, 0]  # but one leans to the left, as it steers to the right


def test_a_pressed_key_pulls_the_handlebar_to_its_side_and_no_harder_than_arms_can() -> None:
    of = visitor.step("bicycle")
    muscle = 0.0
    for _ in range(300):
        x, muscle = visitor.advance(of, [0.0] * 6, muscle, 1.0, 0.0, share=0.0)
    assert x[3] / of.b[3] == pytest.approx(visitor.STIFFNESS * visitor.REACH, rel=1e-6)
    pushed, _ = visitor.advance(of, [0.0, -1.2, 0.0, 0.0, 0.0, 0.0], 1.0, 1.0, 0.0, share=0.0)
    alone, _ = visitor.advance(of, [0.0, -1.2, 0.0, 0.0, 0.0, 0.0], 0.0, 0.0, 0.0, share=0.0)
    assert (pushed[3] - alone[3]) / of.b[3] == pytest.approx(visitor.TORQUE)


def test_many_rides_at_once_are_the_same_rides() -> None:
    of, given = visitor.step("motorcycle"), visitor.conditions(1)
    wishes = [0.3, -1.0, 0.75] * 20
    x, muscle = [np.array([value, value]) for value in given.start], np.zeros(2)
    for number, wish in enumerate(wishes):
        gust = np.full(2, given.gusts[number // visitor.GUST_STEPS])
        x, muscle = visitor.advance(of, x, muscle, np.full(2, wish), gust, share=visitor.hand(1))
    one = visitor.replay("motorcycle", 1, [round(100 * wish) for wish in wishes])
    assert np.array_equal(np.stack(x)[:, 1], one.states[-1])


def test_the_hand_fades_by_one_rule_and_never_below_nothing() -> None:
    shares = [visitor.hand(number) for number in range(14)]
    assert shares[:3] == [0.45, 0.4, 0.35]
    assert shares[9:] == [0.0] * 5
    assert all(after <= before for before, after in pairwise(shares))


def test_a_stronger_hand_keeps_the_machine_up_longer() -> None:
    for name in visitor.MOUNTS:
        means = [simulated_rider.seconds(name, share, None, rides=16).mean() for share in (0.0, 0.3, 0.6)]
        assert means[0] < means[1] < means[2]


def test_a_late_rider_stays_up_where_nobody_does_and_old_habits_fell_him_on_the_reversed() -> None:
    share = visitor.hand(visitor.RIDES - 1)
    alone = simulated_rider.seconds("bicycle", share, None, rides=16).mean()
    skilled = simulated_rider.seconds("bicycle", share, simulated_rider.SKILLED, rides=16).mean()
    habit = simulated_rider.seconds("reversed", share, simulated_rider.SKILLED, rides=16).mean()
    assert skilled > 7 > alone > habit


def test_a_ride_ends_with_the_fall_and_counts_the_seconds_until_then() -> None:
    ride = visitor.replay("bicycle", 0, [100] * visitor.STEPS)
    assert ride.fell
    assert ride.seconds == pytest.approx((len(ride.states) - 1) * visitor.DT)
    assert abs(ride.states[-1, 0]) >= visitor.FALL_ROLL or abs(ride.states[-1, 1]) >= visitor.FALL_STEER
    assert np.all(np.abs(ride.states[:-1, 0]) < visitor.FALL_ROLL)


@pytest.mark.parametrize("inputs", [[101], [0] * (visitor.STEPS + 1)])
def test_inputs_that_no_ride_has_are_refused(inputs: list[int]) -> None:
    with pytest.raises(errors.SettingsError, match="at most 800 inputs"):
        visitor.replay("bicycle", 0, inputs)


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(errors.SettingsError, match="machine"):
        visitor.replay("unicycle", 0, [])

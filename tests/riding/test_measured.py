"""What ships: it is whole, it says what it should, and the riders do again what the table says they did."""

import numpy as np
import pytest

from core import errors
from core.riding import events, experiment, measured, named, replay, rides
from core.riding.experiment_report import median
from core.riding.machines import SHARP_1971
from core.riding.simulate import RidingTest, Tracks


def test_every_arm_is_there_with_every_test() -> None:
    of = measured.measured()
    assert {curve.arm for curve in of.motorcycle.curves} == set(experiment.ARMS)
    for curve in of.motorcycle.curves:
        assert curve.updates == experiment.TESTS
        assert curve.survival.shape == (of.provenance["seeds"], len(experiment.TESTS))
        assert ((curve.survival >= 0) & (curve.survival <= 1)).all()
    assert of.long.curves[0].updates[-1] == 300


def test_the_long_practice_begins_as_the_short_one() -> None:
    of, tests = measured.measured(), len(experiment.TESTS)
    for curve in of.long.curves:
        assert np.array_equal(curve.survival[:, :tests], of.motorcycle.curve(curve.arm).survival)


def test_the_story_holds() -> None:
    of = measured.measured()
    until = {curve.arm: median(curve.until_goal()) for curve in of.motorcycle.curves}
    assert until["bicycle"].high < until["shuffled"].low
    assert until["shuffled"].high < until["scratch"].low
    assert until["scratch"].high < until["reversed"].low
    assert named.jump_start(of.motorcycle).low > 0
    assert (more := named.more_updates(of.motorcycle)) is not None
    assert more.low > 0
    gain = named.asymptote_gain(of.long)
    assert gain.low <= 0 <= gain.high  # nothing left of it: the page says so
    assert of.strengthened[:, -1].mean() > 0.99


def test_shipped_riders_do_again_what_the_table_says() -> None:
    of = measured.measured()
    seed = of.provenance["shown_seed"]
    for update in (0, 10):
        counts = replay.survived(update)
        for arm, count in counts.items():
            share = of.long.curve(arm).at(update)[seed]
            # Another processor may round another way; a ride on the edge may then end otherwise.
            assert count / rides.TEST_STARTS == pytest.approx(share, abs=2.5 / rides.TEST_STARTS)


def test_a_replay_is_a_ride_of_the_test() -> None:
    update, ride = 0, replay.telling()
    riders = replay.replay(ride, update=update)
    assert [one.arm for one in riders] == list(replay.ARMS)
    for one in riders:
        np.testing.assert_allclose(one.states[0], rides.exam().starts[replay.SPEED_PLACE, ride])
        still = (one.states[1:] == one.states[:-1]).all(axis=1)
        assert bool(still.any()) == one.fell
        if one.fell:
            assert int(np.flatnonzero(still)[0]) == round(one.seconds / rides.DT) + 1
    with pytest.raises(errors.SettingsError, match="ride must lie between"):
        replay.replay(replay.RIDES)
    with pytest.raises(errors.SettingsError, match="update must be one of"):
        replay.replay(0, update=3)


def test_a_few_seeds_run_here_as_they_did_when_the_table_was_made() -> None:
    seeds, tests = (0, 1), (0, 2)
    report = events.report(experiment.run(["scratch"], seeds, tests=tests))
    assert report is not None
    found = report.curve("scratch")
    shipped = measured.measured().motorcycle.curve("scratch")
    for place, update in enumerate(tests):
        where = shipped.updates.index(update)
        np.testing.assert_allclose(found.seconds[:, place], shipped.seconds[:2, where], atol=0.05)


def test_torque_times_one_is_the_ride_before_practice() -> None:
    of = measured.measured()
    before = of.strengthened[:, of.factors.index(1.0)]
    assert np.array_equal(before, of.motorcycle.curve("bicycle").at(0))
    rider = measured.riders()["bicycle.0"]
    tracks = Tracks.of([rides.track(SHARP_1971)], 1)
    twice = RidingTest(1).score(rider, tracks, 2.0).survival[0]
    seed = of.provenance["shown_seed"]
    assert twice == pytest.approx(of.strengthened[seed, of.factors.index(2.0)], abs=0.03)

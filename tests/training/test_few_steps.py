from core.advice.tasks import TASKS
from core.training import few_steps


def test_what_ships_was_measured_on_every_data_set_with_several_seeds_where_arms_are_compared():
    assert few_steps.gains()
    for gain in few_steps.gains():
        assert gain.sets == len(TASKS)
        assert gain.points.low <= gain.points.value <= gain.points.high
    assert {gain.arm for gain in few_steps.gains() if gain.what == "recomputed"} == {
        "scratch",
        "full",
        "half",
    }


def test_the_nearest_number_of_images_is_picked():
    sizes = {gain.per_class for gain in few_steps.gains() if (gain.what, gain.arm) == ("twice", "scratch")}
    for size in sizes:
        assert few_steps.gain("twice", "scratch", size * 1.1).per_class == size


def test_points_are_spoken_with_their_interval():
    recomputed = few_steps.gain("recomputed", "scratch", 5)
    assert few_steps.spoken(recomputed.points) in few_steps.sentence()

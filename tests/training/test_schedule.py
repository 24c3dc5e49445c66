import pytest

from core.training.schedule import learning_rate, warm_up_cosine


def rates(steps: int, warm_up: float) -> list[float]:
    return [warm_up_cosine(step, steps=steps, peak=1.0, warm_up=warm_up) for step in range(steps)]


def test_it_rises_to_the_peak_and_falls_almost_to_zero():
    curve = rates(100, 0.1)
    assert curve[0] == pytest.approx(1 / 11)
    assert curve[:10] == sorted(curve[:10])
    assert curve[10] == max(curve) == 1.0
    assert curve[10:] == sorted(curve[10:], reverse=True)
    assert 0 < curve[-1] < 0.001
    assert curve[55] == pytest.approx(0.5)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("warm_up", [0.0, 0.1, 0.9])
def test_the_shortest_runs_move_in_every_step(steps, warm_up):
    assert all(0 < rate <= 1 for rate in rates(steps, warm_up))


def test_each_segment_has_a_schedule_of_its_own():
    def rate(step: int) -> float:
        return learning_rate(step, segments=[3, 2], steps_per_epoch=10, peak=0.4, warm_up=0.1)

    for step in range(30):
        assert rate(step) == warm_up_cosine(step, steps=30, peak=0.4, warm_up=0.1)
    for step in range(20):
        assert rate(30 + step) == warm_up_cosine(step, steps=20, peak=0.4, warm_up=0.1)
    assert rate(50) == 0.0

"""Practice: the gradient is exact, frozen stays frozen, and skill comes."""

from itertools import pairwise

import numpy as np
import torch

from core.events import Progress
from core.riding import events, experiment, policy, practice, rides
from core.riding.experiment_report import RidingReport
from core.riding.machines import BENCHMARK_BICYCLE, SHARP_1971
from core.riding.simulate import Simulation, Tracks

SEEDS = (3, 4, 5)


def test_gradient_is_that_of_automatic_differentiation() -> None:
    steps = 80
    policies = policy.fresh(SEEDS)
    policies.weights[-1][:] *= 4  # hands that do something
    tracks = Tracks.of([rides.track(SHARP_1971)], 3)
    conditions = rides.draw(np.random.default_rng(1), rides=2, seconds=steps * rides.DT)
    simulation = Simulation(3, 2, steps, recorded=True)
    simulation.run(policies, tracks, conditions)
    found = practice.gradient(policies, tracks, simulation.recording())
    assert not simulation.recording().upright[-1].all()  # falls are part of it

    def tensor(array: object) -> torch.Tensor:
        return torch.tensor(np.asarray(array), dtype=torch.float64)

    arrays = [tensor(one).requires_grad_() for one in policies.arrays()]
    step, gust = tensor(tracks.step), tensor(tracks.gust)
    x = tensor(np.broadcast_to(conditions.starts, (3, 3, 2, 6)))
    speed = tensor([-1.0, 0.0, 1.0])[None, :, None, None].expand(3, 3, 2, 1)
    typical, weight, limits = tensor(rides.TYPICAL), tensor(rides.WEIGHT), tensor(rides.FALL)
    upright = torch.ones(3, 3, 2, 1, dtype=torch.bool)
    costs = []
    for t in range(steps):
        seen = torch.cat([x / typical, speed], dim=-1).reshape(3, 6, 7)
        for w, b in zip(arrays[::2], arrays[1::2], strict=True):
            seen = torch.tanh(seen @ w + b)
        u = (50 * seen).reshape(3, 3, 2, 1)
        after = torch.cat([x, u], dim=-1) @ step + tensor(conditions.gusts[t])[None, ..., None] * gust
        x = torch.where(upright, after, x)
        upright = upright & (x[..., :2].detach().abs() <= limits).all(dim=-1, keepdim=True)
        q = (weight * (x / typical) ** 2).sum(dim=-1, keepdim=True)
        costs.append(torch.where(upright, q / (1 + q / 8), torch.full_like(q, 8)))
    cost = torch.stack(costs).mean(dim=(0, 2, 3, 4))
    np.testing.assert_allclose(practice.cost(simulation.recording()), cost.detach(), rtol=1e-5)
    cost.sum().backward()
    for mine, theirs in zip(found, arrays, strict=True):
        assert theirs.grad is not None
        scale = float(theirs.grad.abs().max())
        np.testing.assert_allclose(mine, theirs.grad, atol=1e-3 * scale)


def test_frozen_layers_do_not_move_by_a_bit_and_the_others_do() -> None:
    start = policy.together([policy.fresh(SEEDS)] * 3)
    kept = start.copy()
    frozen = [frozenset({0}), frozenset({1, 2}), frozenset[int]()]
    tracks = Tracks.of([rides.track(BENCHMARK_BICYCLE)], 9)
    *_, last = practice.practise(start, tracks, SEEDS, purpose="source", tests=[3], frozen=frozen)
    assert last is not None
    for before, after in zip(kept.arrays(), start.arrays(), strict=True):
        assert np.array_equal(before, after)  # who practised was a copy
    for group, layers in enumerate(frozen):
        riders = slice(3 * group, 3 * group + 3)
        for place, (before, after) in enumerate(
            zip(kept.part(riders).arrays(), last.policies.part(riders).arrays(), strict=True)
        ):
            for rider in range(3):
                assert np.array_equal(before[rider], after[rider]) == (place // 2 in layers)


def test_practice_makes_a_rider() -> None:
    tracks = Tracks.of([rides.track(BENCHMARK_BICYCLE)], 3)
    steps = practice.practise(policy.fresh(SEEDS), tracks, SEEDS, purpose="source", tests=[0, 60])
    before, after = (step.score for step in steps if step is not None)
    assert before.survival.max() < 0.2
    assert after.survival.min() > 0.8
    assert (after.seconds <= rides.TEST_SECONDS + 1e-9).all()


def _last(arms: list[str], seeds: tuple[int, ...]) -> RidingReport:
    report = events.report(experiment.run(arms, seeds, tests=(0, 2, 4), source_updates=3))
    assert report is not None
    return report


def test_same_seeds_give_the_same_numbers_whoever_else_takes_part() -> None:
    alone = _last(["bicycle_two_frozen"], (7, 8)).curve("bicycle_two_frozen")
    among = _last(["scratch", "bicycle_two_frozen", "shuffled"], (7, 9, 8)).curve("bicycle_two_frozen")
    assert np.array_equal(alone.seconds, among.seconds[[0, 2]])
    assert np.array_equal(alone.survival, among.survival[[0, 2]])
    assert not np.array_equal(alone.seconds[0], alone.seconds[1])


def test_events_grow_and_one_may_stop_between_them() -> None:
    seen = list(experiment.run(["scratch", "bicycle"], (1, 2), tests=(0, 2), source_updates=2))
    done = [event.done for event in seen if isinstance(event, Progress)]
    assert all(before <= after for before, after in pairwise(done))
    assert done[-1] == 1
    tested = [place for place, event in enumerate(seen, 1) if isinstance(event, events.RidersTested)]
    reports = [report for end in (*tested, None) if (report := events.report(seen[:end])) is not None]
    assert [report.curve("scratch").updates for report in reports] == [(0,), (0, 2), (0, 2)]
    assert reports[-1].curve("bicycle").survival.shape == (2, 2)
    stopped = experiment.run(["scratch"], (1, 2))
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]


def test_changes_before_practice() -> None:
    source = policy.fresh(SEEDS)
    mixed = policy.shuffled(source, SEEDS)
    for before, after in zip(source.arrays(), mixed.arrays(), strict=True):
        for rider in range(3):
            assert np.array_equal(np.sort(before[rider], axis=None), np.sort(after[rider], axis=None))
    assert not np.array_equal(source.weights[0], mixed.weights[0])
    anew = policy.with_fresh_head(source, SEEDS)
    assert np.array_equal(source.weights[1], anew.weights[1])
    assert not np.array_equal(source.weights[2], anew.weights[2])
    # One seed's rider does not depend on which others there are.
    assert np.array_equal(policy.fresh((5, 3)).weights[0][1], source.weights[0][0])

import dataclasses

import numpy as np
import pytest

from core.advice import forecast, judge
from core.advice.judge import POLICIES
from tests.advice.conftest import LIKE_PHOTOS, TABLE


def regret(world, name: str) -> float:
    return float(np.mean([one.regret for one in judge.judge(world, judge.policies(world)[name].choose)]))


def test_regret_is_the_best_minus_the_chosen(world):
    # Three sets lose 6 points at depth 0, three lose nothing.
    assert regret(world, "full") == pytest.approx(3.0)
    assert regret(world, "probe") == pytest.approx((2 + 20) / 2)
    assert regret(world, "always-3") == pytest.approx((3 + 8) / 2)


def test_every_depth_is_judged_and_the_best_of_them_in_hindsight(world):
    each = [regret(world, name) for name in ("full", *(f"always-{depth}" for depth in range(1, 5)), "probe")]
    assert each == pytest.approx([3.0, 3.0, 2.5, 5.5, 7.0, 11.0])
    assert regret(world, "best-in-hindsight") == pytest.approx(min(each))
    assert judge.policies(world)["always-1"].what == "Freeze the first stage."


def test_the_textbook_rule_goes_by_quadrant(world):
    # similar and small: a probe (2 points behind); different and small: half frozen (8 points behind).
    assert regret(world, "textbook") == pytest.approx(5.0)


def test_readers_freeze_up_to_the_stage_that_is_read_best(world):
    # Votes are best after layer3 for photographs (freezing 4 is best), after the stem for the others.
    assert regret(world, "knn-guided") == pytest.approx(0.0)
    assert regret(world, "probe-guided") == pytest.approx(0.0)


def test_the_advice_does_not_see_the_data_set_that_it_is_judged_on(world):
    """The odd one out: its own measures would give it away, so the advice must be wrong about it."""
    odd = dataclasses.replace(
        world.cells[0],
        accuracy={f"k{depth}": (value,) * 3 for depth, value in enumerate(reversed(LIKE_PHOTOS))},
        task="textures",
    )
    alone = dataclasses.replace(
        world,
        cells=(*world.cells, odd),
        measures=world.measures | {("textures", 20): world.measures["hymenoptera", 20]},
    )
    query = forecast.queries(alone, odd, "measured")[0]
    unseen = forecast.forecast(query, alone, without={"textures"})
    assert all(one.task != "textures" for one in unseen.neighbours)
    assert judge.POLICIES["advice-measured"].choose(alone, odd) == [unseen.arms[unseen.chosen]] * 3
    seen = forecast.forecast(query, alone)
    assert any(one.task == "textures" for one in seen.neighbours)
    assert unseen.lead[1] != seen.lead[1]


def test_fair_regret_does_not_pick_the_best_arm_on_the_seed_that_it_is_judged_on():
    """Six arms of pure chance: the plain regret of any of them looks large, the fair one is zero on average."""
    random = np.random.default_rng(0)
    plain, fair = [], []
    for _ in range(400):
        values = {f"k{depth}": tuple(random.normal(0.5, 0.02, 3)) for depth in range(6)}
        cell = dataclasses.replace(make_cell(), accuracy=values)
        plain.append(max(cell.means.values()) - cell.mean("k0"))
        fair.append(judge._fair(values, "k0"))
    assert np.mean(plain) > 0.01
    assert abs(np.mean(fair)) < 0.003


def make_cell():
    from tests.advice.conftest import cell

    return cell("hymenoptera", LIKE_PHOTOS)


def test_the_record_holds_every_policy_with_intervals(world):
    found = judge.record("tiny_resnet18")
    assert [one.name for one in found.policies] == list(judge.policies(world))
    assert (found.tasks, found.cells, found.runs) == (6, 6, 6 * 6 * 3)
    for one in found.policies:
        assert one.regret.low <= one.regret.value <= one.regret.high
        assert one.regret.value <= one.worst
        assert one.worst_task in TABLE
    assert judge.record("resnet18") is None


def test_data_sets_are_resampled_not_cells(world):
    """Copies of a cell add no information, so the interval must not shrink."""
    once = judge.judge(world, POLICIES["full"].choose)
    copies = once * 4
    narrow, wide = (judge.resampled(found, lambda v: float(v.mean())) for found in (copies, once))
    assert narrow.high - narrow.low == pytest.approx(wide.high - wide.low)


def test_stated_ranges_cover_what_was_measured(world):
    covered = judge.coverage(world, "measured")
    assert covered.value > 0.5

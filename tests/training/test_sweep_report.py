"""What a sweep found: exact means, intervals that count seeds and images, comparisons, regret, words."""

import dataclasses
import json

import numpy as np
import pytest

from core import errors, events
from core.events import Event
from core.training.sweep_events import EVENTS, ArmDone, ArmDropped, CachesReady, SweepFinished, SweepStarted
from core.training.sweep_log import SweepLog
from core.training.sweep_report import SweepReport, pack, regret_sentence, report, spoken
from core.training.sweep_statistics import draws, holm, interval

N = 200
ARMS = ("k0", "k1", "k2", "lp_ft")


def started(**other: object) -> SweepStarted:
    values = {
        "config": {"seeds": 2},
        "data_name": "handmade",
        "data_fingerprint": "f",
        "class_names": ("a", "b"),
        "images": {"train": 40, "test": N},
        "stages": ("stem", "block"),
        "arms": ARMS,
        "seeds": (0, 1),
        "epochs": 3,
        "chance": 0.5,
        "device": "cpu",
        "precision": "float32",
    }
    return SweepStarted(**(values | other))  # type: ignore[arg-type]


def arm(name: str, seed: int, right: int, *, seconds: float = 1.0, first: int = 0) -> ArmDone:
    """An arm that is right on ``right`` of the test images, counted from ``first`` on."""
    hits = np.zeros(N, dtype=bool)
    hits[first : first + right] = True
    return ArmDone(arm=name, seed=seed, accuracy=right / N, hits=pack(hits), seconds=seconds)


CACHES = CachesReady(seconds=(0.0, 2.0, 3.0), bytes=1)
FINISHED = SweepFinished(seconds=9.0, seconds_by_phase={}, peak_memory_bytes=1)
WHOLE: list[Event] = [
    started(),
    CACHES,
    *(
        arm(name, seed, right + 2 * seed, seconds=seconds + seed)
        for seed in (0, 1)
        for name, right, seconds in (
            ("k2", 100, 1.0),
            ("k1", 178, 2.0),
            ("k0", 180, 4.0),
            ("lp_ft", 176, 5.0),
        )
    ),
    FINISHED,
]


def test_means_seconds_and_single_seeds_are_exact() -> None:
    found = report(WHOLE)
    assert [one.arm for one in found.arms] == list(ARMS)
    k1 = found.of("k1")
    assert k1 is not None
    assert k1.accuracy.value == pytest.approx((178 + 180) / 2 / N)
    assert k1.accuracies == (178 / N, 180 / N)
    assert k1.regret.value == pytest.approx(2 / N)
    assert k1.seconds == 2.5
    assert k1.seconds_alone == 4.5  # the pass up to depth 1 took 2 s
    lp_ft = found.of("lp_ft")
    assert lp_ft is not None
    assert lp_ft.seconds_alone == 5.5 + 3.0 + 1.5  # the whole pass, and the probe
    assert (found.counted, found.finished, found.seconds) == ((0, 1), True, 9.0)


def test_what_cannot_be_told_from_the_best_is_named_and_the_cheapest_of_it() -> None:
    found = report(WHOLE)
    assert found.best == "k0"
    assert found.as_good == ("k0", "k1", "lp_ft")
    assert found.cheapest == "k1"
    assert found.verdict == (
        "Depths 0, 1 and LP-FT cannot be told apart from the best of them (0); the cheapest of them is 1."
    )
    assert "2 seeds and 200 test images" in found.method
    assert "3 comparisons" in found.method
    worst = found.of("k2")
    assert worst is not None
    assert worst.p_value is not None
    assert worst.p_value < 0.01
    assert worst.regret.value == pytest.approx(80 / N)
    assert 0.3 < worst.regret.low < 0.4 < worst.regret.high < 0.5
    best = found.of("k0")
    assert best is not None
    assert best.p_value is None
    assert best.regret.value == best.regret.low == 0 < best.regret.high


def test_arms_that_answer_alike_cannot_be_told_apart() -> None:
    events = [started(), *(arm(name, seed, 150) for seed in (0, 1) for name in ARMS)]
    found = report(events)
    assert found.verdict == "Depths 0 to 2 and LP-FT cannot be told apart; the cheapest of them is 2."
    assert all(one.p_value in (None, 1.0) for one in found.arms)
    assert all(one.regret.low == 0 and 0 < one.regret.high < 0.02 for one in found.arms)


def test_one_arm_that_is_better_than_all_others_is_said_to_be() -> None:
    right = {"k0": 120, "k1": 190, "k2": 60, "lp_ft": 120}
    found = report([started(), *(arm(name, seed, right[name]) for seed in (0, 1) for name in ARMS)])
    assert found.as_good == ("k1",)
    assert found.verdict.startswith("Depth 1 is better than all others: 95.0 %, 35.0 points [2")
    assert found.verdict.endswith("] before depth 0.")
    assert regret_sentence(found, "k2") == (
        "The advice, depth 2, is 65.0 points behind the best, depth 1 (95 % interval 58.0 to 71.5): "
        "the advice was wrong here."
    )
    assert regret_sentence(found, "k1").startswith("The advice, depth 1, is the best of all measured")
    assert regret_sentence(found, "k7") == ""


def test_what_is_as_good_as_the_best_is_what_its_interval_allows() -> None:
    generator = np.random.default_rng(2)
    for _ in range(20):
        first, second = (int(value) for value in generator.integers(140, 180, 2))
        found = report(
            [
                started(arms=("k0", "k1")),
                *(
                    arm(name, seed, right)
                    for seed in (0, 1)
                    for name, right in (("k0", first), ("k1", second))
                ),
            ]
        )
        for one in found.arms:
            assert one.as_good == (one.regret.low < 0.0005), (first, second)


def test_a_difference_between_seeds_as_large_as_the_lead_is_no_lead() -> None:
    # Over images alone 30 points would be beyond doubt; but one seed says so, and the other says the opposite.
    events = [
        started(arms=("k0", "k1")),
        arm("k0", 0, 190),
        arm("k1", 0, 130),
        arm("k0", 1, 150),
        arm("k1", 1, 180),
    ]
    found = report(events)
    assert found.as_good == ("k0", "k1")
    only_one = report([started(arms=("k0", "k1"), seeds=(0,)), *events[1:3]])
    assert only_one.as_good == ("k0",)
    assert "with one seed" in only_one.method
    assert only_one.verdict.startswith(
        "With one seed, depth 0 is better than all others: 95.0 %, 30.0 points"
    )
    assert regret_sentence(only_one, "k1").endswith("with one seed, which may be luck.")


def test_a_seed_under_way_is_shown_but_not_counted() -> None:
    until = WHOLE[: 2 + 4 + 2]  # the second seed has k2 and k1
    found = report(until)
    assert found.counted == (0,)
    k1 = found.of("k1")
    assert k1 is not None
    assert k1.accuracy.value == 178 / N
    assert k1.seeds == (0, 1)
    assert not found.finished
    assert found.seconds is None


def test_every_beginning_of_a_sweep_can_be_reported() -> None:
    with pytest.raises(errors.RunError, match="not begun"):
        report([])
    for end in range(1, len(WHOLE)):
        found = report(WHOLE[:end])
        assert found.verdict
        assert len(found.arms) == min(max(end - 2, 0), 4)
    assert report(WHOLE[:1]).verdict == "Nothing is measured yet."
    assert report(WHOLE[:3]).verdict == "Only depth 2 is measured so far: 50.0 %."
    assert report(WHOLE[:5]).verdict.startswith("So far, with one seed, depths 0 and 1 cannot be told apart")
    assert regret_sentence(report(WHOLE[:5]), "k1") == ""


def test_racing_leaves_an_arm_out_and_the_others_go_on() -> None:
    dropped = ArmDropped(arm="k2", after_seed=0, behind="k0", p_value=0.001)
    events = [*WHOLE[:6], dropped, *WHOLE[7:]]  # k2 has no second seed
    found = report(events)
    assert found.counted == (0, 1)
    k2 = found.of("k2")
    assert k2 is not None
    assert k2.dropped
    assert not k2.as_good
    assert k2.seeds == (0,)
    assert k2.accuracy.value == 0.5
    assert k2.regret.value == pytest.approx(80 / N)  # against the best on the same seed
    assert found.cheapest == "k1"


def test_what_is_resumed_goes_on_and_what_began_anew_is_forgotten() -> None:
    again = [*WHOLE[:5], started(), CACHES, *WHOLE[5:]]
    assert report(again) == report(WHOLE)
    anew = SweepLog([*WHOLE[:5], started(data_fingerprint="other")])
    assert anew.arms_done == ()
    assert len(anew.missing) == 8
    assert len(SweepLog(again[:6]).missing) == 5


def test_a_log_read_back_says_the_same() -> None:
    lines = [json.loads(json.dumps({**event.to_json(), "at": 1.0})) for event in WHOLE]
    assert [events.read(line, EVENTS) for line in lines] == WHOLE
    assert events.read({"event": "unheard of"}, EVENTS) is None
    back = json.loads(json.dumps(dataclasses.asdict(report(WHOLE))))
    assert back["best"] == "k0"
    assert isinstance(report(WHOLE), SweepReport)


def test_draws_have_the_spread_that_two_sources_of_chance_give() -> None:
    random = np.random.default_rng(3)
    hits = random.random((1, 4, 500)) < np.array([0.6, 0.7, 0.8, 0.9])[None, :, None]
    found = draws(hits)[:, 0]
    by_seed = hits[0].mean(axis=1).var(ddof=1) / 4
    by_image = hits[0].mean(axis=0).var(ddof=1) / 500
    assert found.mean() == pytest.approx(hits.mean(), abs=0.005)
    # The part that belongs to both at a time is counted more than once (Owen 2007): a little too wide, never narrow.
    assert by_seed + by_image < found.var() < 1.3 * (by_seed + by_image)
    assert np.array_equal(found, draws(hits)[:, 0])


def test_one_seed_gives_wilsons_interval_and_no_interval_is_empty() -> None:
    hits = np.arange(400)[None, :] < 300  # (1, 400)
    found = interval(hits, draws(hits[None])[:, 0])
    assert (found.value, found.low, found.high) == pytest.approx((0.75, 0.7053, 0.7899), abs=0.003)
    perfect = np.ones((3, 40), dtype=bool)
    found = interval(perfect, draws(perfect[None])[:, 0])
    assert found.high == 1
    assert found.low == pytest.approx(1 / (1 + 1.96**2 / 40), abs=1e-4)


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.9})
    assert found == pytest.approx({"a": 0.04, "c": 0.09, "b": 0.09, "d": 0.9})


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        (["k3"], "depth 3"),
        (["k0", "k1"], "depths 0 and 1"),
        (["k0", "k1", "k2", "k3"], "depths 0 to 3"),
        (["k0", "k2", "k3", "k4", "lp_ft"], "depths 0, 2 to 4 and LP-FT"),
        (["lp_ft"], "LP-FT"),
    ],
)
def test_arms_are_named_as_one_says_them(arms: list[str], words: str) -> None:
    assert spoken(arms) == words

"""Ways of choosing a network, judged on a small world made by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.advice import choosing
from core.advice.candidates_report import sure
from core.advice.choosing import NetworkCase, NetworkEvidence
from core.advice.tasks import TASKS
from core.backbones import catalogue

STRONG, WEAK = "efficientnet_lite0", "tiny_resnet18"  # 1,000 classes of source against 200
SAMPLE = 40


def packed(hits: int) -> str:
    return np.packbits(np.arange(SAMPLE) < hits).tobytes().hex()


def case(task: str, strong: float, weak: float, hits: tuple[int, int], *, logme: float = 0.0) -> NetworkCase:
    """Accuracies of both, how many of the sample their probes name rightly, and LogME's lead of the weak one."""
    return NetworkCase(
        task=task,
        per_class=20,
        images=SAMPLE,
        classes=2,
        chance=0.5,
        test_images=200,
        sample=SAMPLE,
        accuracy={STRONG: (strong, strong), WEAK: (weak, weak)},
        scores={
            name: {
                "probe": (count / SAMPLE,) * 2,
                "neighbours": (0.5,) * 2,
                "logme": (logme if name == WEAK else 0.0,) * 2,
                "h_score": (0.5,) * 2,
            }
            for name, count in zip((STRONG, WEAK), hits, strict=True)
        },
        right={name: (packed(count),) * 2 for name, count in zip((STRONG, WEAK), hits, strict=True)},
    )


WORLD = NetworkEvidence(
    networks=(STRONG, WEAK),
    sides={STRONG: 128, WEAK: 64},
    milliseconds={STRONG: 4.0, WEAK: 1.0},
    made={},
    cases=(
        case(
            "hymenoptera", 0.90, 0.80, (30, 32), logme=1.0
        ),  # two more of forty are chance: the strong one is better
        case("mnist-6000", 0.70, 0.90, (20, 39), logme=1.0),  # nineteen more are not
        case("textures", 0.80, 0.60, (36, 20), logme=-1.0),
    ),
)


def regret(name: str, world: NetworkEvidence = WORLD) -> float:
    found = choosing.record(world)
    assert found is not None
    return next(one.regret.value for one in found.policies if one.name == name)


def test_what_each_way_gives_away_by_hand() -> None:
    assert regret("probe") == pytest.approx(10 / 3)  # wrong about the insects alone
    assert regret("advice-sure") == pytest.approx(0.0)
    assert regret("logme") == pytest.approx(10 / 3)
    assert regret("random") == pytest.approx((5 + 10 + 10) / 3)
    assert regret(f"always-{STRONG}") == pytest.approx(20 / 3)
    assert regret(f"always-{WEAK}") == pytest.approx((10 + 20) / 3)
    assert regret("best-in-hindsight") == pytest.approx(20 / 3)


def test_equal_scores_leave_it_to_the_stronger_network() -> None:
    assert regret("h_score") == regret("neighbours") == regret(f"always-{STRONG}")


def test_what_is_best_elsewhere_has_not_seen_the_data_set() -> None:
    """On the other two the networks are level or the weak one leads, though it loses here."""
    found = choosing.best_elsewhere(WORLD, WORLD.cases[2])
    assert found == [WEAK]  # 0.80 + 0.90 against 0.90 + 0.70


def test_sure_takes_the_stronger_one_unless_chance_cannot_explain_it() -> None:
    entries = [catalogue.entry(STRONG), catalogue.entry(WEAK)]
    first = np.arange(SAMPLE)
    assert sure([first < 30, first < 32], entries) == 0
    assert sure([first < 20, first < 39], entries) == 1
    assert sure([first < 30, first < 30], entries[::-1]) == 1


def test_costs_and_leads_are_those_of_the_first_network() -> None:
    found = choosing.record(WORLD)
    assert found is not None
    weak = next(one for one in found.policies if one.name == f"always-{WEAK}")
    assert weak.cost == pytest.approx(0.25)
    assert found.ahead[WEAK].value == pytest.approx(100 * (2.30 - 2.40) / 3)
    assert found.ahead[WEAK].low < found.ahead[WEAK].value < found.ahead[WEAK].high
    assert (found.tasks, found.cases) == (3, 3)


def test_of_one_network_or_none_there_is_no_record() -> None:
    assert choosing.record(WORLD.only([STRONG])) is None
    assert choosing.record(WORLD.only([])) is None


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "networks.json"
    assert choosing.load(path) is None
    choosing.write(WORLD, path)
    assert choosing.load(path) == WORLD
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1 + len(WORLD.cases)
    assert json.loads(path.read_text(encoding="utf-8"))["sides"] == WORLD.sides


def test_what_ships_is_whole() -> None:
    shipped = choosing.load()
    if shipped is None:
        pytest.skip("no network was measured yet (tools/measure_networks.py)")
    assert set(shipped.networks) <= set(catalogue.BACKBONES)
    assert set(shipped.milliseconds) == set(shipped.sides) == set(shipped.networks)
    for one in shipped.cases:
        assert one.task in TASKS
        assert set(one.accuracy) == set(one.scores) == set(one.right) == set(shipped.networks)
        for name in shipped.networks:
            assert set(one.scores[name]) == set(choosing.SCORES)
            for seed, share in enumerate(one.scores[name]["probe"]):
                assert one.answers(name, seed).mean() == pytest.approx(share, abs=1e-4)
    assert choosing.PATH.stat().st_size < 300_000

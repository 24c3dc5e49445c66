import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import save_file

from core.advice import candidates
from core.advice.candidates import Candidate, Comparison, Examined, Examining, LeftOut
from core.advice.candidates_report import Pace, best_shares, compared
from core.backbones import stages, weights
from core.errors import DataError, SettingsError
from core.interpretation.specificity_report import Reading
from core.metrics.classification import wilson
from core.metrics.report import Interval

LABELS = np.arange(40) % 2


def examined(title: str, right: NDArray[np.bool_], milliseconds: float = 1.0) -> Examined:
    reading = Reading(right=right)
    return Examined(
        candidate=Candidate(name=title),
        title=title,
        image_size=64,
        last="layer4",
        best="layer4",
        probe=reading,
        probe_best=reading,
        neighbours=wilson(20, 40),
        neighbours_best=wilson(20, 40),
        logme=Interval(value=0.1, low=0.0, high=0.2),
        h_score=Interval(value=0.5, low=0.4, high=0.6),
        parameters=1000,
        megabytes=0.004,
        pace=Pace(median=milliseconds, low=milliseconds, high=milliseconds, batch=8, threads=1),
        seconds=1.0,
    )


def first(count: int) -> NDArray[np.bool_]:
    return np.arange(40) < count


def test_resamples_that_differ_in_one_image_by_hand() -> None:
    # B is right wherever A is and on one more image: it wins unless that image is not drawn, when both are level.
    shares = best_shares([first(20), first(21)])
    missed = (1 - 1 / 40) ** 40
    assert shares[1] == pytest.approx(1 - missed / 2, abs=0.03)
    assert sum(shares) == pytest.approx(1.0)


def test_equal_networks_share_the_first_place() -> None:
    assert best_shares([first(30), first(30)]) == pytest.approx((0.5, 0.5))
    assert best_shares([]) == ()


def test_ranking_says_who_cannot_be_told_apart() -> None:
    found = compared(
        [examined("low", first(10)), examined("high", first(36)), examined("near", first(35))], [], LABELS
    )
    assert [one.title for one in found.examined] == ["high", "near", "low"]
    assert found.level == ("near",)
    assert found.says.startswith("high comes first in ")
    assert found.says.endswith("cannot be told apart from near.")
    assert found.chance == 0.5


def test_a_clear_winner_is_called_one() -> None:
    found = compared([examined("low", first(10)), examined("high", first(36))], [], LABELS)
    assert found.level == ()
    assert found.says == (
        "high comes first in 100 % of resamples of these 40 images, and is better than each of the others beyond "
        "chance."
    )


def test_one_or_no_network_has_no_rank() -> None:
    assert "nothing to rank" in compared([examined("only", first(10))], [], LABELS).says
    assert compared([], [], LABELS).says == "No network could be measured."


def test_the_front_holds_what_nothing_beats() -> None:
    found = compared(
        [
            examined("fast", first(20), 1.0),
            examined("waste", first(19), 2.0),
            examined("slow", first(30), 3.0),
            examined("slower", first(30), 4.0),
        ],
        [],
        LABELS,
    )
    assert [found.examined[one].title for one in found.front] == ["fast", "slow"]


@pytest.fixture(scope="module")
def squares() -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
    """Dark against bright noise: any network tells them apart."""
    random = np.random.default_rng(0)
    labels = np.arange(16) % 2
    images = random.integers(0, 100, (16, 32, 32, 3)) + 150 * labels[:, None, None, None]
    return images.astype(np.uint8), labels, ("dark", "bright")


def test_networks_are_looked_at_one_after_the_other(
    squares: tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]], tmp_path: object
) -> None:
    own = f"{tmp_path}/own.safetensors"
    save_file(stages.to_state(stages.build("tiny_resnet18", seed=3)), own)
    wanted = [
        Candidate(name="tiny_resnet18"),
        Candidate(name="tiny_resnet18", weights=own),
        Candidate(name="squeezenet1_0", weights="missing.safetensors"),
    ]
    *events, last = candidates.compare(wanted, *squares)
    assert isinstance(last, Comparison)
    shares = [one.share for one in events if isinstance(one, Examining)]
    assert shares == sorted(shares)
    assert shares[-1] < 1
    order = [one.candidate.key for one in events if isinstance(one, Examined | LeftOut)]
    assert order == [one.key for one in wanted]
    assert [one.why for one in last.left_out] == ["There is no file or folder missing.safetensors."]
    assert [one.title for one in last.examined if one.candidate.weights == own] == ["own (Tiny ResNet-18)"]
    assert last.level != ()
    built_in = next(one for one in last.examined if one.candidate == wanted[0])
    assert built_in.probe.accuracy.value == 1.0
    assert built_in.parameters == sum(p.numel() for p in stages.build("tiny_resnet18").stages.parameters())
    assert built_in.megabytes == pytest.approx(4e-6 * built_in.parameters, rel=0.02)
    assert 0 < built_in.pace.low <= built_in.pace.median <= built_in.pace.high


def test_at_hand_is_what_needs_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "are_here", lambda name: name in ("tiny_resnet18", "resnet18"))
    own = Candidate(name="vit_b_16", weights="mine.pth")
    assert [one.name for one in candidates.at_hand([own])] == ["tiny_resnet18", "resnet18", "vit_b_16"]


def test_too_little_is_said_before_anything_is_loaded(
    squares: tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]],
) -> None:
    with pytest.raises(SettingsError, match="at least one"):
        next(candidates.compare([], *squares))
    images, _, names = squares
    with pytest.raises(DataError, match="at least two of each class"):
        next(
            candidates.compare([Candidate(name="tiny_resnet18")], images, np.zeros(16, dtype=np.int64), names)
        )

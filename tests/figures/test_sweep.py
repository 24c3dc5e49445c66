"""The chart of a sweep: what is measured stands where it belongs, and nothing moves while it fills."""

import numpy as np
import pytest

from core.events import Event
from core.figures.sweep import accuracy_over_depth, height
from core.figures.template import FIRE, ICE
from core.training.sweep_events import ArmDone, CachesReady, SweepStarted
from core.training.sweep_report import pack, report

N = 100
STAGES = ("stem", "<b>block</b>")
RIGHT = {"k2": 40, "k1": 88, "k0": 90, "lp_ft": 86}


def events() -> list[Event]:
    found: list[Event] = [
        SweepStarted(
            config={},
            data_name="handmade",
            data_fingerprint="f",
            class_names=("a", "b", "c"),
            images={"train": 30, "test": N},
            stages=STAGES,
            arms=("k0", "k1", "k2", "lp_ft"),
            seeds=(0, 1),
            epochs=3,
            chance=0.34,
            device="cpu",
            precision="float32",
        ),
        CachesReady(seconds=(0.0, 1.0, 2.0), bytes=1),
    ]
    for seed in (0, 1):
        for name, right in RIGHT.items():
            hits = np.arange(N) < right + seed
            found.append(
                ArmDone(arm=name, seed=seed, accuracy=float(hits.mean()), hits=pack(hits), seconds=3.0)
            )
    return found


def chart(count: int | None = None, **other: str) -> dict:
    return accuracy_over_depth(report(events()[:count]), **other).to_plotly_json()  # type: ignore[arg-type]


def trace(figure: dict, name: str) -> dict:
    return next(one for one in figure["data"] if one.get("name") == name)


def test_means_intervals_and_seeds_stand_over_their_depth() -> None:
    figure = chart()
    found = report(events())
    for place, name in enumerate(("k0", "k1", "k2")):
        mean, arm = trace(figure, name), found.of(name)
        assert arm is not None
        assert mean["x"] == [place]
        assert mean["y"] == pytest.approx([RIGHT[name] + 0.5])
        assert mean["y"][0] + mean["error_y"]["array"][0] == pytest.approx(100 * arm.accuracy.high)
        assert mean["y"][0] - mean["error_y"]["arrayminus"][0] == pytest.approx(100 * arm.accuracy.low)
        dots = trace(figure, f"{name} seeds")
        assert dots["y"] == pytest.approx([RIGHT[name], RIGHT[name] + 1])
        assert np.mean(dots["x"]) == pytest.approx(place)
    assert trace(figure, "lp_ft")["x"][0] > 3, "LP-FT is no depth, and stands apart"
    assert trace(figure, "lp_ft")["marker"]["symbol"] == "diamond"


def test_a_line_joins_what_may_be_the_best_and_the_rest_is_faint() -> None:
    figure = chart()
    joined = trace(figure, "not to be told from the best")["x"]
    assert joined == pytest.approx([-0.4, 1.4, None, 2.9, 3.7, None], nan_ok=True)
    assert trace(figure, "k0")["marker"]["color"].endswith(",1)")
    assert trace(figure, "k2")["marker"]["color"].endswith(",0.5)")


def test_stacks_are_ice_below_the_depth_and_fire_above_and_seconds_too() -> None:
    figure = chart()
    depths, aside = (one for one in figure["data"] if one["type"] == "heatmap")
    assert np.array_equal(depths["z"], [[1, 0, 0], [1, 1, 0]])
    assert np.array_equal(aside["z"], [[1], [1]])
    training, passed = trace(figure, "training and testing"), trace(figure, "before it, once for all arms")
    assert (training["marker"]["color"], passed["marker"]["color"]) == (FIRE, ICE)
    assert list(training["y"]) == [3.0] * 4
    assert list(passed["y"]) == pytest.approx(
        [0.0, 1.0, 2.0, 5.0]
    )  # LP-FT needs the whole pass and the probe


def test_the_advised_depth_is_lit_and_the_best_is_named() -> None:
    figure = chart(advised="k1")
    lit = next(one for one in figure["layout"]["shapes"] if one["type"] == "rect")
    assert (lit["x0"] + lit["x1"]) / 2 == pytest.approx(1)
    words = {one["text"]: one["x"] for one in figure["layout"]["annotations"]}
    assert words["<b>advised</b>"] == 1
    assert words["<b>best</b>"] == 0
    assert not any(one["type"] == "rect" for one in chart(advised="k9")["layout"]["shapes"])


def test_nothing_moves_while_the_first_seed_fills() -> None:
    layouts = [chart(count)["layout"] for count in (1, 2, 3, 5)]
    for axis in ("xaxis", "yaxis", "yaxis2"):
        assert all(one[axis] == layouts[0][axis] for one in layouts)
    assert all(one["height"] == height(2) and one["margin"] == layouts[0]["margin"] for one in layouts)
    assert layouts[0]["yaxis"]["range"] == [20, 101]
    low, high = chart()["layout"]["yaxis"]["range"]  # then it shows what is there
    assert (low, high) == (30, 101)


def test_a_stages_own_name_is_no_markup_and_both_themes_draw() -> None:
    names = chart(theme="dark")["layout"]["yaxis2"]["ticktext"]
    assert names[0] == "stem"
    assert "<" not in names[1]

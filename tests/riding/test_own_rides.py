"""The visitor's own curve: what is said follows from the rides alone."""

import numpy as np
import pytest

from core import words
from core.figures.own_rides import own_rides as chart
from core.figures.template import FIRE
from core.riding import own_rides, simulated_rider, visitor
from core.riding.own_rides import OwnRide

TITLES = {name: one.title for name, one in visitor.MOUNTS.items()}


def _rides(machine: str, *seconds: float) -> list[OwnRide]:
    return [
        OwnRide(machine=machine, number=number, seconds=value, fell=value < visitor.SECONDS)
        for number, value in enumerate(seconds)
    ]


def test_a_better_first_ride_on_the_motorcycle_is_a_jump_start() -> None:
    rides = [*_rides("bicycle", 2.0, 4.0, 6.0), *_rides("motorcycle", 5.0, 7.0)]
    found = own_rides.carried(rides, "motorcycle")
    assert found is not None
    assert found.kind == "jump-start"
    assert found.difference == pytest.approx(3.0)
    said = own_rides.sentence(found)
    assert "Jump-start: +3.0 s" in said
    assert found.beginner > found.source_beginner
    assert f"may account for {words.number(found.beginner - found.source_beginner, sign=True)} s" in said


def test_first_rides_stand_beside_those_of_two_who_learn_nothing() -> None:
    rides = [*_rides("bicycle", 2.0), *_rides("motorcycle", 5.0), *_rides("reversed", 1.0)]
    found = [one for name in TITLES if (one := own_rides.carried(rides, name)) is not None]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in own_rides.compared(found).splitlines()
    ]
    assert [row[0] for row in rows[2:]] == list(TITLES.values())
    assert [row[1] for row in rows[2:]] == ["**2.0**", "**5.0**", "**1.0**"]
    assert [row[2] for row in rows[2:]] == [f"{simulated_rider.mean_seconds(name, 0):.1f}" for name in TITLES]
    assert [row[3] for row in rows[2:]] == [f"{visitor.nobody(name, 0):.1f}" for name in TITLES]
    assert own_rides.compared([]) == ""


def test_a_worse_first_ride_is_negative_transfer_and_the_control_is_the_same() -> None:
    rides = [*_rides("bicycle", 3.0), *_rides("reversed", 1.0)]
    found = own_rides.carried(rides, "reversed")
    assert found is not None
    assert found.kind == "negative transfer"
    assert "−2.0 s" in own_rides.sentence(found)
    assert found.nobody == found.source_nobody


@pytest.mark.parametrize(
    ("rides", "kind"),
    [
        ([*_rides("bicycle", 8.0), *_rides("motorcycle", 8.0)], "ceiling"),
        ([*_rides("bicycle", 3.0), *_rides("motorcycle", 3.1)], "no difference"),
        ([*_rides("motorcycle", 3.0), *_rides("bicycle", 6.0)], "order"),
    ],
)
def test_where_nothing_can_be_said_nothing_is_claimed(rides: list[OwnRide], kind: str) -> None:
    found = own_rides.carried(rides, "motorcycle")
    assert found is not None
    assert found.kind == kind
    assert "ump-start" not in own_rides.sentence(found)
    figure = chart(rides, own_rides.planned(rides), [found], TITLES, whole=8.0)
    assert not any("jump-start" in note["text"] for note in figure.layout.to_plotly_json()["annotations"])


def test_one_machine_alone_compares_with_nothing() -> None:
    assert own_rides.carried(_rides("bicycle", 3.0), "motorcycle") is None
    assert own_rides.carried(_rides("motorcycle", 3.0), "motorcycle") is None
    assert own_rides.progress(_rides("bicycle", 3.0)) == ""


def test_the_chart_shows_the_rides_the_control_and_the_hand() -> None:
    rides = [*_rides("bicycle", 2.0, 8.0), *_rides("motorcycle", 5.0)]
    ahead = own_rides.planned(rides)
    assert len(rides) + len(ahead) == 3 * visitor.RIDES
    found = own_rides.carried(rides, "motorcycle")
    assert found is not None
    figure = chart(rides, ahead, [found], TITLES, whole=8.0).to_plotly_json()
    mine = [trace for trace in figure["data"] if trace.get("line", {}).get("color") == FIRE]
    assert [list(trace["y"]) for trace in mine] == [[2.0, 8.0], [5.0]]
    assert mine[0]["marker"]["symbol"] == ["circle", "star"]
    assert [list(trace["x"]) for trace in mine] == [[1, 2], [visitor.RIDES + 1]]
    nobody = next(trace for trace in figure["data"] if trace["name"] == "Nobody steering")
    assert nobody["y"][0] == visitor.nobody("bicycle", 0)
    hand = next(trace for trace in figure["data"] if trace["name"] == "Hand")
    assert np.allclose(hand["y"], 3 * [45, 40, 35, 30, 25])
    assert any(
        "jump-start" in note["text"] and "+3.0" in note["text"] for note in figure["layout"]["annotations"]
    )


def test_rides_stand_with_their_machine_in_whatever_order_they_were_ridden() -> None:
    bicycle, motorcycle = _rides("bicycle", 2.0, 3.0), _rides("motorcycle", 4.0, 5.0)
    mixed = [bicycle[0], motorcycle[0], bicycle[1], motorcycle[1]]
    figure = chart(mixed, own_rides.planned(mixed), [], TITLES, whole=8.0).to_plotly_json()
    mine = {trace["name"]: trace for trace in figure["data"] if trace.get("line", {}).get("color") == FIRE}
    first = visitor.RIDES + 1
    assert (mine["Bicycle"]["x"], mine["Bicycle"]["y"]) == ([1, 2], [2.0, 3.0])
    assert (mine["Motorcycle"]["x"], mine["Motorcycle"]["y"]) == ([first, first + 1], [4.0, 5.0])
    assert len(figure["layout"]["annotations"]) == len(TITLES)


def test_what_has_been_ridden_is_said_beside_nobody_steering() -> None:
    rides = [*_rides("bicycle", 1.1, 2.0), *_rides("motorcycle", 5.0)]
    nobody = [f"{visitor.nobody('bicycle', number):.1f}" for number in range(2)]
    assert own_rides.so_far(rides) == (
        f"Bicycle: you 1.1, 2.0 s, nobody steering {nobody[0]}, {nobody[1]} s. "
        f"Motorcycle: you 5.0 s, nobody steering {visitor.nobody('motorcycle', 0):.1f} s."
    )
    assert own_rides.so_far([]) == ""

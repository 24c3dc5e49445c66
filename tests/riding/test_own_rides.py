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


def _unsteered(machine: str, count: int = 1) -> list[OwnRide]:
    """Rides in which the hands stay off: as long as nobody's, to the last step."""
    found = [visitor.replay(machine, number, [0] * visitor.STEPS) for number in range(count)]
    assert not any(ride.steered for ride in found)
    return [
        OwnRide(machine=machine, number=number, seconds=ride.seconds, fell=ride.fell, steered=ride.steered)
        for number, ride in enumerate(found)
    ]


def _gap(machine: str, seconds: float, source_seconds: float) -> float:
    return seconds - visitor.nobody(machine, 0) - (source_seconds - visitor.nobody("bicycle", 0))


def test_a_better_first_ride_on_the_motorcycle_is_a_jump_start() -> None:
    rides = [*_rides("bicycle", 2.0, 4.0, 6.0), *_rides("motorcycle", 5.0, 7.0)]
    found = own_rides.carried(rides, "motorcycle")
    assert found is not None
    assert found.kind == "jump-start"
    assert found.difference == pytest.approx(_gap("motorcycle", 5.0, 2.0))
    said = own_rides.sentence(found)
    assert f"Jump-start: +{_gap('motorcycle', 5.0, 2.0):.1f} s" in said
    assert "1.1 s longer than nobody's, on the bicycle 3.9 s shorter than nobody's" in said
    assert found.alone > 0
    assert f"may account for {words.number(found.alone, sign=True)} s" in said


def test_who_does_not_steer_is_told_so_and_of_no_transfer() -> None:
    """On the motorcycle nobody's ride ends 2 s sooner: that is the machine's doing, not the visitor's."""
    rides = [*_unsteered("bicycle"), *_unsteered("motorcycle")]
    assert rides[1].seconds - rides[0].seconds < -1.5
    found = own_rides.carried(rides, "motorcycle")
    assert found is not None
    assert found.kind == "not steered"
    said = own_rides.sentence(found)
    assert "You have not steered the bicycle or motorcycle yet" in said
    assert "transfer" not in said.lower()
    assert "You have not steered yet" in own_rides.progress(rides)
    assert own_rides.compared([found]) == ""
    drawn = chart(rides, own_rides.planned(rides), [found], TITLES, whole=8.0).to_plotly_json()
    assert not any("transfer" in note["text"] for note in drawn["layout"]["annotations"])


def test_a_ride_as_good_as_nobody_s_on_either_machine_is_no_difference() -> None:
    rides = [
        OwnRide(machine=name, number=0, seconds=visitor.nobody(name, 0), fell=True)
        for name in ("bicycle", "motorcycle")
    ]
    found = own_rides.carried(rides, "motorcycle")
    assert found is not None
    assert (found.kind, found.difference) == ("no difference", 0)


def test_the_first_ride_that_was_steered_counts() -> None:
    rides = [
        *_unsteered("bicycle"),
        OwnRide(machine="bicycle", number=1, seconds=2.0, fell=True),
        *_rides("motorcycle", 5.0),
    ]
    found = own_rides.carried(rides, "motorcycle")
    assert found is not None
    assert found.source_first.number == 1
    expected = 5.0 - visitor.nobody("motorcycle", 0) - (2.0 - visitor.nobody("bicycle", 1))
    assert found.difference == pytest.approx(expected)


def test_first_rides_stand_beside_nobody_s_and_one_who_never_learns() -> None:
    rides = [*_rides("bicycle", 2.0), *_rides("motorcycle", 5.0), *_rides("reversed", 1.0)]
    found = [one for name in TITLES if (one := own_rides.carried(rides, name)) is not None]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in own_rides.compared(found).splitlines()
    ]
    assert [row[0] for row in rows[2:]] == list(TITLES.values())
    assert [row[1] for row in rows[2:]] == ["2.0", "5.0", "1.0"]
    assert [row[2] for row in rows[2:]] == [f"{visitor.nobody(name, 0):.1f}" for name in TITLES]
    assert [row[3] for row in rows[2:]] == ["**−3.9**", "**+1.1**", "**−4.9**"]
    clumsy = [
        simulated_rider.mean_seconds(name, 0) - simulated_rider.mean_seconds(name, 0, None) for name in TITLES
    ]
    assert [row[4] for row in rows[2:]] == [words.number(value, sign=True) for value in clumsy]
    assert own_rides.compared([]) == ""


def test_a_worse_first_ride_is_negative_transfer_and_the_control_is_the_same() -> None:
    rides = [*_rides("bicycle", 3.0), *_rides("reversed", 1.0)]
    found = own_rides.carried(rides, "reversed")
    assert found is not None
    assert found.kind == "negative transfer"
    assert "−2.0 s" in own_rides.sentence(found)
    assert found.first.nobody == found.source_first.nobody


def test_rides_enough_are_judged_with_their_luck() -> None:
    gains = {"bicycle": (0.1, 0.3, 0.2, 0.2), "motorcycle": (1.2, 1.2, 1.1, 1.4)}
    rides = [
        OwnRide(machine=name, number=number, seconds=visitor.nobody(name, number) + gain, fell=True)
        for name, of_machine in gains.items()
        for number, gain in enumerate(of_machine)
    ]
    assert own_rides.ride_by_ride(rides, "motorcycle").startswith(
        "Motorcycle and bicycle, 4 rides each, beyond nobody: Motorcycle is better by 1.0 s [0."
    )
    assert own_rides.ride_by_ride(rides[:2] + rides[4:], "motorcycle") == ""  # two pairs are too few
    assert own_rides.ride_by_ride(rides, "bicycle") == ""
    idle = [*_unsteered("bicycle", 4), *rides[4:]]
    assert own_rides.ride_by_ride(idle, "motorcycle") == ""


@pytest.mark.parametrize(
    ("rides", "kind"),
    [
        ([*_rides("bicycle", 8.0), *_rides("motorcycle", 8.0)], "ceiling"),
        ([*_rides("bicycle", 8.0), *_rides("motorcycle", 7.0)], "ceiling"),
        ([*_rides("bicycle", 3.0), *_rides("motorcycle", 1.1)], "no difference"),
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
    hard = next(trace for trace in figure["data"] if trace["name"] == "How hard it is")
    assert np.allclose(hard["y"], 3 * [55, 60, 65, 70, 75])
    longer, shorter = (trace for trace in figure["data"] if trace["name"] == "beyond nobody")
    assert list(longer["x"]) == [2, 2, None, visitor.RIDES + 1, visitor.RIDES + 1, None]
    assert list(longer["y"])[:2] == [visitor.nobody("bicycle", 1), 8.0]
    assert list(shorter["y"]) == [visitor.nobody("bicycle", 0), 2.0, None]
    assert any(
        "jump-start" in note["text"] and "+5.0" in note["text"] for note in figure["layout"]["annotations"]
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

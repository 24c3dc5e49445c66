"""What a browser sends is integrated again, never believed."""

from typing import Any

import pytest

from core import errors
from core.riding import visitor
from widgets.riding.game import checked

PULL = {"machine": "bicycle", "ride": 0, "inputs": [[100, visitor.STEPS]], "seconds": 1000.0}


def _fallen() -> dict[str, Any]:
    steps = round(visitor.replay("bicycle", 0, [100] * visitor.STEPS).seconds / visitor.DT)
    return {**PULL, "inputs": [[100, steps]]}


def test_the_seconds_are_those_of_the_inputs() -> None:
    machine, number, ride = checked(_fallen())
    assert (machine, number) == ("bicycle", 0)
    assert ride.fell
    assert ride.seconds < visitor.SECONDS


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {**PULL, "machine": "unicycle"},
        {**PULL, "ride": -1},
        {**PULL, "ride": 10**6},
        {**PULL, "ride": "0"},
        {**PULL, "inputs": "a"},
        {**PULL, "inputs": [[100]]},
        {**PULL, "inputs": [[1000, 800]]},
        {**PULL, "inputs": [[0, 10**9]]},
        {**PULL, "inputs": [[0, -5]]},
        {**PULL, "inputs": [[0, 20]]},  # let go on the way
    ],
)
def test_what_no_ride_can_send_is_refused_in_one_sentence(sent: object) -> None:
    with pytest.raises(errors.SettingsError):
        checked(sent)

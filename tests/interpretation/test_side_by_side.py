"""Work on a few threads: told as it goes on, in order at the end, and stopped when nobody asks for more."""

import threading
import time
from functools import partial

import pytest

from core.interpretation import side_by_side as room
from core.interpretation.side_by_side import side_by_side


def test_results_come_in_the_order_of_the_work_and_the_share_grows() -> None:
    def late(number: int) -> int:
        time.sleep(0.02 * (5 - number))
        return number

    *shares, results = side_by_side([partial(late, number) for number in range(5)])
    assert results == [0, 1, 2, 3, 4]
    assert all(isinstance(share, float) for share in shares)
    assert shares == sorted(shares)  # type: ignore[type-var]
    assert shares[-1] == 1.0


def test_it_is_heard_of_while_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LOOK_SECONDS", 0.01)
    gate = threading.Event()
    told = side_by_side([gate.wait])
    assert [next(told), next(told)] == [0.0, 0.0]
    gate.set()
    assert list(told)[-1] == [True]


def test_who_asks_for_no_more_stops_what_has_not_begun() -> None:
    begun: list[int] = []
    gate = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number:
            gate.wait(5)

    told = side_by_side([partial(work, number) for number in range(50)])
    next(told)
    gate.set()
    told.close()  # type: ignore[attr-defined]
    assert len(begun) < 50


def test_what_goes_wrong_is_raised_at_once() -> None:
    with pytest.raises(ZeroDivisionError):
        list(side_by_side([lambda: 1 / 0, lambda: 1.0]))

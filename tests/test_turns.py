"""Turns: networks in turn, and in each its visitors; nobody's many wait before anybody's first."""

import threading

import pytest

from core.turns import Owner, Ticket, Turns

HOME, SCHOOL = "home", "school"


def _served(turns: Turns, owners: list[Owner]) -> list[Owner]:
    """Let tickets line up while the only turn is taken, give it back, and note in which order they are served."""
    order: list[Owner] = []
    tickets = [Ticket(owner=owner) for owner in owners]

    def come(ticket: Ticket) -> None:
        with turns.turn(ticket) as mine:
            assert mine
            order.append(ticket.owner)

    with turns.turn(Ticket(owner=("elsewhere", "first"))):
        for ticket in tickets:
            turns.line_up(ticket)
        threads = [threading.Thread(target=come, args=(ticket,)) for ticket in tickets]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(60)
    return order


def test_whoever_asks_ten_times_waits_behind_whoever_asks_first() -> None:
    order = _served(Turns(1), [(SCHOOL, "many")] * 10 + [(SCHOOL, "ann"), (SCHOOL, "bob")])
    assert order[1:3] == [(SCHOOL, "ann"), (SCHOOL, "bob")]
    assert order[0] == order[3] == (SCHOOL, "many")


def test_a_network_of_invented_visitors_takes_every_second_turn_at_most() -> None:
    order = _served(Turns(1), [(SCHOOL, str(number)) for number in range(20)] + [(HOME, "ann")] * 2)
    assert [network for network, _ in order[:4]] == [SCHOOL, HOME, SCHOOL, HOME]


def test_those_of_one_visitor_come_in_the_order_in_which_they_asked() -> None:
    turns, first, second = Turns(1), Ticket(owner=(HOME, "ann")), Ticket(owner=(HOME, "ann"))
    turns.line_up(first)
    turns.line_up(second)
    assert (turns.ahead(first), turns.ahead(second)) == (0, 1)


def test_as_many_as_may_go_on_at_once_do_and_no_more() -> None:
    turns, now, most = Turns(2), 0, 0
    lock, two = threading.Lock(), threading.Barrier(2)

    def come() -> None:
        nonlocal now, most
        with turns.turn(Ticket(owner=(HOME, "ann"))):
            with lock:
                now += 1
                most = max(most, now)
            two.wait(60)  # nobody goes before there was another one
            with lock:
                now -= 1

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (now, most) == (0, 2)


def test_who_gives_up_has_no_turn_and_holds_up_nobody() -> None:
    turns, given_up = Turns(1), threading.Event()
    came: list[bool] = []

    def come() -> None:
        with turns.turn(Ticket(owner=(HOME, "ann")), given_up=given_up.is_set) as mine:
            came.append(mine)

    with turns.turn(Ticket(owner=(HOME, "bob"))):
        thread = threading.Thread(target=come)
        thread.start()
        given_up.set()
        thread.join(60)
        assert came == [False]
    with turns.turn(Ticket(owner=(HOME, "cara"))) as mine:
        assert mine


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns(1)
    with pytest.raises(ValueError, match="mine"), turns.turn(Ticket(owner=(HOME, "ann"))):
        raise ValueError("mine")
    with turns.turn(Ticket(owner=(HOME, "ann"))) as mine:
        assert mine

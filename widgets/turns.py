"""Whose turn it is to compute: explanations that take long, and short ones; neither waits for the other.

A class shares the processor. What a click needs for its answer, a second's work at most with the networks that come
with the lab, takes a short turn. What shows its progress meanwhile (a picture taking form, a measurement over a data
set) takes a long one, one visitor at a time, so that it holds up nobody else's clicks.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from core.runs.store.places import network_of
from core.turns import Owner, Ticket, Turns
from widgets import frame

LONG_AT_ONCE = 1
SHORT_AT_ONCE = max(1, (os.cpu_count() or 1) // 2)

_long, _short = Turns(LONG_AT_ONCE), Turns(SHORT_AT_ONCE)


def owner() -> Owner:
    """Name whom the page is drawn for, and where they come from: so that visitors take turns."""
    return network_of(st.context.ip_address), frame.visitor()


@contextmanager
def long_turn(waits: Callable[[int], None] = lambda ahead: None) -> Iterator[None]:
    """Wait for the turn to do something long; ``waits`` is told now and then how many have to end before."""
    ticket = Ticket(owner=owner())

    def look() -> bool:
        waits(_long.ahead(ticket))
        return False

    with _long.turn(ticket, given_up=look):
        yield


@contextmanager
def short_turn() -> Iterator[None]:
    """Wait for the turn to do something short."""
    with _short.turn(Ticket(owner=owner())):
        yield

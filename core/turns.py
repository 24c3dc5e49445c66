"""Whose turn it is where only so many can go on at once: networks take turns, and within each its visitors.

Who asks ten times waits behind whoever asks for the first time; in one line the ten would all be served before.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Owner = tuple[str, str]  # the network and the visitor that something is done for
_LOOK_SECONDS = 0.5  # between two looks whether somebody has given up
_REMEMBERED = 1_000  # networks, and visitors, that were served last


@dataclass(eq=False, kw_only=True)
class Ticket:
    """A place in the line."""

    owner: Owner


class Turns:
    """Lets ``at_once`` go on at a time; safe to use from any thread."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._order: list[Ticket] | None = None  # of those that wait; None: to be worked out
        self._served = 0
        # When a network, and a visitor, had their last turn, the latest at the end.
        self._last: tuple[OrderedDict[str, int], OrderedDict[str, int]] = (OrderedDict(), OrderedDict())

    def line_up(self, ticket: Ticket) -> None:
        """Take a place in the line, for whoever waits for the `turn` somewhere else."""
        with self._changed:
            if ticket not in self._waiting:
                self._waiting.append(ticket)
                self._order = None

    @contextmanager
    def turn(self, ticket: Ticket, *, given_up: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Wait for the ticket's turn and keep it for as long as the block lasts; False where it was given up before."""
        self.line_up(ticket)
        with self._changed:
            try:
                while not (self._free and self._in_order()[0] is ticket) and not given_up():
                    self._changed.wait(_LOOK_SECONDS)
                mine = not given_up()
            finally:
                self._waiting.remove(ticket)
                self._order = None
                self._changed.notify_all()
            if mine:
                self._free -= 1
                self._serve(self._last, ticket.owner)
        try:
            yield mine
        finally:
            if mine:
                with self._changed:
                    self._free += 1
                    self._changed.notify_all()

    def ahead(self, ticket: Ticket) -> int:
        """Count how many have to end before the ticket's turn comes, as things stand."""
        with self._changed:
            if ticket not in self._waiting:
                return 0
            return max(0, self._in_order().index(ticket) + 1 - self._free)

    def _serve(self, last: tuple[OrderedDict[str, int], OrderedDict[str, int]], owner: Owner) -> None:
        self._served += 1
        for kind, name in zip(last, owner, strict=True):
            kind[name] = self._served
            kind.move_to_end(name)
            if len(kind) > _REMEMBERED:
                kind.popitem(last=False)

    def _in_order(self) -> list[Ticket]:
        """Put those who wait in the order of their turns, each turn counted as taken for those behind it."""
        if self._order is None:
            last, left = (self._last[0].copy(), self._last[1].copy()), list(self._waiting)
            self._order = []
            while left:
                ticket = min(left, key=lambda one: [last[kind].get(one.owner[kind], 0) for kind in (0, 1)])
                left.remove(ticket)
                self._order.append(ticket)
                self._serve(last, ticket.owner)
        return self._order

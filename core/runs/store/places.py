"""Who may take a further place in the queue, so that no crowd that one person invents keeps the others out. Torch-free.

A cookie costs nothing and an address is shared by a school, so neither alone is a bound. While the queue is nearly
empty, only a visitor's own limit holds. Beyond that, newcomers, of whom no run has finished yet, have few places each,
few per network and half of all; no network has all; and the last places are for those who have no run in the queue.
"""

import functools
import ipaddress
import sqlite3

from core import errors
from core.runs.kinds.lanes import TRAINING
from core.runs.limits import Limits
from core.runs.store.states import ACTIVE, sql

_FEW = 10  # places, or a tenth of all: until so many are taken, nobody is refused for the sake of others
_EACH_NEWCOMER = (
    2  # places; the second, while there are many, is for whoever changes their mind as the first waits
)
_NEWCOMERS_OF_NETWORK = 0.25  # of all places: with 300, one for each of two classes behind one router
_SECOND = 0.5  # of a network's places for newcomers: beyond, each has one
NEWCOMERS = 0.5  # of all places, or of all room for pictures
_NETWORK = 0.75
_RESERVED = 0.75  # the places beyond are for visitors who have none

# Whether somebody is there to learn costs them a run that ended well, and an invented visitor minutes of waiting.
# Watched runs take seconds, so they do not count.
KNOWN = f"SELECT visitor FROM runs WHERE state = 'finished' AND lane = '{TRAINING}'"
_TAKEN = f"""
    SELECT count(*) AS everybody,
        count(*) FILTER (WHERE visitor = ?1) AS visitor,
        count(*) FILTER (WHERE network = ?2) AS network,
        count(*) FILTER (WHERE visitor NOT IN ({KNOWN})) AS newcomers,
        count(*) FILTER (WHERE network = ?2 AND visitor NOT IN ({KNOWN})) AS newcomers_of_network,
        ?1 NOT IN ({KNOWN}) AS newcomer
    FROM runs WHERE state IN {sql(ACTIVE)} AND priority = ?3 AND lane = ?4
"""

_TOO_MANY = (
    "You have {} runs that wait or work, which is as many as one visitor may have; stop one, or wait for one."
)
_FULL = "The queue is full: {} runs wait or work. Try again in some minutes."
_NEWCOMER = (
    "Many wait at the moment, so whoever is new here may have {} in the queue; more once one of yours has "
    "finished."
)
_CROWD = (
    "Very many newcomers wait at the moment{}, and the other places are kept for those who have learned here before. "
    "Try again in some minutes, or tell your teacher."
)
_HERE = " from the network that you come from"
_CROWDED_NETWORK = (
    "{} runs from the network that you come from wait or work, and the other places are kept for other networks. Try "
    "again in some minutes, or tell your teacher."
)
_LAST = "The queue is nearly full, and its last places are kept for those who have no run in it. Wait for one of yours."


@functools.lru_cache(maxsize=4096)
def network_of(address: str | None) -> str:
    """Name the network that an address stands for: itself, or, of IPv6, the half that one household is given whole.

    Programs on this machine have no address; they are one network, too.
    """
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def check(
    connection: sqlite3.Connection, visitor: str, network: str, *, priority: int, lane: str, limits: Limits
) -> None:
    """Refuse a further run, with a `RunError`; runs (``priority`` 0) and controls (1), and lanes, are counted apart."""
    taken = connection.execute(_TAKEN, (visitor, network, priority, lane)).fetchone()
    most = limits.runs_in_all
    if taken["visitor"] >= limits.runs_per_visitor:
        raise errors.RunError(_TOO_MANY.format(taken["visitor"]))
    if taken["everybody"] >= most:
        raise errors.RunError(_FULL.format(taken["everybody"]))
    if taken["everybody"] < max(_FEW, most // 10):
        return
    if taken["newcomer"]:
        of_network = _NEWCOMERS_OF_NETWORK * most
        each = _EACH_NEWCOMER if taken["newcomers_of_network"] < _SECOND * of_network else 1
        if taken["visitor"] >= each:
            raise errors.RunError(_NEWCOMER.format("two runs" if each > 1 else "one run"))
        if taken["newcomers_of_network"] >= of_network:
            raise errors.RunError(_CROWD.format(_HERE))
        if taken["newcomers"] >= NEWCOMERS * most:
            raise errors.RunError(_CROWD.format(""))
    if taken["network"] >= _NETWORK * most:
        raise errors.RunError(_CROWDED_NETWORK.format(taken["network"]))
    if taken["visitor"] and taken["everybody"] >= _RESERVED * most:
        raise errors.RunError(_LAST)

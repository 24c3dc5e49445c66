"""Places in the queue: what a crowd of invented visitors may take, and what is kept for the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors
from core.runs import service
from core.runs.kinds.lanes import TRAINING
from core.runs.limits import Limits
from core.runs.spec import RunSpec
from core.runs.store.places import network_of
from core.runs.store.runs import Store
from core.training.config import FinetuneConfig

SPEC = RunSpec(config=FinetuneConfig(), data="digits", title="Digits")
LIMITS = Limits(runs_per_visitor=8, runs_in_all=300)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store(tmp_path)
    yield one
    one.close()


def _fill(store: Store, network: str, *, cookies: int = 1000, known: bool = False) -> int:
    """Ask for runs with one cookie after the other, as many as each is given; how many places that took."""
    before = store.counts().get("queued", 0)
    for number in range(cookies):
        visitor = f"{network} {number}"
        if known:
            _learned(store, visitor)
        try:
            for _ in range(LIMITS.runs_per_visitor):
                _ask(store, visitor, network)
        except errors.RunError as refused:
            if "from the network" in str(refused) or "full" in str(refused):
                break
    return store.counts().get("queued", 0) - before


def _ask(store: Store, visitor: str, network: str = "home") -> str:
    return store.add(SPEC, visitor, network=network, limits=LIMITS)


def _learned(store: Store, visitor: str) -> None:
    """Let a visitor have a run that has finished."""
    run = store.add(SPEC, visitor)
    with store._transaction() as connection:
        connection.execute("UPDATE runs SET state = 'finished' WHERE id = ?", (run,))


def test_invented_visitors_of_one_network_take_a_quarter_of_the_queue(store: Store) -> None:
    assert _fill(store, "attacker") == 75
    with pytest.raises(errors.RunError, match="Very many newcomers wait at the moment from the network"):
        _ask(store, "another", "attacker")
    _ask(store, "a pupil elsewhere")
    _learned(store, "a pupil at the same router")
    _ask(store, "a pupil at the same router", "attacker")


def test_invented_visitors_of_many_networks_take_half_of_the_queue(store: Store) -> None:
    taken = [_fill(store, f"network {number}", cookies=100) for number in range(4)]
    assert sum(taken) == 150
    with pytest.raises(errors.RunError, match="kept for those who have learned here before"):
        _ask(store, "new")
    _learned(store, "ann")
    for _ in range(LIMITS.runs_per_visitor):
        _ask(store, "ann")


def test_a_network_of_known_visitors_leaves_a_quarter_to_others(store: Store) -> None:
    assert _fill(store, "school", known=True) == 225
    _learned(store, "one more")
    with pytest.raises(errors.RunError, match="kept for other networks"):
        _ask(store, "one more", "school")
    _ask(store, "somebody at home")


def test_the_last_places_are_for_visitors_without_a_run(store: Store) -> None:
    _fill(store, "school", known=True)
    for visitor in ("ann", "bob"):
        _learned(store, visitor)
        _ask(store, visitor)
        with pytest.raises(errors.RunError, match="Wait for one of yours"):
            _ask(store, visitor)


def test_while_few_wait_a_newcomer_may_have_as_many_as_anybody(store: Store) -> None:
    for _ in range(LIMITS.runs_per_visitor):
        _ask(store, "ann")
    with pytest.raises(errors.RunError, match="You have 8 runs"):
        _ask(store, "ann")


def test_a_class_of_newcomers_behind_one_router_finds_room(store: Store) -> None:
    for pupil in range(15):
        for _ in range(2):
            _ask(store, f"pupil {pupil}", "school")
    with pytest.raises(errors.RunError, match="whoever is new here may have two runs in the queue"):
        _ask(store, "pupil 3", "school")
    for pupil in range(15, 60):
        _ask(store, f"pupil {pupil}", "school")
    with pytest.raises(errors.RunError, match="whoever is new here may have one run in the queue"):
        _ask(store, "pupil 59", "school")


def test_forty_invented_visitors_leave_room_for_a_pupil_at_the_same_router(store: Store) -> None:
    assert _fill(store, "school", cookies=40) == 70
    _ask(store, "a pupil", "school")


def test_a_stopped_run_that_is_taken_up_again_needs_a_place(store: Store) -> None:
    run = _ask(store, "early", "attacker")
    store.stop(run)
    _fill(store, "attacker")
    with pytest.raises(errors.RunError, match="newcomers"):
        store.requeue(run, SPEC, limits=LIMITS)


@pytest.mark.parametrize("kind", ["visitor", "network"])
def test_all_that_waits_of_one_is_stopped_at_once_and_nobody_elses(store: Store, kind: str) -> None:
    mine = [_ask(store, "ann", "school") for _ in range(3)]
    others = _ask(store, "bob", "home")
    working = store.claim(TRAINING)
    assert working is not None
    assert store.stop_waiting(**{kind: {"visitor": "ann", "network": "school"}[kind]}, why="Enough.") == 2
    states = [store.run(run).state for run in mine]
    assert sorted(states) == ["running", "stopped", "stopped"]
    assert [store.run(run).error for run in mine if store.run(run).state == "stopped"] == ["Enough."] * 2
    assert store.run(others).state == "queued"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::5", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::5", "2001:db8:1:3::5", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        (None, "", True),
        ("not an address", None, False),
    ],
)
def test_addresses_of_one_household_are_one_network(one: str | None, other: str | None, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


def test_no_address_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setattr(service, "start", lambda: None)  # nobody works on the queue
    runs = [
        service.submit(SPEC, "ann", address=address)
        for address in ("203.0.113.7", "203.0.113.7", "203.0.113.9")
    ]
    first, second, third = (service.run(run).network for run in runs)
    assert first == second != third
    service.shutdown()
    assert not any(b"203.0.113" in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())

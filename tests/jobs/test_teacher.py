"""The teacher's secret, the names that visitors go by, and a stop that says who asked for it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors
from core.jobs import api
from core.jobs.pseudonym import pseudonym
from core.jobs.spec import JobSpec
from core.jobs.teacher import SECONDS, SHORTEST, STOPPED, WRONG_EACH, WRONG_IN_ALL, Door, RefusedError, secret
from core.training.config import FinetuneConfig

RIGHT = "a horse, a battery, a staple"
SPEC = JobSpec(config=FinetuneConfig(), data="digits", title="Digits")


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def door(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("TLL_TEACHER_SECRET", RIGHT)
    return Door(clock)


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setattr(api, "start", lambda: None)  # nobody works on the queue: the tests do
    yield
    api.shutdown()


def _wrong(door: Door, visitor: str = "one", address: str | None = "10.0.0.1") -> str:
    with pytest.raises(RefusedError) as refused:
        door.enter("wrong", visitor=visitor, address=address)
    return str(refused.value)


@pytest.mark.parametrize("value", [None, "", "a" * (SHORTEST - 1)])
def test_without_a_secret_that_will_do_nobody_is_let_in(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("TLL_TEACHER_SECRET", raising=False)
    else:
        monkeypatch.setenv("TLL_TEACHER_SECRET", value)
    with pytest.raises(RefusedError, match="whoever runs the server sets"):
        secret()
    with pytest.raises(RefusedError, match="closed"):
        Door().enter(value or "", visitor="one", address=None)


@pytest.mark.parametrize(
    "offered", ["", RIGHT[:-1], RIGHT + " ", RIGHT.upper(), "\ud800", "\0" + RIGHT, "ß" * 100_000]
)
def test_only_the_secret_itself_is_right(door: Door, offered: str) -> None:
    with pytest.raises(RefusedError, match="not the secret"):
        door.enter(offered, visitor="one", address=None)
    door.enter(RIGHT, visitor="one", address=None)


def test_five_wrong_tries_a_minute_then_even_the_right_one_waits(door: Door, clock: _Clock) -> None:
    for _ in range(WRONG_EACH):
        assert _wrong(door) == "That is not the secret."
        clock.now += 2
    with pytest.raises(RefusedError, match=r"wait 50 seconds, then"):
        door.enter(RIGHT, visitor="one", address="10.0.0.1")
    # Others behind the same router, and the same cookie elsewhere, are not held up.
    door.enter(RIGHT, visitor="two", address="10.0.0.1")
    door.enter(RIGHT, visitor="one", address="10.0.0.2")
    clock.now += 50
    door.enter(RIGHT, visitor="one", address="10.0.0.1")
    assert _wrong(door) == "That is not the secret."
    assert _wrong(door) == "Too many wrong tries; wait 2 seconds, then try again."


def test_refused_tries_do_not_make_the_wait_longer(door: Door, clock: _Clock) -> None:
    for _ in range(WRONG_EACH):
        _wrong(door)
    for _ in range(20):
        clock.now += 2
        assert "Too many" in _wrong(door)
    clock.now += SECONDS - 40
    door.enter(RIGHT, visitor="one", address="10.0.0.1")


def test_a_new_cookie_at_every_try_meets_the_limit_of_all(door: Door, clock: _Clock) -> None:
    for number in range(WRONG_IN_ALL):
        assert _wrong(door, visitor=str(number), address=f"10.0.0.{number}") == "That is not the secret."
    assert "wait 60 seconds" in _wrong(door, visitor="another", address="10.1.0.0")
    clock.now += SECONDS
    door.enter(RIGHT, visitor="another", address="10.1.0.0")


def test_who_was_let_in_before_is_not_locked_out_by_others_tries(door: Door) -> None:
    door.enter(RIGHT, visitor="teacher", address="10.0.0.1")
    for number in range(WRONG_IN_ALL):
        _wrong(door, visitor=str(number))
    with pytest.raises(RefusedError, match="Too many"):
        door.enter(RIGHT, visitor="another teacher", address="10.0.0.1")
    door.enter(RIGHT, visitor="teacher", address="10.0.0.7")
    for _ in range(WRONG_EACH):
        assert _wrong(door, visitor="teacher") == "That is not the secret."
    assert "Too many" in _wrong(door, visitor="teacher"), "their own tries still count"


def test_tries_at_the_same_moment_are_counted_one_by_one(door: Door) -> None:
    said: list[str] = []
    together = [threading.Thread(target=lambda: said.append(_wrong(door))) for _ in range(40)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    assert said.count("That is not the secret.") == WRONG_EACH
    assert len(said) == 40


def test_an_animal_leads_back_to_nobody_and_a_class_has_no_two_alike(own_home: None) -> None:
    visitors = [f"{number:032x}" for number in range(400)]
    names = [api.known_as(visitor) for visitor in visitors]
    assert names == [api.known_as(visitor) for visitor in visitors]
    assert len(set(names)) > 395  # 400 drawn from 91,080 names: 0.9 pairs alike are expected
    assert all(
        pseudonym(visitor, b"another key") != name
        for visitor, name in zip(visitors[:20], names, strict=False)
    )
    assert not any(visitor[-4:] in name for visitor, name in zip(visitors, names, strict=True))


def test_the_owner_reads_who_stopped_a_run_until_it_goes_on(own_home: None) -> None:
    store = api._store()
    waits, works, ends = (store.add(SPEC, "owner") for _ in range(3))
    claims = {
        claim.run: claim for claim in (store.claim(9), store.claim(9), store.claim(9)) if claim is not None
    }
    store.give_back(claims.pop(waits))
    for run in (waits, works, ends):
        api.stop(run, why=STOPPED)
    assert (api.run(waits).state, api.run(waits).error) == ("stopped", STOPPED)
    assert api.run(works).state == "stopping"
    store.end(claims[works], "stopped")
    assert (api.run(works).state, api.run(works).error) == ("stopped", STOPPED)
    store.end(claims[ends], "finished", summary={"accuracy": 1.0})
    assert (api.run(ends).state, api.run(ends).error) == ("finished", None), (
        "it was quicker: nobody stopped it"
    )
    api.resume(works, visitor="owner")
    assert (api.run(works).state, api.run(works).error) == ("queued", None)


def test_a_worker_that_is_killed_while_it_stops_leaves_the_reason(own_home: None) -> None:
    store = api._store()
    run = store.add(SPEC, "owner")
    claim = store.claim()
    assert claim is not None
    api.stop(run, why=STOPPED)
    store.vanished(claim)
    assert (api.run(run).state, api.run(run).error) == ("stopped", STOPPED)


def test_changing_is_for_the_owner_alone_whatever_is_asked(own_home: None) -> None:
    run = api._store().add(SPEC, "owner")
    asks = (
        lambda: api.stop(run, visitor="guest"),
        lambda: api.resume(run, visitor="guest"),
        lambda: api.conclude(run, visitor="guest"),
        lambda: api.extend(run, 1, visitor="guest"),
        lambda: api.repeat(run, 1, visitor="guest"),
        lambda: api.delete(run, visitor="guest"),
        lambda: api.share(run, visitor="guest"),
        lambda: api.unshare(run, visitor="guest"),
    )
    for shared in (False, True):
        if shared:
            api.share(run, visitor="owner")
        for ask in asks:
            with pytest.raises(errors.RunError, match="belongs to somebody else"):
                ask()
    assert api.run(run).state == "queued"
    assert api.run(run).share is not None


def test_an_id_opens_nothing_for_others_and_a_link_opens_it_read_only(own_home: None) -> None:
    run = api._store().add(SPEC, "owner")
    refusals = []
    for address in (run, "x" * 22, "", "%", "' OR 1=1 --", run[:-1], run.swapcase(), "null"):
        with pytest.raises(errors.RunError) as refused:
            api.readable(address, "guest")
        refusals.append(str(refused.value))
    assert len(set(refusals)) == 1, "the same sentence for what does not exist and what is not shared"
    link = api.share(run, visitor="owner")
    assert link != run
    assert api.readable(link, "guest").id == api.readable(run, "owner").id == api.readable(link, "owner").id
    api.unshare(run, visitor="owner")
    with pytest.raises(errors.RunError, match="no longer shared"):
        api.readable(link, "guest")

"""The teacher's secret, the names that visitors go by, and a stop that says who asked for it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors
from core.runs import service
from core.runs.kinds.lanes import TRAINING
from core.runs.pseudonym import pseudonym
from core.runs.spec import RunSpec
from core.runs.teacher import FREE_TRIES, LONGEST_WAIT, SECONDS, SHORTEST, STOPPED, Door, RefusedError, secret
from core.training.config import FinetuneConfig

RIGHT = "a horse, a battery, a staple"
SPEC = RunSpec(config=FinetuneConfig(), data="digits", title="Digits")


class _Clock:
    """A clock that sleeping moves on; ``slept`` is how long the last try waited."""

    now = 1000.0
    slept = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept = seconds
        self.now += seconds

    def last(self) -> float:
        slept, self.slept = self.slept, 0.0
        return slept


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def door(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("TLL_TEACHER_SECRET", RIGHT)
    return Door(clock, clock.sleep)


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setattr(service, "start", lambda: None)  # nobody works on the queue: the tests do
    yield
    service.shutdown()


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


def test_wrong_tries_make_the_next_ones_slower_and_the_right_secret_gets_in(
    door: Door, clock: _Clock
) -> None:
    waits = []
    for _ in range(10):
        _wrong(door)
        waits.append(clock.last())
    assert waits == [0.0] * FREE_TRIES + [0.5, 1.0, 2.0, 4.0] + [LONGEST_WAIT] * 3
    door.enter(RIGHT, visitor="two", address="10.0.0.1")
    assert clock.last() == LONGEST_WAIT, "the same router: nobody learns from the time what was right"
    door.enter(RIGHT, visitor="three", address="10.0.0.2")
    assert clock.last() == 0.0
    clock.now += SECONDS
    door.enter(RIGHT, visitor="four", address="10.0.0.1")
    assert clock.last() == 0.0


def test_a_new_cookie_at_every_try_is_as_slow_and_keeps_nobody_outside(door: Door, clock: _Clock) -> None:
    for number in range(100):
        _wrong(door, visitor=str(number))
    assert clock.last() == LONGEST_WAIT
    assert len(door._wrong) <= SECONDS / LONGEST_WAIT + 1, "what is older than a minute is forgotten"
    door.enter(RIGHT, visitor="teacher", address="10.0.0.1")
    assert clock.last() == LONGEST_WAIT


def test_who_was_let_in_before_waits_for_their_own_wrong_tries_only(door: Door, clock: _Clock) -> None:
    door.enter(RIGHT, visitor="teacher", address="10.0.0.1")
    for number in range(60):
        _wrong(door, visitor=str(number))
    assert clock.last() == LONGEST_WAIT
    door.enter(RIGHT, visitor="teacher", address="10.0.0.1")
    assert clock.last() == 0.0
    for _ in range(FREE_TRIES + 1):
        _wrong(door, visitor="teacher")
    assert clock.last() > 0


def test_tries_at_the_same_moment_are_counted_one_by_one(door: Door) -> None:
    waits: list[float] = []
    together = threading.Barrier(40)

    def wait(seconds: float) -> None:
        waits.append(seconds)
        together.wait(60)  # nobody goes on before all have come

    door._sleep = wait
    tries = [threading.Thread(target=_wrong, args=(door,)) for _ in range(40 + FREE_TRIES)]
    for one in tries:
        one.start()
    for one in tries:
        one.join()
    assert sorted(waits) == [0.5, 1.0, 2.0, 4.0] + [LONGEST_WAIT] * 36


def test_a_right_secret_counts_for_nothing(door: Door, clock: _Clock) -> None:
    for _ in range(3 * FREE_TRIES):
        door.enter(RIGHT, visitor="teacher", address="10.0.0.1")
    assert clock.last() == 0.0


def test_signing_out_ends_every_pass_and_a_new_one_holds(door: Door) -> None:
    passes = [door.enter(RIGHT, visitor=one, address=None) for one in ("here", "elsewhere")]
    assert all(door.valid(one) for one in passes)
    door.close()
    assert not any(door.valid(one) for one in passes)
    assert door.valid(door.enter(RIGHT, visitor="here", address=None))


def test_an_animal_leads_back_to_nobody_and_a_class_has_no_two_alike(own_home: None) -> None:
    service.open_store().set_setting(
        service._PSEUDONYMS, "5a" * 32
    )  # a drawn key finds five alike once in 400 times
    visitors = [f"{number:032x}" for number in range(400)]
    names = [service.known_as(visitor) for visitor in visitors]
    assert names == [service.known_as(visitor) for visitor in visitors]
    assert len(set(names)) > 395  # 400 drawn from 91,080 names: 0.9 pairs alike are expected
    assert all(
        pseudonym(visitor, b"another key") != name
        for visitor, name in zip(visitors[:20], names, strict=False)
    )
    assert not any(visitor[-4:] in name for visitor, name in zip(visitors, names, strict=True))


def test_the_owner_reads_who_stopped_a_run_until_it_goes_on(own_home: None) -> None:
    store = service.open_store()
    waits, works, ends = (store.add(SPEC, "owner") for _ in range(3))
    taken = [store.claim(TRAINING, 9) for _ in range(3)]
    claims = {claim.run: claim for claim in taken if claim is not None}
    store.give_back(claims.pop(waits))
    for run in (waits, works, ends):
        service.stop(run, why=STOPPED)
    assert (service.run(waits).state, service.run(waits).error) == ("stopped", STOPPED)
    assert service.run(works).state == "stopping"
    store.end(claims[works], "stopped")
    assert (service.run(works).state, service.run(works).error) == ("stopped", STOPPED)
    store.end(claims[ends], "finished", summary={"accuracy": 1.0})
    assert (service.run(ends).state, service.run(ends).error) == ("finished", None), (
        "it was quicker: nobody stopped it"
    )
    service.resume(works, visitor="owner")
    assert (service.run(works).state, service.run(works).error) == ("queued", None)


def test_a_worker_that_is_killed_while_it_stops_leaves_the_reason(own_home: None) -> None:
    store = service.open_store()
    run = store.add(SPEC, "owner")
    claim = store.claim(TRAINING)
    assert claim is not None
    service.stop(run, why=STOPPED)
    store.vanished(claim)
    assert (service.run(run).state, service.run(run).error) == ("stopped", STOPPED)


def test_changing_is_for_the_owner_alone_whatever_is_asked(own_home: None) -> None:
    run = service.open_store().add(SPEC, "owner")
    asks = (
        lambda: service.stop(run, visitor="guest"),
        lambda: service.resume(run, visitor="guest"),
        lambda: service.conclude(run, visitor="guest"),
        lambda: service.extend(run, 1, visitor="guest"),
        lambda: service.repeat(run, 1, visitor="guest"),
        lambda: service.delete(run, visitor="guest"),
        lambda: service.share(run, visitor="guest"),
        lambda: service.unshare(run, visitor="guest"),
    )
    for shared in (False, True):
        if shared:
            service.share(run, visitor="owner")
        for ask in asks:
            with pytest.raises(errors.RunError, match="belongs to somebody else"):
                ask()
    assert service.run(run).state == "queued"
    assert service.run(run).share is not None


def test_an_id_opens_nothing_for_others_and_a_link_opens_it_read_only(own_home: None) -> None:
    run = service.open_store().add(SPEC, "owner")
    refusals = []
    for address in (run, "x" * 22, "", "%", "' OR 1=1 --", run[:-1], run.swapcase(), "null"):
        with pytest.raises(errors.RunError) as refused:
            service.readable(address, "guest")
        refusals.append(str(refused.value))
    assert len(set(refusals)) == 1, "the same sentence for what does not exist and what is not shared"
    link = service.share(run, visitor="owner")
    assert link != run
    assert (
        service.readable(link, "guest").id
        == service.readable(run, "owner").id
        == service.readable(link, "owner").id
    )
    service.unshare(run, visitor="owner")
    with pytest.raises(errors.RunError, match="no longer shared"):
        service.readable(link, "guest")

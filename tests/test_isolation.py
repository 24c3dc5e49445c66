"""Processes that work on what strangers sent: bounded, replaced when they end, gone with whoever asked them."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core import isolation

PROJECT = Path(__file__).resolve().parents[1]
MODULE = "tests.isolation_child"
unix = pytest.mark.skipif(os.name == "nt", reason="limits of the system")


@pytest.fixture
def child() -> Iterator[isolation.Child]:
    child = isolation.Child(MODULE)
    yield child
    child.end(force=True)


@pytest.fixture
def pool() -> Iterator[isolation.Pool]:
    pool = isolation.Pool(MODULE, most=2, warm=1)
    yield pool
    for one in pool._idle:
        one.end(force=True)


def gone(number: int, within: float) -> bool:
    """Whether a process ends in time; one that nobody has waited for counts as ended."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.05)
                continue
        return True
    return False


def test_bytes_go_there_and_back(child: isolation.Child) -> None:
    content = os.urandom(3_000_000)
    back = bytearray(len(content))
    for _ in range(2):
        answer = child.ask({"do": "echo"}, content, patience=60, into=lambda _: memoryview(back))
        assert answer["did"] == "echo"
        assert back == content


def test_what_it_says_meanwhile_is_heard_and_what_it_prints_is_no_answer(child: isolation.Child) -> None:
    heard: list[int] = []
    child.ask({"do": "ask"}, patience=60, heard=lambda said: heard.append(said["asks"]))
    assert heard == [1, 2]
    assert child.ask({"do": "print"}, patience=60) == {"did": "print"}


def test_who_hears_may_end_it_all(child: isolation.Child) -> None:
    def stop(_: isolation.Message) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        child.ask({"do": "ask"}, patience=60, heard=stop)
    assert not child.alive  # what it would have answered is no answer to the next question


@unix
@pytest.mark.parametrize("does", ["sleep", "hold", "spin"])
def test_a_child_that_hangs_is_ended(child: isolation.Child, does: str) -> None:
    child.ask({"do": "nothing"}, patience=60)
    began = time.monotonic()
    with pytest.raises(isolation.OverLimit):
        child.ask({"do": does}, patience=0.2)
    assert time.monotonic() - began < 60  # it would go on for ten minutes
    assert not child.alive


@unix
def test_seconds_of_the_processor_are_bounded(child: isolation.Child) -> None:
    assert child.ask({"do": "nothing", "seconds": 30.0}, patience=60) == {"did": "nothing"}
    with pytest.raises(isolation.OverLimit):
        child.ask({"do": "spin", "seconds": 0.1}, patience=60)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="where memory is bounded")
def test_memory_is_bounded(child: isolation.Child) -> None:
    assert child.ask({"do": "take", "memory": 100_000_000}, patience=60)["refused"] == "memory"
    assert child.ask({"do": "take", "memory": 900_000_000}, patience=60)["bytes taken"] == 300_000_000


@unix
def test_written_bytes_are_bounded(child: isolation.Child, tmp_path: Path) -> None:
    path = tmp_path / "file"
    asked = {"do": "write", "path": str(path), "written": 1_000}
    assert "refused" in child.ask(asked, patience=60)
    assert path.stat().st_size <= 1_000


@pytest.mark.parametrize("does", ["die", "babble"])
def test_a_child_that_breaks_down_says_so_and_is_replaced(pool: isolation.Pool, does: str) -> None:
    with pytest.raises(isolation.BrokeDown), pool.child() as one:
        one.ask({"do": does}, patience=60)
    with pool.child() as another:
        assert another is not one
        assert another.ask({"do": "nothing"}, patience=60) == {"did": "nothing"}


@unix
def test_a_child_that_is_killed_while_it_waits_is_replaced(
    pool: isolation.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        isolation, "_RESTART_SECONDS", 600.0
    )  # by whoever asks, not by whoever looks after it
    pool.warm_up()
    (number,) = pool.pids
    os.kill(number, signal.SIGKILL)
    assert gone(number, 60)
    with pool.child() as one:
        assert one.pid != number
        assert one.ask({"do": "nothing"}, patience=60) == {"did": "nothing"}
    assert pool.pids == [one.pid]  # kept for the next


@unix
def test_a_child_that_is_killed_while_nobody_asks_is_replaced(
    pool: isolation.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_RESTART_SECONDS", 0.0)
    pool.warm_up()
    (number,) = pool.pids
    os.kill(number, signal.SIGKILL)
    end = time.monotonic() + 60
    while (not pool.pids or pool.pids == [number]) and time.monotonic() < end:
        time.sleep(0.05)
    assert len(pool.pids) == 1
    assert pool.pids != [number]


def test_a_child_that_hangs_does_not_hold_others(pool: isolation.Pool) -> None:
    pool.warm_up()
    lent: queue.SimpleQueue[int] = queue.SimpleQueue()

    def hang() -> None:
        with contextlib.suppress(isolation.OverLimit, isolation.BrokeDown), pool.child() as one:
            lent.put(one.pid)
            one.ask({"do": "sleep"}, patience=600)

    thread = threading.Thread(target=hang)
    thread.start()
    number = lent.get(timeout=60)
    for _ in range(3):
        with pool.child() as one:
            one.ask({"do": "nothing"}, patience=60)
    assert thread.is_alive()
    psutil.Process(number).kill()
    thread.join(60)
    assert not thread.is_alive()


def test_what_is_not_needed_any_more_is_ended(pool: isolation.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    with pool.child() as one, pool.child() as two:
        assert one.pid != two.pid
    assert len(pool.pids) == 2
    monkeypatch.setattr(isolation, "_IDLE_SECONDS", 0.0)
    pool.tidy()
    (kept,) = pool.pids
    (ended,) = {one.pid, two.pid} - {kept}
    assert gone(ended, 60)
    assert pool.pids == [kept]


def test_no_room_for_a_process_is_said(pool: isolation.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(PROJECT / "nowhere"))
    with pytest.raises(isolation.BrokeDown), pool.child():
        pass


@unix
def test_a_forked_process_has_children_of_its_own(pool: isolation.Pool) -> None:
    pool.warm_up()
    ours = pool.pids
    number = os.fork()
    if not number:
        os._exit(0 if pool.pids == [] else 1)
    assert os.waitpid(number, 0)[1] == 0
    assert pool.pids == ours


_SERVER = """
import sys, threading, time
from core import isolation
child = isolation.Child("tests.isolation_child")
child.ask({"do": "nothing"}, patience=60)
if sys.argv[1] != "nothing":
    ask = lambda: child.ask({"do": sys.argv[1]}, patience=600)
    threading.Thread(target=ask, daemon=True).start()
    time.sleep(0.5)
print(child.pid, flush=True)
if sys.argv[2] == "stay":
    time.sleep(600)
"""


@unix
@pytest.mark.parametrize("does", ["nothing", "sleep", "spin"])
@pytest.mark.parametrize("end", ["stay", "leave"])
def test_when_whoever_asks_is_gone_no_child_is_left(does: str, end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, does, end], cwd=PROJECT, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        number = int(server.stdout.readline())
        if end == "stay":
            server.kill()
    assert gone(number, 60)

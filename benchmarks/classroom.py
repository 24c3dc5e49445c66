"""A class at once: real websocket clients walk through the pages with time to think, while fine-tunes run.

    python -m benchmarks.classroom --clients 30 --minutes 5 --json classroom-30.json
    python -m benchmarks.classroom --clients 30 --minutes 60 --blank-minutes 3 --rows soak.jsonl --json soak.json

Starts the lab and a blank Streamlit app, each in its own process, on a fresh data directory. One visitor warms the lab
up; then the class comes in within twenty seconds, walks (pauses of 1 s plus exponential ones, mean 7 s, from fixed
seeds; `benchmarks.classroom_visit` says what they click), and presses Fine-tune; one more visitor keeps something
training from beginning to end. Then as many visitors use the blank app's one button, with the same pauses, while
training goes on. Server, training and clients share this machine's cores.

Time counts from sending a click to the end of the script, as a browser without a screen sees it: network and painting
are not in it. Memory is the server process's resident size. ``--rows`` gets one JSON line a minute as it goes, so that
a run that is cut short still says something; SIGTERM or Ctrl-C ends it early, with the figures so far.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.classroom_figures import Event, acts, errors, figures, quantile, sizes, slope, table

PROJECT = Path(__file__).resolve().parent.parent
BLANK = "import streamlit as st\nst.title('Blank')\nst.button('Again', key='again')\n"
EVERY = 2.0  # seconds between two looks at memory
SETTLE = 8.0  # seconds without clicks before a resident size counts
PER_PROCESS = 50  # clients
WARM_LAPS = 2
MB = 1e6


@dataclass(kw_only=True)
class Memory:
    """The resident size of a server, and of the worker that it started, sampled in a thread."""

    process: psutil.Process
    samples: list[tuple[float, float, float]] = field(default_factory=list)  # seconds, MB, MB of its children
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to sample."""
        threading.Thread(target=self._sample, daemon=True).start()

    def stop(self) -> None:
        """Stop sampling."""
        self._over.set()

    def now(self) -> tuple[float, float]:
        """MB of the server and of its children."""
        children = 0.0
        for child in self.process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                children += child.memory_info().rss
        return self.process.memory_info().rss / MB, children / MB

    def _sample(self) -> None:
        while not self._over.wait(EVERY):
            with contextlib.suppress(psutil.Error):
                self.samples.append((time.time(), *self.now()))


@dataclass(kw_only=True)
class Clients:
    """Processes full of visitors; their events arrive in ``events``."""

    events: list[Event] = field(default_factory=list)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, address: str, *options: str, visitors: int = 1, first: int = 0) -> None:
        """Send ``visitors`` to ``address``."""
        for begin in range(0, visitors, PER_PROCESS):
            count = min(PER_PROCESS, visitors - begin)
            command = [sys.executable, "-m", "benchmarks.classroom_clients", address, *options]
            process = subprocess.Popen(
                [*command, f"--visitors={count}", f"--first={first + begin}"],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for this process, which ends the others in order
            )
            self.processes.append(process)
            threading.Thread(target=self._listen, args=(process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.events.append(json.loads(line))

    def wait(self, visitors: int, seconds: float) -> None:
        """Wait until so many have said that they are done."""
        end = time.monotonic() + seconds
        while (
            time.monotonic() < end and sum(one.get("kind") == "done" for one in list(self.events)) < visitors
        ):
            time.sleep(0.5)

    def stop(self) -> None:
        """Close all tabs."""
        for process in self.processes:
            process.communicate()


def free_port() -> int:
    """Ask the system for a port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(script: Path, home: str, log: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Serve ``script``: its address and process."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*command, "--server.headless=true", "--server.address=127.0.0.1"],
            cwd=PROJECT,
            env={**os.environ, "TLL_HOME": home},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                break
            time.sleep(0.1)
        yield address, psutil.Process(server.pid)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def finished_runs(home: str) -> int:
    """Count the runs that have finished so far."""
    with contextlib.closing(sqlite3.connect(f"file:{home}/runs.sqlite3?mode=ro", uri=True)) as store:
        return int(store.execute("SELECT COUNT(*) FROM runs WHERE state = 'finished'").fetchone()[0])


def processor_seconds(process: psutil.Process) -> float:
    """Processor time that a process has used so far."""
    used = process.cpu_times()
    return float(used.user + used.system)


def minute_row(minute: int, events: list[Event], memory: Memory, home: str) -> dict[str, Any]:
    """Say how the last minute went."""
    taken = [one["done"] for one in acts(events)]
    server, children = memory.now()
    return {
        "minute": minute,
        "interactions": len(taken),
        "p50": quantile(taken, 0.5),
        "p95": quantile(taken, 0.95),
        "p99": quantile(taken, 0.99),
        "ticks": sum(one.get("kind") == "tick" for one in events),
        "errors": dict(errors(events)),
        "server_mb": server,
        "children_mb": children,
        "finished_runs": finished_runs(home),
    }


_cut_short = threading.Event()


def watch(seconds: float, clients: Clients, memory: Memory, home: str, rows: Path | None) -> None:
    """Wait; write a row every minute."""
    began, seen, minute = time.monotonic(), len(clients.events), 0
    while (left := began + seconds - time.monotonic()) > 0:
        if _cut_short.wait(max(0.0, min(left, began + 60 * (minute + 1) - time.monotonic()))):
            break
        if time.monotonic() < began + 60 * (minute + 1) - 0.1:
            break
        minute += 1
        until = len(clients.events)
        row = minute_row(minute, clients.events[seen:until], memory, home)
        seen = until
        print(
            f"minute {minute}: {row['interactions']} interactions, p50 {1000 * row['p50']:.0f} ms, "
            f"p95 {1000 * row['p95']:.0f} ms, errors {sum(row['errors'].values())}, server {row['server_mb']:.0f} MB, "
            f"finished runs {row['finished_runs']}",
            flush=True,
        )
        if rows is not None:
            with rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def in_the_lab(
    arguments: argparse.Namespace, address: str, process: psutil.Process, home: str
) -> dict[str, Any]:
    """Warm the lab up, let the class in, and let it leave again; the keeper must be training already."""
    seed, seconds = f"--seed={arguments.seed}", 60 * arguments.minutes
    memory, guide, crowd = Memory(process=process), Clients(), Clients()
    guide.start(address, f"--laps={WARM_LAPS}", "--hurry=10", "--seconds=600", seed, "--linger", first=9000)
    guide.wait(1, 600)
    time.sleep(SETTLE)
    one_visitor, _ = memory.now()
    print(f"warm, with 1 visitor: {one_visitor:.0f} MB", flush=True)
    memory.start()
    finished, began, used = finished_runs(home), time.time(), processor_seconds(process)
    crowd.start(address, f"--seconds={seconds}", seed, "--linger", visitors=arguments.clients)
    watch(seconds, crowd, memory, home, arguments.rows)
    if not _cut_short.is_set():
        crowd.wait(arguments.clients, 60)
    used, ended = processor_seconds(process) - used, time.time()
    finished = finished_runs(home) - finished
    time.sleep(SETTLE)
    with_all, _ = memory.now()
    crowd.stop()
    time.sleep(arguments.after)
    after, _ = memory.now()
    memory.stop()
    guide.stop()
    # The class has come in, and looked at most things once, when half of the time is over.
    half = [(at, mb) for at, mb, _ in memory.samples if (began + ended) / 2 < at < ended]
    return {
        **figures(crowd.events),
        "warming_up": figures(guide.events),
        "memory": {
            "one_visitor_mb": one_visitor,
            "all_visitors_mb": with_all,
            "per_visitor_mb": (with_all - one_visitor) / arguments.clients,
            "after_they_left_mb": after,
            "slope_mb_per_minute": slope(half),
            "largest_children_mb": max((children for _, _, children in memory.samples), default=0.0),
            "samples": memory.samples,
        },
        "processor_share": used / (ended - began),
        "processor_ms_each": 1000 * used / max(1, len(acts(crowd.events))),
        "finished_runs": finished,
    }


def in_the_blank_app(arguments: argparse.Namespace, address: str, process: psutil.Process) -> dict[str, Any]:
    """Let as many visitors use the blank app."""
    memory, crowd, seconds = Memory(process=process), Clients(), 60 * arguments.blank_minutes
    before, _ = memory.now()
    options = ("--what=blank", f"--seconds={seconds}", f"--seed={arguments.seed}", "--linger")
    crowd.start(address, *options, visitors=arguments.clients)
    crowd.wait(arguments.clients, seconds + 60)
    found = figures(crowd.events)
    found["memory"] = {"per_visitor_mb": (memory.now()[0] - before) / arguments.clients}
    crowd.stop()
    return found


def measure(arguments: argparse.Namespace, home: str, logs: Path) -> dict[str, Any]:
    """Run the whole thing; all figures come back."""
    blank_script = logs / "blank.py"
    blank_script.write_text(BLANK)
    keeper = Clients()
    with (
        served(PROJECT / "streamlit_app.py", home, logs / "lab.log") as (address, process),
        served(blank_script, home, logs / "blank.log") as (blank_address, blank_process),
    ):
        keeper.start(address, "--what=train", "--seconds=100000", first=9999)
        ours, blank = in_the_lab(arguments, address, process, home), None
        print_phase("The lab", ours)
        if arguments.blank_minutes and not _cut_short.is_set():
            blank = in_the_blank_app(arguments, blank_address, blank_process)
            print_phase("The blank app", blank)
        keeper.stop()
    ours["keeper_errors"] = dict(errors(keeper.events))
    found = {"clients": arguments.clients, "minutes": arguments.minutes, "lab": ours, "blank": blank}
    if blank is not None:
        found["ratio"] = {name: ours["all"][name] / blank["all"][name] for name in ("p50", "p95", "p99")}
        print("\nlab over blank: " + ", ".join(f"{name} {one:.1f}" for name, one in found["ratio"].items()))
    return found


def print_phase(title: str, found: dict[str, Any]) -> None:
    """Print one phase's tables."""
    print(f"\n## {title}\n\n{table(found)}\n\nerrors: {found['errors'] or 0}; refused: {found['refused']}")
    for text, times in found["texts"]:
        print(f"  {times} × {text}")
    print(", ".join(f"{name} {one:.1f}" for name, one in found["memory"].items() if name != "samples"))
    if "finished_runs" in found:
        print(
            f"runs finished: {found['finished_runs']}; processor: {found['processor_share']:.2f} cores, "
            f"{found['processor_ms_each']:.0f} ms an interaction, polling and pictures included"
        )
        print(f"\n{sizes(found)}")
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--blank-minutes", type=float, default=2.0, help="0: without the blank app")
    parser.add_argument(
        "--after", type=float, default=10.0, help="seconds after all left until memory is read again"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--rows", type=Path, help="file that gets one JSON line a minute")
    parser.add_argument("--logs", type=Path, help="folder for the servers' logs")
    arguments = parser.parse_args()
    for one in (signal.SIGINT, signal.SIGTERM):  # whoever ends it early gets the figures so far
        signal.signal(one, lambda *_: _cut_short.set())
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as own:
        logs = arguments.logs or Path(own)
        logs.mkdir(parents=True, exist_ok=True)
        found = measure(arguments, home, logs)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

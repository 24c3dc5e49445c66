"""A small Ray cluster on this machine, whose nodes can be killed: for the tests and for `ray_faults`."""

import contextlib
import os
import time
from types import TracebackType
from typing import Any

import psutil

from core.runs.kinds.table import KINDS

_WORK = tuple(f"ray::{kind}" for kind in KINDS)
MEMORY = 100_000_000  # bytes of each node's object store
# A killed node refuses the head's questions at once, so they may follow each other quickly. One that answers late, on
# a machine that does much else, is alive. And its tasks need not stand back behind everything else, as Ray's do.
_SYSTEM = {"health_check_timeout_ms": 60_000, "health_check_period_ms": 1_000, "worker_niceness": 0}


class Nodes:
    """A head without processors, which drivers join, and nodes with one processor each."""

    def __init__(self, count: int) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        head = {
            "num_cpus": 0,
            "object_store_memory": MEMORY,
            "include_dashboard": False,
            "_system_config": _SYSTEM,
        }
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._nodes: list[Any] = []
        for _ in range(count):
            self.add()

    def __enter__(self) -> "Nodes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.shutdown()

    @property
    def address(self) -> str:
        """What ``RAY_ADDRESS`` takes."""
        return str(self._cluster.address)

    def __len__(self) -> int:
        return len(self._nodes)

    def believed_alive(self) -> int:
        """Ask the head how many nodes it believes alive, itself left out."""
        return sum(node["Alive"] for node in self._cluster.global_state.node_table()) - 1

    def fill(self, count: int) -> None:
        """Start nodes until so many live."""
        for node in [one for one in self._nodes if not one.live_processes()]:
            self.kill(node)
        while len(self) < count:
            self.add()

    def add(self) -> None:
        """Start one more node."""
        self._nodes.append(self._cluster.add_node(num_cpus=1, object_store_memory=MEMORY))

    def tasks(self) -> list[psutil.Process]:
        """Find the processes that work on a run of the lab."""
        return [process for node in self._nodes for process in _tasks(node)]

    def kill_busy(self, seconds: float = 60.0) -> None:
        """Kill the node that works on a run, with everything on it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for node in self._nodes:
                if _tasks(node):
                    self.kill(node)
                    return
            time.sleep(0.02)
        raise TimeoutError("No node works on a run.")

    def kill_idle(self) -> None:
        """Kill every node that works on no run, but the head."""
        for node in [one for one in self._nodes if not _tasks(one)]:
            self.kill(node)

    def kill_all(self) -> None:
        """Kill every node but the head."""
        for node in list(self._nodes):
            self.kill(node)

    def kill(self, node: Any) -> None:
        """Kill one node's processes."""
        self._nodes.remove(node)
        self._cluster.remove_node(node, allow_graceful=False)


def _tasks(node: Any) -> list[psutil.Process]:
    """Find a node's processes at work: their command lines name the task (`core.runs.executors.ray_run`)."""
    found: list[psutil.Process] = []
    for started in node.all_processes.get("raylet", []):
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(started.process.pid).children()
            found += [one for one in children if "".join(one.cmdline()).startswith(_WORK)]
    return found

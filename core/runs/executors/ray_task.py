"""What a node of a Ray cluster runs: the same engine as everywhere, its events thinned for the way back.

Stateless: settings, data, network and checkpoint come as arguments, and nothing is kept on the node's disk.
"""

import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from core.events import Event, Progress
from core.runs.kinds.kind import Kind, Work

SHORTEST_PAUSE = 0.1  # seconds between two events of batches or progress; the recorder keeps fewer still


def events_of_a_node(work: list[Any]) -> Iterator[str | Event]:
    """Name this node as the cluster does, then do as `events` with the objects that ``work`` refers to.

    References in a list: what a task's own arguments refer to is read, and torch loaded for it, before the task
    begins.
    """
    import ray

    # Ray starts this process in a folder that it may unpack anew meanwhile, where several nodes share a machine;
    # and MKL, which torch loads, ends a process whose folder is gone.
    os.chdir(tempfile.gettempdir())
    yield ray.get_runtime_context().get_node_id()
    kind, of_run, earlier, threads = ray.get(work)
    yield from events(kind, dataclasses.replace(of_run, earlier=earlier), threads)


def events(kind: Kind, work: Work, threads: int) -> Iterator[Event]:
    """Run on this node with ``threads`` threads."""
    import torch

    torch.set_num_threads(threads)
    yield from thinned(kind, kind.events(work))


def thinned(
    kind: Kind, told: Iterator[Event], clock: Callable[[], float] = time.monotonic
) -> Iterator[Event]:
    """Leave out batches and progress that come too fast: each event costs the cluster about a millisecond."""
    last = -SHORTEST_PAUSE
    for event in told:
        if isinstance(event, kind.passing) and not (
            isinstance(event, Progress) and event.done >= event.total
        ):
            if clock() - last < SHORTEST_PAUSE:
                continue
            last = clock()
        yield event

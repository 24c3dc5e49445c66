"""What a node of a Ray cluster runs: the same engine as everywhere, its events thinned for the way back.

Stateless: settings, data, network and checkpoint come as arguments, and nothing is kept on the node's disk.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from core.datasets.dataset import ImageDataset
from core.events import Event, Progress
from core.runs import engine
from core.runs.spec import Config
from core.training.events import BatchDone
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import ArmDone

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone

Earlier = dict[str, Any] | tuple[ArmDone, ...] | None  # a checkpoint's state; the arms that are measured

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
    yield from events(*ray.get(work))


def events(
    config: Config, dataset: ImageDataset, earlier: Earlier, backbone: "Backbone | None", threads: int
) -> Iterator[Event]:
    """Train or sweep on this node with ``threads`` threads, going on from ``earlier``.

    ``backbone`` is the network that training starts from, where the node cannot make it by itself.
    """
    import torch

    torch.set_num_threads(threads)
    if isinstance(config, SweepConfig):
        assert isinstance(earlier, tuple)
        yield from thinned(engine.sweep_events(config, dataset, earlier, backbone=backbone))
    else:
        assert not isinstance(earlier, tuple)
        yield from thinned(engine.events(config, dataset, earlier, backbone=backbone))


def thinned(told: Iterator[Event], clock: Callable[[], float] = time.monotonic) -> Iterator[Event]:
    """Leave out batches and progress that come too fast: each event costs the cluster about a millisecond."""
    last = -SHORTEST_PAUSE
    for event in told:
        passing = isinstance(event, BatchDone) or (isinstance(event, Progress) and event.done < event.total)
        if passing:
            if clock() - last < SHORTEST_PAUSE:
                continue
            last = clock()
        yield event

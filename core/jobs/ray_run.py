"""A run on a Ray cluster: its events come from one of the cluster's nodes, and from another one if that dies.

The worker process of this machine stays the driver. Heartbeat, cancelling, limits and the recorder are what they
are without a cluster; only the generator of events runs elsewhere, as a streaming task (`ray_task.events`). What it
needs travels with it: decoded images, starting weights other than the built-in ones, the checkpoint, and this very
version of ``core``. A node that dies loses what came after its last checkpoint, nothing else: the task is submitted
again with that checkpoint, and ends with the same numbers. Ray would repeat a lost task too, but from its beginning.
"""

import logging
import time
from collections.abc import Callable, Generator
from typing import Any

from core import errors
from core.datasets.dataset import ImageDataset
from core.jobs import engine, ray_cluster, ray_task
from core.jobs.spec import Config
from core.training.events import CheckpointReady, Event, Progress, Resumed
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import ArmDone

TRIES = 3  # without a checkpoint or a measured arm between them
LOOK_SECONDS = 0.2  # between two looks whether the run should go on
# Of what a dead node still held, Ray says only after ten minutes that it is lost. So where nothing comes for a while,
# the driver asks whether the run's own node is alive.
NODES_SECONDS = 5.0
# How far a node may run ahead of what is written down here: a large network's checkpoints must not pile up.
AHEAD = 16  # events

_log = logging.getLogger(__name__)


class _NodeLost(Exception):
    """The run's node has died, and nothing has come for a while."""


def events(
    config: Config, dataset: ImageDataset, earlier: ray_task.Earlier, look: Callable[[], None]
) -> Generator[Event, None, None]:
    """Train or sweep on a node of the cluster, and on another one if that dies.

    ``earlier`` is the state of a checkpoint, or the arms that are measured already. ``look`` is called every
    `LOOK_SECONDS` while nothing comes, and raises what ends the run. Closing the generator ends the remote task.
    Beside the engine's events: `Progress` in the phase "cluster" until a node begins, and `Resumed`.
    """
    ray = ray_cluster.connected()
    gpu = config.device != "cpu" and ray.cluster_resources().get("GPU", 0) >= 1
    submit = ray.remote(ray_task.events_of_a_node).options(
        # Shown to all who look at the cluster: nothing of the visitor's in it.
        name=f"{type(config).__name__} of {config.backbone}",
        num_returns="streaming",
        num_cpus=ray_cluster.threads(),
        num_gpus=1 if gpu else 0,
        max_retries=0,  # from the beginning, that would be; see above
        _generator_backpressure_num_objects=AHEAD,
    )
    images = ray.put(dataset)
    network = engine.starting_network(config)
    backbone = None if network is None else ray.put(network)
    del network  # it may be half a gigabyte
    epoch = 0 if not isinstance(earlier, dict) else int(earlier["epoch"])
    failures = 0
    while True:
        yield Progress(phase="cluster", done=0, total=1)
        node = None  # not known before it has begun; until then Ray itself tells of its death
        stream = submit.remote(config, images, earlier, backbone, ray_cluster.threads())
        over = False
        try:
            while True:
                _arrive(ray, stream, look, node)
                try:
                    item = next(stream)
                except StopIteration:
                    over = True
                    return
                _arrive(ray, item, look, node)
                event = ray.get(item)
                if node is None:
                    node = event
                    continue
                if isinstance(event, CheckpointReady):
                    earlier, epoch, failures = event.state, event.epoch, 0
                elif isinstance(event, ArmDone):
                    assert isinstance(earlier, tuple)
                    earlier, failures = (*earlier, event), 0
                yield event
        except ray.exceptions.RayTaskError as error:
            over = True
            raise _told(error) from error
        except (ray.exceptions.RayError, _NodeLost) as error:
            failures += 1
            _log.warning("The cluster lost a run (%d of %d tries): %s", failures, TRIES, error)
            if failures == TRIES:
                raise _given_up(ray, error) from error
        finally:
            if not over:
                ray.cancel(stream, force=True)
        if not isinstance(config, SweepConfig):  # a sweep's log goes on by itself
            yield Resumed(epoch=epoch)


def _arrive(ray: Any, what: Any, look: Callable[[], None], node: str | None) -> None:
    """Wait for the next item of a stream, or for an item to be here; ``node`` is where they come from."""
    ask_at = time.monotonic() + NODES_SECONDS
    while not ray.wait([what], timeout=LOOK_SECONDS)[0]:
        look()
        if time.monotonic() >= ask_at:
            ask_at = time.monotonic() + NODES_SECONDS
            if node is not None and not _alive(ray, node):
                raise _NodeLost("its node has died, and nothing comes any more")


def _alive(ray: Any, node: str) -> bool:
    """Whether the cluster believes this node alive."""
    return any(one["NodeID"] == node and one["Alive"] for one in ray.nodes())


def _told(error: Any) -> Exception:
    """Name what was raised on the node, as if it had been raised here; the node's traceback is its cause."""
    cause = error.cause
    if isinstance(cause, ImportError):
        return errors.RunError(
            f"A node of the Ray cluster cannot import {cause.name}; install the lab's requirements on every node."
        )
    return cause if isinstance(cause, Exception) else RuntimeError(str(error))


def _given_up(ray: Any, error: Exception) -> errors.RunError:
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return errors.RunError(
            "The cluster's nodes ran out of memory; try fewer or smaller images, or a smaller batch."
        )
    if isinstance(error, ray.exceptions.RuntimeEnvSetupError):
        return errors.RunError("The cluster's nodes could not unpack the lab's code; worker.log says why.")
    return errors.RunError(
        f"The cluster lost this run {TRIES} times without an epoch between; resume it when the nodes are well."
    )

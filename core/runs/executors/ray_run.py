"""A run on a Ray cluster: its events come from one of the cluster's nodes, and from another one if that dies.

The worker process of this machine stays the driver. Heartbeat, cancelling, limits and the recorder are what they
are without a cluster; only the generator of events runs elsewhere, as a streaming task (`ray_task`). What it needs
travels with it: decoded images, starting weights other than the built-in ones, the checkpoint, and this very
version of ``core``. A node that dies loses what came after its last checkpoint, nothing else: the task is submitted
again with that checkpoint, and ends with the same numbers. Ray would repeat a lost task too, but from its beginning.
"""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Generator
from typing import Any

from core import errors
from core.events import Event, Progress, Resumed
from core.runs.executors import ray_cluster, ray_task
from core.runs.kinds.kind import Kind, Work
from core.runs.kinds.lanes import TRAINING

TRIES = 3  # without a checkpoint or a measured arm between them
LOOK_SECONDS = 0.2  # between two looks whether the run should go on
# A cluster learns late that a node is gone (by default after fifteen seconds or more), and may send tasks there
# meanwhile. So for a while after a loss, tries that end before they have begun do not count.
FORGIVING_SECONDS = 60.0
PAUSE_SECONDS = 1.0  # before the next of those
# Of what a dead node still held, Ray says only after ten minutes that it is lost. So where nothing comes for a while,
# the driver asks whether the run's own node is alive.
NODES_SECONDS = 5.0
# How far a node may run ahead of what is written down here: a large network's checkpoints must not pile up.
AHEAD = 16  # events

_log = logging.getLogger(__name__)


class _NodeDead(Exception):
    """The run's node has died, and nothing has come for a while."""


class _Lost(Exception):
    """The cluster has lost a run, for the reason that is this error's cause."""

    def __init__(self, *, begun: bool) -> None:
        super().__init__()
        self.begun = begun  # whether it had begun on a node


def events(kind: Kind, work: Work, look: Callable[[], None]) -> Generator[Event, None, None]:
    """Run on a node of the cluster, and on another one if that dies.

    ``look`` is called every `LOOK_SECONDS` while nothing comes, and raises what ends the run. Closing the generator
    ends the remote task. Beside the kind's events: `Progress` in the phase "cluster" until a node begins, and
    `Resumed`.
    """
    ray = ray_cluster.connected()
    wants_gpu = kind.lane == TRAINING and work.config.device != "cpu"
    gpu = wants_gpu and ray.cluster_resources().get("GPU", 0) >= 1
    task = ray.remote(ray_task.events_of_a_node).options(
        # Shown to all who look at the cluster: nothing of the visitor's in it.
        name=f"{kind.name} {kind.title(work.config, '')}".strip(" ·"),
        num_returns="streaming",
        num_cpus=ray_cluster.threads(),
        num_gpus=1 if gpu else 0,
        max_retries=0,  # from the beginning, that would be; see above
        _generator_backpressure_num_objects=AHEAD,
    )
    earlier = work.earlier
    of_run = dataclasses.replace(work, earlier=None, backbone=kind.starting_network(work.config))
    constant, threads = [ray.put(kind), ray.put(of_run)], ray.put(ray_cluster.threads())
    failures = 0
    forgiving_until = 0.0
    while True:
        yield Progress(phase="cluster", done=0, total=1)
        sent = [*constant, ray.put(earlier), threads]
        try:
            with contextlib.closing(_tried(ray, task, sent, look)) as told:
                for event in told:
                    earlier = kind.went_on(earlier, event)
                    if isinstance(event, kind.milestones):
                        failures = 0
                    yield event
            return
        except _Lost as lost:
            error = lost.__cause__
            if not lost.begun and time.monotonic() < forgiving_until:
                _log.info("The cluster lost a run before it had begun again: %s", error)
                _pause(look)
                continue
            failures += 1
            forgiving_until = time.monotonic() + FORGIVING_SECONDS
            _log.warning("The cluster lost a run (%d of %d tries): %s", failures, TRIES, error)
            if failures == TRIES:
                raise _given_up(ray, error) from error
        epoch = kind.epoch_of(earlier)
        if epoch is not None:
            yield Resumed(epoch=epoch)


def _tried(ray: Any, task: Any, work: list[Any], look: Callable[[], None]) -> Generator[Event, None, None]:
    """Try once: pass on what a node tells; `_Lost` where the cluster loses the task, else what the task raised."""
    stream = task.remote(work)
    node: str | None = None  # not known before it has begun; until then Ray itself tells of its death
    over = False
    try:
        while True:
            try:
                item = _next(ray, stream, look, node)
            except StopIteration:
                over = True
                return
            told = _fetched(ray, item, look, node)
            if node is None:
                node = told
            else:
                yield told
    except ray.exceptions.RayTaskError as error:
        over = True
        raise _told(error) from error
    except (ray.exceptions.RayError, _NodeDead) as error:
        # What cannot be unpacked is no better in a while.
        hopeless = isinstance(error, ray.exceptions.RuntimeEnvSetupError)
        raise _Lost(begun=node is not None or hopeless) from error
    finally:
        if not over:
            ray.cancel(stream, force=True)


def _next(ray: Any, stream: Any, look: Callable[[], None], node: str | None) -> Any:
    """Wait for the stream's next item, and name it; ``node`` is where it comes from. `StopIteration` at its end."""
    ask_at = time.monotonic() + NODES_SECONDS
    # Not fetched here: such a wish outlives the node that should fulfil it, and takes the room of what comes next.
    while not ray.wait([stream], timeout=LOOK_SECONDS, fetch_local=False)[0]:
        look()
        if time.monotonic() >= ask_at:
            ask_at = time.monotonic() + NODES_SECONDS
            _check(ray, node)
    return next(stream)


def _fetched(ray: Any, item: Any, look: Callable[[], None], node: str | None) -> Any:
    """Fetch an item from its node; large ones over slow networks take their time."""
    patience = NODES_SECONDS
    while True:
        look()
        try:
            return ray.get(item, timeout=patience)
        except ray.exceptions.GetTimeoutError:
            _check(ray, node)
            patience *= 2  # what has come so far is thrown away


def _check(ray: Any, node: str | None) -> None:
    """Raise `_NodeDead` where the cluster believes the node of a run dead, or gone."""
    if node is not None and not any(one["NodeID"] == node and one["Alive"] for one in ray.nodes()):
        raise _NodeDead("its node has died, and nothing comes any more")


def _pause(look: Callable[[], None]) -> None:
    until = time.monotonic() + PAUSE_SECONDS
    while time.monotonic() < until:
        look()
        time.sleep(LOOK_SECONDS)


def _told(error: Any) -> Exception:
    """Name what was raised on the node, as if it had been raised here; the node's traceback is its cause."""
    cause = error.cause
    if isinstance(cause, ImportError):
        return errors.RunError(
            f"A node of the Ray cluster cannot import {cause.name}; install the lab's requirements on every node."
        )
    return cause if isinstance(cause, Exception) else RuntimeError(str(error))


def _given_up(ray: Any, error: BaseException | None) -> errors.RunError:
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return errors.RunError(
            "The cluster's nodes ran out of memory; try fewer or smaller images, or a smaller batch."
        )
    if isinstance(error, ray.exceptions.RuntimeEnvSetupError):
        return errors.RunError("The cluster's nodes could not unpack the lab's code; worker.log says why.")
    return errors.RunError(
        f"The cluster lost this run {TRIES} times without an epoch between; resume it when the nodes are well."
    )

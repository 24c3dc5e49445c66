"""What there is to train on, without asking torch: the GPUs of this machine, or its processors. Torch-free."""

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass

from core import environment
from core.runs.executors import ray_cluster
from core.runs.kinds.lanes import LANES, TRAINING, Lane

PROCESSORS_PER_WATCHED = 4
MOST_WATCHED = 4  # workers in a lane of watched runs


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU as NVIDIA's driver describes it; memory in bytes, ``busy`` in percent of the last moments."""

    uuid: str  # what CUDA_VISIBLE_DEVICES takes
    name: str
    memory: int
    memory_used: int
    busy: int


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place for one worker: its environment says which GPU it sees and how many threads it may use."""

    lane: Lane = TRAINING
    gpu: str | None
    threads: int

    @property
    def environment(self) -> dict[str, str]:
        """What the worker's process is given."""
        seen = {} if self.gpu is None else {"CUDA_VISIBLE_DEVICES": self.gpu}
        return seen | {"OMP_NUM_THREADS": str(self.threads)}


def slots() -> tuple[Slot, ...]:
    """The places of every lane.

    Training has one worker for each GPU, one in all where there is none; ``TLL_WORKERS`` sets another number. What
    is watched needs no GPU and one thread: a worker in each lane, more on a machine with many processors.
    """
    watched = min(MOST_WATCHED, max(1, available_processors() // PROCESSORS_PER_WATCHED))
    return (
        *_training(),
        *(Slot(lane=lane, gpu=None, threads=1) for lane in LANES if lane != TRAINING for _ in range(watched)),
    )


def _training() -> tuple[Slot, ...]:
    """Where a Ray cluster does the work, as many as it has room for: these workers only listen to it."""
    if ray_cluster.wanted():
        return (Slot(gpu=None, threads=1),) * ray_cluster.capacity()
    found = _uuids()
    count = environment.WORKERS.whole_number(max(1, len(found)))
    threads = environment.THREADS.whole_number(max(1, available_processors() // count))
    return tuple(
        Slot(gpu=found[number % len(found)] if found else None, threads=threads) for number in range(count)
    )


@functools.cache
def _uuids() -> tuple[str, ...]:
    """Ask once: a driver that is silent for a moment must not take a worker's place away."""
    return tuple(gpu.uuid for gpu in gpus())


def gpus() -> tuple[Gpu, ...]:
    """Ask the driver for the GPUs that this process may use; none where there is no driver."""
    parts = environment.VISIBLE_GPUS.text().split(",")
    allowed = [part.strip() for part in parts if part.strip()] if environment.VISIBLE_GPUS.is_set else None
    return tuple(
        gpu
        for number, gpu in enumerate(_all_gpus())
        if allowed is None or str(number) in allowed or any(gpu.uuid.startswith(one) for one in allowed)
    )


def available_processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _all_gpus() -> Iterator[Gpu]:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return
    try:
        for number in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(number)
            memory, busy = pynvml.nvmlDeviceGetMemoryInfo(handle), 0
            with contextlib.suppress(pynvml.NVMLError):  # some cards do not tell
                busy = int(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
            yield Gpu(
                uuid=_text(pynvml.nvmlDeviceGetUUID(handle)),
                name=_text(pynvml.nvmlDeviceGetName(handle)),
                memory=int(memory.total),
                memory_used=int(memory.used),
                busy=busy,
            )
    finally:
        pynvml.nvmlShutdown()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value

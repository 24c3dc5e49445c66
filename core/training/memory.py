"""Memory: what to do when the device runs out of it, and how much a run has used."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

from core import errors
from core.events import Note


@dataclass(kw_only=True)
class MicroBatch:
    """How many images go through the network at once: at first all of a batch, then halved whenever it must be.

    A batch that does not fit is cut into micro-batches whose gradients are added up, each weighed by its share
    of the images: the same step as before, up to rounding. **BatchNorm is the exception.** Where it is being
    trained, it normalises by the micro-batch, and its running statistics move once per micro-batch (and also
    during the attempt that failed), so such a run is close to, not equal to, one with more memory.
    """

    size: int
    smallest: int  # BatchNorm in training needs two images
    notes: list[Note] = field(default_factory=list)  # not yet told to anybody; may be shared

    def attempt(self, work: Callable[[int], None], device: torch.device) -> None:
        """Call ``work(size)`` until it fits, halving ``size`` after each `torch.OutOfMemoryError`.

        ``work`` must begin anew on each call. Raises `RunError` where even the smallest size does not fit.
        """
        while True:
            try:
                return work(self.size)
            except torch.OutOfMemoryError:
                pass
            # Behind the handler: while it runs, the traceback keeps every tensor of the failed attempt alive.
            self.halve(device)

    def halve(self, device: torch.device) -> None:
        """Take half the size, free what the allocator holds, and leave a note."""
        if self.size <= self.smallest:
            raise errors.RunError(
                f"The device has too little memory for even {self.size} image(s) at a time; "
                "choose a smaller image size or a smaller backbone."
            )
        self.size = max(self.smallest, self.size // 2)
        if device.type == "cuda":
            torch.cuda.empty_cache()
        self.notes.append(
            Note(
                message=f"The device ran out of memory: from now on {self.size} images go through the network at "
                "once, and gradients are added up to the same batch size."
            )
        )

    def news(self) -> Iterator[Note]:
        """Tell each note once."""
        while self.notes:
            yield self.notes.pop(0)


def free_bytes(device: torch.device) -> int:
    """Memory that is free on ``device``; where the system does not tell, a careful 2 GiB."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        with open("/proc/meminfo", encoding="ascii") as table:
            sizes = dict(line.split(":", 1) for line in table)
        return int(sizes["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 2 * 1024**3


def reset_peak(device: torch.device) -> None:
    """Begin to measure `peak_bytes` anew (possible on CUDA only)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int:
    """Peak since `reset_peak` of what tensors took on CUDA; on a CPU, peak of the whole process (0 on Windows)."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB

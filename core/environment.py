"""What the lab reads from its environment, which only this file does; README's table of variables says the same.

Variables of the limits on visitors and runs are made from the limits themselves (`core.runs.limits`). Torch-free.
"""

import os
from dataclasses import dataclass

from core import errors


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of the environment; it is read anew whenever it is asked for."""

    name: str
    help: str
    default: str = ""  # its value where it is not set, or empty
    without: str = ""  # what holds then, where there is no such value
    low: int | None = None  # of a whole number; both limits are allowed, None: there is none
    high: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether it is set, empty or not."""
        return self.name in os.environ

    def text(self) -> str:
        """Read its value; where it is not set, or empty, its default."""
        return os.environ.get(self.name, "") or self.default

    def whole_number(self, otherwise: int = 0) -> int:
        """Read its value as a whole number; where it is not set, its default, or ``otherwise`` if it has none.

        `SettingsError` for what is no whole number, or outside its limits.
        """
        text = self.text()
        if not text:
            return otherwise
        try:
            number = int(text)
        except ValueError:
            raise self._no_number(text) from None
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise self._no_number(text)
        return number

    def _no_number(self, text: str) -> errors.SettingsError:
        low = "" if self.low is None else f" from {self.low}"
        high = "" if self.high is None else f" to {self.high}"
        on = " on" if low and not high else ""
        return errors.SettingsError(
            f"{self.name} must be a whole number{low}{high}{on}; it is {errors.shortened(repr(text))}."
        )


HOME = Variable(
    name="TLL_HOME", without="the user's data folder", help="runs, uploads, logs, downloads"
)  # of a worker's process: always set
DATA_DIR = Variable(name="TLL_DATA_DIR", without="none", help="a folder of data sets that you already have")
TEACHER_SECRET = Variable(
    name="TLL_TEACHER_SECRET", without="no teacher's page", help="opens it; at least 12 characters"
)
METRICS_TOKEN = Variable(
    name="TLL_METRICS_TOKEN",
    without="this machine only",
    help="bearer token for `/metrics` from elsewhere",
)
LOG_LEVEL = Variable(name="TLL_LOG_LEVEL", default="INFO", help="`DEBUG`, `INFO`, `WARNING` or `ERROR`")
PAGES_PER_ADDRESS = Variable(  # a class of 35 behind one router, each with ten pages; as deploy/nginx.conf
    name="TLL_PAGES_PER_ADDRESS", default="400", help="pages open from one address at once"
)
WORKERS = Variable(
    name="TLL_WORKERS",
    without="one per GPU, else 1",
    help="processes that train at the same time",
    low=1,
    high=64,
)
THREADS = Variable(
    name="OMP_NUM_THREADS", without="processors / workers", help="threads of one worker", low=1
)
VISIBLE_GPUS = Variable(
    name="CUDA_VISIBLE_DEVICES", without="all", help="GPUs that may be used, by number or UUID"
)
HEAPS = Variable(
    name="MALLOC_ARENA_MAX", without="2", help="heaps of the server's process, where glibc has them"
)
RAY_ADDRESS = Variable(
    name="RAY_ADDRESS", without="this machine trains", help="a Ray cluster's head, `HOST:PORT`"
)
RAY_RUNS = Variable(  # each has a driver on this machine, with torch in its memory
    name="TLL_RAY_RUNS", default="8", help="runs on the cluster at the same time, at most", low=1
)
RAY_THREADS = Variable(
    name="TLL_RAY_THREADS", default="1", help="processors of one run on the cluster", low=1
)

VARIABLES = (
    HOME,
    DATA_DIR,
    TEACHER_SECRET,
    METRICS_TOKEN,
    LOG_LEVEL,
    PAGES_PER_ADDRESS,
    WORKERS,
    THREADS,
    VISIBLE_GPUS,
    HEAPS,
    RAY_ADDRESS,
    RAY_RUNS,
    RAY_THREADS,
)
